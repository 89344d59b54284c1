/**
 * What a process is to the one that started it, however it was started. Takes a layer of `Hub` and `Spawner`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Duration, Effect, Exit, Fiber, Layer, Option, References, Result, Scope, Stream } from "effect"
import * as Mp from "../../src/index.ts"
import { brief } from "../fixtures/process/brief.ts"
import { double } from "../fixtures/process/double.ts"
import { echo, type Message } from "../fixtures/process/echo.ts"
import { finalizers } from "../fixtures/process/finalizers.ts"
import { Line, middle } from "../fixtures/process/handsOn.ts"
import { clings } from "../fixtures/process/holdsOn.ts"
import { logs, spans } from "../fixtures/process/logs.ts"
import { count, counts } from "../fixtures/process/moduleState.ts"
import { name as itsName, names } from "../fixtures/process/names.ts"
import { nest } from "../fixtures/process/nest.ts"
import { Disobeyed, obedient } from "../fixtures/process/obedient.ts"
import { watched } from "../fixtures/process/orphan.ts"
import {
  aborts,
  dies,
  exits,
  failsTwice,
  failsWithTooMuch,
  givesTooMuch,
  givesUnreadable,
  isInterrupted,
  Refused,
  refuses,
  rejects,
  signalsItself,
  succeeds,
  throwsInTimer,
  throwsNoError,
  throwsThenSucceeds
} from "../fixtures/process/outcomes.ts"
import { ownQueue } from "../fixtures/process/ownQueue.ts"
import { patient, Question } from "../fixtures/process/patient.ts"
import { region } from "../fixtures/process/region.ts"
import { Reports } from "../fixtures/process/reports.ts"
import { services } from "../fixtures/process/services.ts"
import { Settings, settings } from "../fixtures/process/settings.ts"
import { sleeper } from "../fixtures/process/sleeper.ts"
import { spawns } from "../fixtures/process/spawns.ts"
import { spinner } from "../fixtures/process/spinner.ts"
import { stubborn } from "../fixtures/process/stubborn.ts"
import { Paths, tree } from "../fixtures/process/tree.ts"
import { Start, waits } from "../fixtures/process/waits.ts"
import { whoami } from "../fixtures/process/whoami.ts"
import {
  captureLogs,
  closed,
  command,
  exitCodeOf,
  inProcessesOf,
  isInvalid,
  nextReport,
  nothingReported,
  pidOf,
  reported,
  shown
} from "../support/inProcesses.ts"
import { isRunning, untilGone } from "../support/processes.ts"
import type { Abilities } from "../support/spawners.ts"
import { within } from "../support/waiting.ts"

/** Timers of Node may be early by a part of a millisecond. */
const early = 2

/** How a target ends, and the exit code of its process. */
const endOf = <P, A, E>(target: Mp.Target.Target<P, A, E, never>, ...args: Mp.Process.Args<P>) =>
  Effect.gen(function*() {
    const process = yield* Mp.Process.spawn(target, ...args)
    const exit = yield* Effect.exit(process.join())
    return { exit, exitCode: Option.getOrUndefined(yield* process.exitCode) }
  })

const causeOf = <A, E>(exit: Exit.Exit<A, E>): Cause.Cause<E> => {
  assert.isTrue(Exit.isFailure(exit))
  return Exit.isFailure(exit) ? exit.cause : Cause.empty
}

/** The one reason of a cause, which is a defect and an error. */
const defectOf = <A, E>(exit: Exit.Exit<A, E>): Error => {
  const cause = causeOf(exit)
  assert.strictEqual(cause.reasons.length, 1)
  const defect = Result.getOrUndefined(Cause.findDefect(cause))
  assert.instanceOf(defect, Error)
  return defect as Error
}

/** The process ended without a result, and with this code. */
const exitedWith = (exitCode: number) => new Mp.ProcessExited({ process: "Process-1", exitCode })

const message = (bytes: number): typeof Message.Type => ({
  text: "größe \u{1F980} \0 end",
  numbers: [0, -0.5, 1e300, Number.MAX_SAFE_INTEGER],
  at: new Date("2024-02-29T12:00:00.001Z"),
  bytes: new Uint8Array(bytes).fill(7),
  nested: Option.some({ big: 12345678901234567890n })
})

const settingsValue = { retries: 3, since: new Date("2020-02-20T20:20:20.020Z"), tags: new Set(["a", "b"]) }

export const processSuite = (
  name: string,
  layer: Layer.Layer<Mp.Hub.Hub | Mp.Spawner.Spawner>,
  abilities: Abilities
): void => {
  const inProcesses = inProcessesOf(layer)

  describe(`processes that are ${name}`, () => {
    describe("a process that was made and not started", () => {
      it.live(
        "PROC-08 has no pid, no exit code, is not alive and is not among the active children",
        inProcesses(Effect.gen(function*() {
          const process = yield* Mp.Process.make(sleeper)
          assert.deepStrictEqual(yield* process.pid, Option.none())
          assert.deepStrictEqual(yield* process.exitCode, Option.none())
          assert.isFalse(yield* process.isAlive)
          assert.deepStrictEqual(yield* Mp.activeChildren, [])
        }))
      )

      it.live(
        "PROC-22 can't be joined, stopped, read or waited for, and says so",
        inProcesses(Effect.gen(function*() {
          const process = yield* Mp.Process.make(sleeper, undefined, { stdin: "pipe", stdout: "pipe", stderr: "pipe" })
          const notStarted: Array<Effect.Effect<unknown, unknown>> = [
            process.join(),
            process.join({ timeout: "1 second" }),
            process.interrupt,
            process.terminate,
            process.kill,
            process.sentinel,
            process.stdin,
            Stream.runDrain(process.stdout),
            Stream.runDrain(process.stderr)
          ]
          for (const operation of notStarted) yield* isInvalid(operation, "NotStarted")
          const error = yield* isInvalid(process.join(), "NotStarted")
          assert.strictEqual(
            error.message,
            "Process-1: join: the process has not been started. Call start first, or use spawn."
          )
          yield* nothingReported
        }))
      )

      it.live(
        "PROC-24 can be closed, and then every operation fails with Closed",
        inProcesses(Effect.gen(function*() {
          const process = yield* Mp.Process.make(sleeper)
          yield* process.close
          yield* process.close
          assert.instanceOf(yield* Effect.flip(process.start), Mp.Closed)
          assert.instanceOf(yield* Effect.flip(process.pid), Mp.Closed)
          assert.instanceOf(yield* Effect.flip(process.join()), Mp.Closed)
        }))
      )

      it.live(
        "costs its scope nothing when it is never started",
        inProcesses(Effect.gen(function*() {
          const process = yield* Effect.scoped(Mp.Process.make(sleeper))
          assert.instanceOf(yield* Effect.flip(process.start), Mp.Closed)
          yield* nothingReported
        }))
      )

      it.live(
        "PROC-37 is called Process-N by default, N counting from one, or as it was told",
        inProcesses(Effect.gen(function*() {
          const first = yield* Mp.Process.make(sleeper)
          const second = yield* Mp.Process.make(sleeper, undefined, { name: "the worker" })
          const third = yield* Mp.Process.make(sleeper)
          const twin = yield* Mp.Process.make(sleeper, undefined, { name: "the worker" })
          assert.deepStrictEqual(
            [first, second, third, twin].map((process) => process.name),
            ["Process-1", "the worker", "Process-3", "the worker"]
          )
        }))
      )

      it.live(
        "PROC-05 is daemonic only if it was told so when it was made",
        inProcesses(Effect.gen(function*() {
          assert.isFalse((yield* Mp.Process.make(sleeper)).daemon)
          assert.isTrue((yield* Mp.Process.make(sleeper, undefined, { daemon: true })).daemon)
        }))
      )
    })

    describe("a process that runs", () => {
      it.live(
        "PROC-08 has a pid and no exit code, is alive, and is among the active children until it has ended",
        inProcesses(Effect.gen(function*() {
          const process = yield* Mp.Process.spawn(sleeper)
          const pid = yield* pidOf(process)
          assert.isTrue(Mp.Process.isProcess(process))
          if (abilities.ownPid) assert.isTrue(isRunning(pid))
          assert.isTrue(yield* process.isAlive)
          assert.deepStrictEqual(yield* process.exitCode, Option.none())
          assert.deepStrictEqual(yield* Mp.activeChildren, [process])
          yield* process.interrupt
          yield* process.sentinel
          assert.deepStrictEqual(yield* Mp.activeChildren, [])
          assert.isFalse(yield* process.isAlive)
          if (abilities.ownPid) assert.isFalse(isRunning(pid))
          assert.deepStrictEqual(yield* process.pid, Option.some(pid))
          assert.deepStrictEqual(yield* process.exitCode, Option.some(1))
        }))
      )

      it.live(
        "PROC-20 is listed with its siblings in the order in which they were started",
        inProcesses(Effect.gen(function*() {
          const late = yield* Mp.Process.make(sleeper, undefined, { daemon: true })
          const first = yield* Mp.Process.spawn(sleeper, undefined, { daemon: true })
          yield* late.start
          assert.deepStrictEqual(yield* Mp.activeChildren, [first, late])
          yield* first.interrupt
          yield* first.sentinel
          assert.deepStrictEqual(yield* Mp.activeChildren, [late])
        }))
      )

      it.live(
        "is started once: a second start fails, while it runs and after its end",
        inProcesses(Effect.gen(function*() {
          const process = yield* Mp.Process.spawn(succeeds)
          yield* isInvalid(process.start, "AlreadyStarted")
          yield* process.join()
          const error = yield* isInvalid(process.start, "AlreadyStarted")
          assert.strictEqual(
            error.message,
            "Process-1: start: a process can be started once. Make another one for another run."
          )
        }))
      )

      it.live(
        "is started once when two fibers start it at the same time",
        inProcesses(Effect.gen(function*() {
          const process = yield* Mp.Process.make(succeeds)
          const exits = yield* Effect.all([Effect.exit(process.start), Effect.exit(process.start)], { concurrency: 2 })
          assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false])
          assert.strictEqual(yield* process.join(), 42)
        }))
      )

      it.live(
        "PROC-23 can't be closed while it runs; after its end it can, twice, and then it can't be asked any more",
        inProcesses(
          Effect.gen(function*() {
            const process = yield* Mp.Process.spawn(patient)
            const question = yield* Question.left
            yield* question.recv()
            const error = yield* isInvalid(process.close, "StillRunning")
            assert.strictEqual(
              error.message,
              "Process-1: close: the process is still running. join, terminate or kill it first."
            )
            yield* question.send("still here")
            assert.strictEqual(yield* process.join(), "still here!")
            yield* process.close
            yield* process.close
            const closed: Array<Effect.Effect<unknown, unknown>> = [
              process.pid,
              process.exitCode,
              process.isAlive,
              process.start,
              process.join(),
              process.sentinel,
              process.interrupt,
              process.terminate,
              process.kill,
              process.stdin,
              Stream.runDrain(process.stdout)
            ]
            for (const operation of closed) assert.instanceOf(yield* Effect.flip(operation), Mp.Closed)
          }).pipe(Effect.provide(Question.layer))
        )
      )

      it.live(
        "PROC-24 is closed when its scope closes",
        inProcesses(Effect.gen(function*() {
          const process = yield* Effect.scoped(Mp.Process.spawn(succeeds))
          const error = yield* Effect.flip(process.join())
          assert.instanceOf(error, Mp.Closed)
          assert.strictEqual(
            error.message,
            "Process-1 is closed in this process. Use it before its close, or inside the scope that made it."
          )
        }))
      )

      it.live(
        "PROC-22 has a sentinel that completes when it ends, however it ends, and stays complete",
        inProcesses(Effect.gen(function*() {
          const process = yield* Mp.Process.spawn(sleeper)
          assert.deepStrictEqual(yield* Mp.wait([process.sentinel], { timeout: 0 }), [])
          const waiting = yield* Effect.forkChild(Mp.wait([process.sentinel]))
          yield* process.interrupt
          assert.strictEqual((yield* Fiber.join(waiting)).length, 1)
          assert.strictEqual((yield* Mp.wait([process.sentinel], { timeout: 0 })).length, 1)
          yield* Effect.exit(process.join())
          yield* process.sentinel
        }))
      )

      it.live(
        "PROC-25 is one of many: short ones all end with 0",
        inProcesses(Effect.gen(function*() {
          const processes = yield* Effect.replicateEffect(Mp.Process.make(brief), 5)
          yield* Effect.forEach(processes, (process) => process.start, { concurrency: "unbounded" })
          for (const process of processes) {
            yield* process.join()
            assert.deepStrictEqual(yield* process.exitCode, Option.some(0))
          }
        }))
      )
    })

    describe("a scope that closes while one of its processes is being started", () => {
      it.live(
        "leaves no process behind",
        inProcesses(Effect.gen(function*() {
          const scope = yield* Scope.make()
          const process = yield* Scope.provide(Mp.Process.make(sleeper), scope)
          const starting = yield* Effect.forkChild(process.start, { startImmediately: true })
          yield* Scope.close(scope, Exit.fail("the scope failed"))
          yield* Fiber.await(starting).pipe(within("10 seconds", "the end of start"))
          assert.deepStrictEqual(yield* Mp.activeChildren, [])
          assert.notInclude(JSON.stringify(process), "running")
          // Where there is nothing to start, it may have run.
          if (abilities.interpreter) yield* nothingReported
        }))
      )
    })

    describe("join gives what the target gave", () => {
      it.live(
        "a success; the exit code is 0",
        inProcesses(Effect.gen(function*() {
          const { exit, exitCode } = yield* endOf(succeeds)
          assert.deepStrictEqual(exit, Exit.succeed(42))
          assert.strictEqual(exitCode, 0)
        }))
      )

      it.live(
        "PROC-36 a typed failure as its own class, with its fields and its cause; the exit code is 1",
        inProcesses(Effect.gen(function*() {
          const { exit, exitCode } = yield* endOf(refuses)
          const error = Option.getOrThrow(Cause.findErrorOption(causeOf(exit)))
          assert.instanceOf(error, Refused)
          assert.strictEqual((error as Refused).message, "refused: no")
          const inner = (error as Refused).cause
          assert.instanceOf(inner, Error)
          assert.strictEqual((inner as Error).name, "TypeError")
          assert.strictEqual((inner as Error).message, "the inner reason")
          assert.include((inner as Error).stack, "outcomes.ts")
          assert.strictEqual(exitCode, 1)
        }))
      )

      it.live(
        "PROC-35 a defect with its name, its message, its code and the stack of the child; the exit code is 1",
        inProcesses(Effect.gen(function*() {
          const { exit, exitCode } = yield* endOf(dies)
          const defect = defectOf(exit)
          assert.strictEqual(defect.name, "WrongNumber")
          assert.strictEqual(defect.message, "41 is wrong")
          assert.strictEqual((defect as { code?: unknown }).code, "E_WRONG_NUMBER")
          assert.match(defect.stack!, /at wrong \(.*outcomes\.ts:\d+:\d+\)/)
          assert.strictEqual(exitCode, 1)
        }))
      )

      it.live(
        "a defect that is no error, as the value that it is",
        inProcesses(Effect.gen(function*() {
          const { exit, exitCode } = yield* endOf(throwsNoError)
          assert.deepStrictEqual(Result.getOrUndefined(Cause.findDefect(causeOf(exit))), { just: "a value" })
          assert.strictEqual(exitCode, 1)
        }))
      )

      it.live(
        "every reason of a failure that has several",
        inProcesses(Effect.gen(function*() {
          const { exit, exitCode } = yield* endOf(failsTwice)
          const [first, second, ...more] = causeOf(exit).reasons
          assert.isTrue(first !== undefined && Cause.isFailReason(first) && first.error instanceof Refused)
          assert.isTrue(
            second !== undefined && Cause.isDieReason(second) && (second.defect as Error).message === "second"
          )
          assert.deepStrictEqual(more, [])
          assert.strictEqual(exitCode, 1)
        }))
      )

      it.live(
        "an interruption as an interruption; the exit code is 1",
        inProcesses(Effect.gen(function*() {
          const { exit, exitCode } = yield* endOf(isInterrupted)
          assert.isTrue(Cause.hasInterruptsOnly(causeOf(exit)))
          assert.strictEqual(exitCode, 1)
        }))
      )

      it.live(
        "a defect that says so, when the success or the failure does not fit its schema",
        inProcesses(Effect.gen(function*() {
          const tooMuch = yield* endOf(givesTooMuch)
          assert.match(
            defectOf(tooMuch.exit).message,
            /^target "givesTooMuch": its success does not fit its schema: Expected an integer/
          )
          const unreadable = yield* endOf(givesUnreadable)
          assert.strictEqual(
            defectOf(unreadable.exit).message,
            "target \"givesUnreadable\": its success does not fit its schema: RangeError: out of reach"
          )
          assert.strictEqual(tooMuch.exitCode, 1)
          const wrongFailure = yield* endOf(failsWithTooMuch)
          assert.match(
            defectOf(wrongFailure.exit).message,
            /^target "failsWithTooMuch": its failure does not fit its schema: Expected an integer/
          )
          assert.strictEqual(wrongFailure.exitCode, 1)
        }))
      )
    })

    if (abilities.interpreter) {
      describe("a process that ends without a result fails its join with its exit code", () => {
        it.live(
          "PROC-36 after process.exit(n)",
          inProcesses(Effect.gen(function*() {
            const zero = yield* endOf(exits, 0)
            assert.deepStrictEqual(zero.exit, Exit.fail(exitedWith(0)))
            assert.strictEqual(zero.exitCode, 0)
            const three = yield* Effect.scoped(
              Mp.Process.spawn(exits, 3, { name: "the worker" }).pipe(
                Effect.flatMap((process) => Effect.flip(process.join()))
              )
            )
            assert.instanceOf(three, Mp.ProcessExited)
            assert.strictEqual(three.message, "the worker called process.exit(3) before its target had a result.")
          }))
        )
      })
    }

    if (abilities.ownPid) {
      describe("a process that is ended by a signal fails its join with its exit code", () => {
        it.live(
          "PROC-39 after a signal, minus its number: SIGKILL, SIGSEGV, SIGABRT",
          inProcesses(Effect.gen(function*() {
            const endings = yield* Effect.all([
              endOf(signalsItself, "SIGKILL"),
              endOf(signalsItself, "SIGSEGV"),
              endOf(aborts, undefined, { stderr: "ignore" })
            ], { concurrency: 2 })
            assert.deepStrictEqual(endings.map(({ exitCode }) => exitCode), [-9, -11, -6])
            const messages = endings.map(({ exit }) => Option.getOrThrow(Cause.findErrorOption(causeOf(exit))).message)
            assert.deepStrictEqual(messages.map((message) => /by (SIG\w+) before/.exec(message)?.[1]), [
              "SIGKILL",
              "SIGSEGV",
              "SIGABRT"
            ])
          }))
        )
      })
    }

    if (abilities.interpreter) {
      describe("what escapes from the target is its defect, and the exit code is 1", () => {
        it.live(
          "an exception in a callback",
          inProcesses(Effect.gen(function*() {
            const { exit, exitCode } = yield* endOf(throwsInTimer)
            assert.strictEqual(defectOf(exit).name, "WrongNumber")
            assert.match(defectOf(exit).stack!, /outcomes\.ts/)
            assert.strictEqual(exitCode, 1)
          }))
        )

        it.live(
          "a rejection that nobody handles",
          inProcesses(Effect.gen(function*() {
            const { exit, exitCode } = yield* endOf(rejects)
            assert.strictEqual(defectOf(exit).message, "43 is wrong")
            assert.strictEqual(exitCode, 1)
          }))
        )

        it.live(
          "also when the target then succeeds",
          inProcesses(Effect.gen(function*() {
            const { exit, exitCode } = yield* endOf(throwsThenSucceeds)
            assert.strictEqual(defectOf(exit).name, "WrongNumber")
            assert.strictEqual(exitCode, 1)
          }))
        )
      })
    }

    describe("join can be called", () => {
      it.live(
        "by many fibers, and many times, also after the end",
        inProcesses(Effect.gen(function*() {
          const process = yield* Mp.Process.spawn(succeeds)
          const joins = yield* Effect.all(Array.from({ length: 20 }, () => process.join()), {
            concurrency: "unbounded"
          })
          assert.deepStrictEqual(joins, Array.from({ length: 20 }, () => 42))
          assert.strictEqual(yield* process.join(), 42)
          assert.strictEqual(yield* process.join({ timeout: 0 }), 42)
          assert.strictEqual(yield* process.join({ timeout: "1 second" }), 42)
        }))
      )

      if (abilities.interpreter) {
        it.live(
          "by many fibers that all get the same failure",
          inProcesses(Effect.gen(function*() {
            const process = yield* Mp.Process.spawn(exits, 7)
            const errors = yield* Effect.all(Array.from({ length: 5 }, () => Effect.flip(process.join())), {
              concurrency: "unbounded"
            })
            for (const error of errors) assert.deepStrictEqual(error, exitedWith(7))
          }))
        )
      }

      it.live(
        "PROC-10 with a timeout: zero and less do not wait, the process goes on, and later its value is there",
        inProcesses(
          Effect.gen(function*() {
            const process = yield* Mp.Process.spawn(patient)
            const question = yield* Question.left
            yield* question.recv()
            for (const timeout of [0, -1, "-3 seconds", "20 millis"] as const) {
              const error = yield* Effect.flip(process.join({ timeout }))
              assert.instanceOf(error, Mp.TimedOut)
              assert.strictEqual(
                error.message,
                "Process-1: join did not finish in time. What it waited for goes on; wait again, longer, or stop it."
              )
            }
            assert.isTrue(yield* process.isAlive)
            yield* question.send("patience")
            assert.strictEqual(yield* process.join({ timeout: "10 seconds" }), "patience!")
          }).pipe(Effect.provide(Question.layer))
        )
      )

      it.live(
        "by a fiber that is interrupted: the process goes on",
        inProcesses(
          Effect.gen(function*() {
            const process = yield* Mp.Process.spawn(patient)
            const question = yield* Question.left
            const joining = yield* Effect.forkChild(process.join(), { startImmediately: true })
            yield* question.recv()
            yield* Fiber.interrupt(joining)
            assert.isTrue(yield* process.isAlive)
            yield* question.send("go on")
            assert.strictEqual(yield* process.join(), "go on!")
          }).pipe(Effect.provide(Question.layer))
        )
      )

      it.live(
        "PROC-08 for a target without a value",
        inProcesses(Effect.gen(function*() {
          const { exit, exitCode } = yield* endOf(brief)
          assert.deepStrictEqual(exit, Exit.void)
          assert.strictEqual(exitCode, 0)
        }))
      )
    })

    describe("interrupt", () => {
      it.live(
        "PROC-11 interrupts the target: its finalizers run, it is joined as interrupted, and the exit code is 1",
        inProcesses(Effect.gen(function*() {
          const process = yield* Mp.Process.spawn(sleeper)
          yield* reported("running")
          yield* process.interrupt
          yield* reported("interrupted")
          const exit = yield* Effect.exit(process.join())
          assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
          assert.strictEqual(yield* exitCodeOf(process), 1)
          yield* nothingReported
        }))
      )

      it.live(
        "PROC-13 waits for the end of an uninterruptible region",
        inProcesses(Effect.gen(function*() {
          const process = yield* Mp.Process.spawn(region)
          yield* reported("in the region")
          yield* process.interrupt
          yield* process.interrupt
          assert.instanceOf(yield* Effect.flip(process.join({ timeout: "100 millis" })), Mp.TimedOut)
          yield* command("leave it")
          yield* reported("at the end of the region")
          yield* reported("interrupted")
          assert.strictEqual(yield* exitCodeOf(process), 1)
        }))
      )

      it.live(
        "MISC-01 can be repeated: the finalizers run once, the last one first",
        inProcesses(Effect.gen(function*() {
          const process = yield* Mp.Process.spawn(finalizers)
          yield* reported("running")
          yield* Effect.all([process.interrupt, process.interrupt, process.interrupt])
          assert.strictEqual(yield* exitCodeOf(process), 1)
          for (const name of ["third", "second", "first"]) yield* reported(name)
          yield* nothingReported
        }))
      )

      it.live(
        "reaches a target that has hardly begun",
        inProcesses(Effect.gen(function*() {
          const process = yield* Mp.Process.spawn(sleeper)
          yield* process.interrupt
          assert.strictEqual(yield* exitCodeOf(process), 1)
        }))
      )
    })

    if (abilities.signals) {
      describe("terminate", () => {
        it.live(
          "PROC-14 ends a sleeping child with exit code -15, after its finalizers",
          inProcesses(Effect.gen(function*() {
            const process = yield* Mp.Process.spawn(sleeper)
            yield* reported("running")
            yield* process.terminate
            const error = yield* Effect.flip(process.join())
            assert.deepStrictEqual(error, new Mp.ProcessExited({ process: "Process-1", exitCode: -15 }))
            assert.strictEqual(error.message, "Process-1 was ended by SIGTERM before its target had a result.")
            yield* reported("interrupted")
            assert.strictEqual(yield* exitCodeOf(process), -15)
            assert.isFalse(yield* process.isAlive)
            assert.deepStrictEqual(yield* Mp.activeChildren, [])
          }))
        )

        it.live(
          "MISC-01 can be repeated: the finalizers run once, the last one first",
          inProcesses(Effect.gen(function*() {
            const process = yield* Mp.Process.spawn(finalizers)
            yield* reported("running")
            yield* Effect.all([process.terminate, process.terminate, process.interrupt, process.terminate])
            assert.strictEqual(yield* exitCodeOf(process), -15)
            for (const name of ["third", "second", "first"]) yield* reported(name)
            yield* nothingReported
          }))
        )

        it.live(
          "kills, after the grace period, a child that can't be interrupted",
          inProcesses(Effect.gen(function*() {
            const process = yield* Mp.Process.spawn(stubborn, undefined, { gracePeriod: "200 millis" })
            yield* reported("running")
            yield* process.terminate
            assert.strictEqual(yield* exitCodeOf(process), -9)
          }))
        )

        it.live(
          "PROC-25 ends children that have just been started with exit code -15",
          inProcesses(Effect.gen(function*() {
            const processes = yield* Effect.replicateEffect(Mp.Process.make(sleeper), 3)
            const codes = yield* Effect.forEach(
              processes,
              (process) => process.start.pipe(Effect.andThen(process.terminate), Effect.andThen(exitCodeOf(process))),
              { concurrency: "unbounded" }
            )
            assert.deepStrictEqual(codes, [-15, -15, -15])
          }))
        )
      })
    }

    if (abilities.signals) {
      describe("kill", () => {
        it.live(
          "PROC-15 ends a child at once, without finalizers, with exit code -9",
          inProcesses(Effect.gen(function*() {
            const process = yield* Mp.Process.spawn(sleeper)
            yield* reported("running")
            yield* process.kill
            const error = yield* Effect.flip(process.join())
            assert.strictEqual(error.message, "Process-1 was ended by SIGKILL before its target had a result.")
            assert.strictEqual(yield* exitCodeOf(process), -9)
            yield* nothingReported
          }))
        )

        it.live(
          "PROC-18 interrupts the children of the process, also when it can't be interrupted itself",
          inProcesses(Effect.gen(function*() {
            const process = yield* Mp.Process.spawn(clings)
            yield* reported("running")
            yield* process.kill
            assert.strictEqual(yield* exitCodeOf(process), -9)
            yield* reported("interrupted")
          }))
        )
      })
    }

    describe("interrupt, terminate and kill", () => {
      it.live(
        "PROC-16 do nothing to a process that has ended, as often as one likes",
        inProcesses(Effect.gen(function*() {
          const process = yield* Mp.Process.spawn(succeeds)
          yield* process.sentinel
          for (const stop of [process.interrupt, process.terminate, process.kill, process.terminate]) yield* stop
          assert.strictEqual(yield* process.join(), 42)
          assert.strictEqual(yield* exitCodeOf(process), 0)
        }))
      )
    })

    // A fiber has begun before anybody can interrupt its start.
    if (abilities.interpreter) {
      describe("a start that is interrupted", () => {
        it.live(
          "leaves no process: it has hardly begun",
          inProcesses(Effect.gen(function*() {
            const scope = yield* Scope.make()
            for (const turns of [0, 1, 2, 5, 20]) {
              const process = yield* Scope.provide(Mp.Process.make(sleeper), scope)
              const starting = yield* Effect.forkChild(process.start, { startImmediately: true })
              for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow
              yield* Fiber.interrupt(starting)
              assert.deepStrictEqual(yield* Mp.activeChildren, [])
            }
            yield* Scope.close(scope, Exit.void)
            yield* nothingReported
          }))
        )
      })
    }

    describe("a scope that succeeds", () => {
      it.live(
        "PROC-40 joins its processes",
        inProcesses(Effect.gen(function*() {
          const scope = yield* Scope.make()
          const process = yield* Scope.provide(Mp.Process.spawn(obedient), scope)
          const closing = yield* Effect.forkChild(closed(scope, Exit.void), { startImmediately: true })
          assert.instanceOf(yield* Effect.flip(process.join({ timeout: "200 millis" })), Mp.TimedOut)
          assert.isUndefined(closing.pollUnsafe())
          yield* command("end")
          yield* Fiber.join(closing)
          assert.deepInclude(shown(process), { state: "closed", exitCode: 0 })
        }))
      )

      it.live(
        "PROC-40 stops its daemonic processes, and their finalizers run",
        inProcesses(Effect.gen(function*() {
          const scope = yield* Scope.make()
          const process = yield* Scope.provide(Mp.Process.spawn(sleeper, undefined, { daemon: true }), scope)
          yield* reported("running")
          yield* closed(scope, Exit.void)
          yield* reported("interrupted")
          assert.deepInclude(shown(process), { state: "closed", exitCode: 1 })
        }))
      )
    })

    describe("a scope that fails or is interrupted", () => {
      it.live(
        "stops its processes, and their finalizers run",
        inProcesses(Effect.gen(function*() {
          const scope = yield* Scope.make()
          const process = yield* Scope.provide(Mp.Process.spawn(sleeper), scope)
          yield* reported("running")
          yield* closed(scope, Exit.fail("an error"))
          yield* reported("interrupted")
          assert.deepInclude(shown(process), { state: "closed", exitCode: 1 })
        }))
      )

      it.live(
        "stops its processes when the fiber is interrupted that uses it",
        inProcesses(Effect.gen(function*() {
          const running = yield* Effect.forkChild(
            Effect.scoped(Effect.andThen(Mp.Process.spawn(sleeper), Effect.never)),
            { startImmediately: true }
          )
          yield* reported("running")
          const [process] = yield* Mp.activeChildren
          yield* Fiber.interrupt(running)
          yield* reported("interrupted")
          assert.deepInclude(shown(process!), { state: "closed", exitCode: 1 })
        }))
      )

      it.live(
        "stops its processes when it is interrupted while it joins them",
        inProcesses(Effect.gen(function*() {
          const closing = yield* Effect.forkChild(Effect.scoped(Mp.Process.spawn(sleeper)), { startImmediately: true })
          yield* reported("running")
          yield* Fiber.interrupt(closing)
          yield* reported("interrupted")
        }))
      )
    })

    describe("a process that does not let itself be stopped", () => {
      it.live(
        "ends by force when the grace period and then a second have passed",
        inProcesses(Effect.gen(function*() {
          const scope = yield* Scope.make()
          const process = yield* Scope.provide(
            Mp.Process.spawn(stubborn, undefined, { gracePeriod: "200 millis", daemon: true }),
            scope
          )
          yield* reported("running")
          const [duration] = yield* Effect.timed(closed(scope, Exit.void))
          assert.isAtLeast(Duration.toMillis(duration), 1200 - early)
          assert.strictEqual(shown(process).exitCode, "-SIGKILL")
          assert.deepStrictEqual(yield* Mp.activeChildren, [])
        }))
      )

      if (abilities.interpreter) {
        it.live(
          "ends by force in the same way when it is in a synchronous loop",
          inProcesses(Effect.gen(function*() {
            const scope = yield* Scope.make()
            const process = yield* Scope.provide(
              Mp.Process.spawn(spinner, undefined, { gracePeriod: "200 millis" }),
              scope
            )
            yield* reported("running")
            yield* command("spin")
            yield* reported("spinning")
            yield* closed(scope, Exit.fail("an error"))
            assert.strictEqual(shown(process).exitCode, "-SIGKILL")
            assert.deepStrictEqual(yield* Mp.activeChildren, [])
          }))
        )
      }
    })

    describe("a failure that nobody joins", () => {
      it.live(
        "PROC-35 is logged once, with the name of the process and the stack of the child, when the scope closes",
        () => {
          const logs = captureLogs()
          return inProcesses(
            Effect.gen(function*() {
              yield* Effect.scoped(Effect.gen(function*() {
                const process = yield* Mp.Process.spawn(dies, undefined, { name: "the worker" })
                yield* process.sentinel
                assert.deepStrictEqual(logs.lines, [])
              }))
              assert.strictEqual(logs.lines.length, 1)
              assert.match(logs.lines[0]!, /^ERROR the worker failed, and nobody joined it WrongNumber: 41 is wrong\n/)
              assert.include(logs.lines[0], "outcomes.ts")
            }).pipe(Effect.provide(logs.layer))
          )()
        }
      )
    })

    describe("Process.run", () => {
      /** Runs while the first of the two is still running, and gives its process. */
      const whileRunning = Effect.gen(function*() {
        yield* reported("running")
        const [process] = yield* Mp.activeChildren
        return { process: process!, pid: yield* pidOf(process!) }
      })

      /** Nothing is left of a process. */
      const isOver = ({ pid, process }: { readonly process: Mp.Process.Any; readonly pid: number }) => {
        assert.strictEqual(shown(process).state, "closed")
        if (abilities.ownPid) assert.isFalse(isRunning(pid))
      }

      it.live(
        "leaves no process when it loses a race",
        inProcesses(Effect.gen(function*() {
          const first = yield* Effect.raceFirst(Effect.andThen(Mp.Process.run(sleeper), Effect.never), whileRunning)
          isOver(first)
          yield* reported("interrupted")
          assert.deepStrictEqual(yield* Mp.activeChildren, [])
        }))
      )

      it.live(
        "leaves no process when it times out, however far it came",
        inProcesses(Effect.gen(function*() {
          for (const timeout of [1, 50, 1000]) {
            const error = yield* Effect.flip(
              Mp.Process.run(stubborn, undefined, { gracePeriod: 0 }).pipe(Effect.timeout(timeout))
            )
            assert.strictEqual(error._tag, "TimeoutError")
            assert.deepStrictEqual(yield* Mp.activeChildren, [])
          }
        }))
      )

      it.live(
        "can be retried: each attempt is a process of its own",
        inProcesses(Effect.gen(function*() {
          yield* Effect.forEach(["fail", "fail", "done"], command)
          assert.strictEqual(yield* Effect.retry(Mp.Process.run(obedient), { times: 2 }), "done")
          yield* Effect.forEach(["fail", "fail"], command)
          const error = yield* Effect.flip(Effect.retry(Mp.Process.run(obedient), { times: 1 }))
          assert.instanceOf(error, Disobeyed)
          assert.deepStrictEqual(yield* Mp.activeChildren, [])
        }))
      )

      it.live(
        "stops the others when one of several at a time fails",
        inProcesses(Effect.gen(function*() {
          const several = Effect.all([
            Effect.andThen(Mp.Process.run(sleeper), Effect.never),
            Mp.Process.run(obedient)
          ], { concurrency: "unbounded" })
          const running = yield* Effect.forkChild(Effect.flip(several))
          const first = yield* whileRunning
          yield* command("fail")
          assert.instanceOf(yield* Fiber.join(running), Disobeyed)
          isOver(first)
          yield* reported("interrupted")
          yield* nothingReported
          assert.deepStrictEqual(yield* Mp.activeChildren, [])
        }))
      )
    })

    if (abilities.interpreter) {
      describe("the log lines of a child", () => {
        const linesOf = (options: Mp.Process.Options) =>
          Effect.gen(function*() {
            const process = yield* Mp.Process.spawn(logs, undefined, { ...options, stdout: "pipe" })
            const text = yield* Stream.mkString(Stream.decodeText(process.stdout))
            yield* process.join()
            return text.trim().split("\n")
          })

        it.live(
          "MISC-03 carry the name of the process, and what the logs of its parent are annotated with",
          inProcesses(Effect.gen(function*() {
            const lines = yield* Effect.annotateLogs(linesOf({ name: "the worker" }), { request: 7, user: "ä" })
            const text = lines.join("\n")
            assert.include(text, "an error")
            assert.include(text, "an info")
            assert.notInclude(text, "a debug")
            assert.include(text, "the worker")
            assert.match(text, /request\W+7/)
            assert.match(text, /user\W+ä/)
          }))
        )

        it.live(
          "MISC-03 have the log level of the parent",
          inProcesses(Effect.gen(function*() {
            const all = yield* linesOf({}).pipe(Effect.provideService(References.MinimumLogLevel, "Debug"))
            assert.include(all.join("\n"), "a debug")
            const few = yield* linesOf({}).pipe(Effect.provideService(References.MinimumLogLevel, "Error"))
            assert.include(few.join("\n"), "an error")
            assert.notInclude(few.join("\n"), "an info")
          }))
        )
      })
    }

    describe("the spans of a child", () => {
      it.live(
        "continue the trace of the parent",
        inProcesses(Effect.gen(function*() {
          const [parent, seen] = yield* Effect.all([Effect.currentSpan, Mp.Process.run(spans)]).pipe(
            Effect.withSpan("the parent's work")
          )
          const { sampled, spanId, traceId } = parent
          assert.deepStrictEqual(seen.parent, { sampled, spanId, traceId })
          assert.strictEqual(seen.own.traceId, traceId)
          assert.notStrictEqual(seen.own.spanId, spanId)
          assert.deepStrictEqual(seen.ownParent, { sampled, spanId, traceId })
        }))
      )

      it.live(
        "are not sampled when those of the parent are not",
        inProcesses(Effect.gen(function*() {
          const seen = yield* Effect.withSpan(Mp.Process.run(spans), "the parent's work", { sampled: false })
          assert.isFalse(seen.parent!.sampled)
          assert.isFalse(seen.own.sampled)
        }))
      )

      it.live(
        "begin a trace where the parent has none",
        inProcesses(Effect.gen(function*() {
          const seen = yield* Mp.Process.run(spans)
          assert.isNull(seen.parent)
          assert.isNull(seen.ownParent)
        }))
      )
    })

    describe("a child", () => {
      it.live(
        "PROC-06 PROC-08 knows its name and pid, and those of its parent",
        inProcesses(Effect.gen(function*() {
          const process = yield* Mp.Process.spawn(whoami, undefined, { name: "the worker" })
          const self = yield* process.join()
          assert.strictEqual(self.name, "the worker")
          assert.deepStrictEqual(Option.some(self.pid), yield* process.pid)
          if (abilities.ownPid) {
            assert.strictEqual(self.osPid, self.pid)
            assert.strictEqual(self.osParent, globalThis.process.pid)
          }
          assert.isFalse(self.daemon)
          assert.deepStrictEqual(
            self.parent,
            Option.some({ name: "MainProcess", pid: globalThis.process.pid, isAlive: true })
          )
          assert.strictEqual(self.joinSelf, "the worker: join: a process can't wait for its own end.")
          assert.strictEqual(self.children, 0)
        }))
      )

      it.live(
        "PROC-37 is called Process-N, its children Process-N:M, and the numbers begin anew in each process",
        inProcesses(Effect.gen(function*() {
          const [first, second, third] = yield* Effect.all([
            Mp.Process.run(names),
            Mp.Process.run(itsName, undefined, { name: "the worker" }),
            Mp.Process.run(names, undefined, { name: "the other" })
          ], { concurrency: 2 })
          assert.deepStrictEqual(first, ["Process-1", "Process-1:1", "Process-1:2"])
          assert.strictEqual(second, "the worker")
          assert.deepStrictEqual(third, ["the other", "Process-3:1", "Process-3:2"])
        }))
      )

      it.live(
        "BOOT-17 can have children that have children, five generations deep, and nothing is left of them",
        inProcesses(Effect.gen(function*() {
          const generations = yield* Mp.Process.run(nest, 4)
          assert.deepStrictEqual(generations.map(({ name }) => name), [
            "Process-1",
            "Process-1:1",
            "Process-1:1:1",
            "Process-1:1:1:1",
            "Process-1:1:1:1:1"
          ])
          if (!abilities.ownPid) return
          let parentPid = process.pid
          for (const generation of generations) {
            assert.strictEqual(generation.parentPid, parentPid)
            parentPid = generation.pid
          }
          yield* untilGone(generations.map(({ pid }) => pid), "1 second")
        }))
      )

      it.live(
        "PROC-05 may have children, unless it is daemonic",
        inProcesses(Effect.gen(function*() {
          assert.strictEqual(yield* Mp.Process.run(spawns), 8)
          const error = yield* isInvalid(Mp.Process.run(spawns, undefined, { daemon: true }), "DaemonicChild")
          assert.strictEqual(
            error.message,
            "Process-2:1: start: daemonic processes are not allowed to have children. " +
              "Start it from a process that is not daemonic."
          )
        }))
      )

      it.live(
        "PROC-43 can make a queue of its own and a daemonic child that fills it",
        inProcesses(Effect.gen(function*() {
          assert.deepStrictEqual(yield* Mp.Process.run(ownQueue), [1, 2, 3, 4])
        }))
      )

      it.live(
        "PROC-21 writes in its turn to a pipe that a whole tree of processes shares",
        inProcesses(
          Effect.gen(function*() {
            const paths = yield* Paths.left
            const process = yield* Mp.Process.spawn(tree, [])
            const received: Array<ReadonlyArray<number>> = []
            while (received.length < 7) {
              received.push(yield* paths.recv().pipe(within("15 seconds", `message ${received.length + 1} of 7`)))
            }
            assert.deepStrictEqual(received, [[], [0], [0, 0], [0, 1], [1], [1, 0], [1, 1]])
            yield* process.join()
            assert.isFalse(yield* paths.poll())
          }).pipe(Effect.provide(Paths.layer))
        )
      )
    })

    if (abilities.signals) {
      describe("the parent of a process", () => {
        it.live(
          "PROC-07 is alive as long as it is, and can be waited for",
          inProcesses(Effect.gen(function*() {
            const process = yield* Mp.Process.spawn(watched)
            const watcher = Number((yield* nextReport).replace("watcher ", ""))
            yield* reported("alive: true")
            if (abilities.ownPid) assert.isTrue(isRunning(watcher))
            yield* process.kill
            yield* reported("alive: false")
            if (abilities.ownPid) yield* untilGone([watcher])
          }))
        )
      })
    }

    describe("a payload and a success", () => {
      it.live(
        "PROC-08 cross by their schemas: dates, bytes, options, numbers of every size",
        inProcesses(Effect.gen(function*() {
          assert.deepStrictEqual(yield* Mp.Process.run(echo, message(3)), message(3))
        }))
      )

      it.live(
        "may be large",
        inProcesses(Effect.gen(function*() {
          const large = message(16 * 1024 * 1024)
          const returned = yield* Mp.Process.run(echo, large)
          assert.isTrue(Buffer.from(returned.bytes).equals(large.bytes))
        }))
      )

      it.live(
        "BOOT-19 are taken at the start: what the parent changes later the child does not see",
        inProcesses(Effect.gen(function*() {
          const changing = message(3)
          const process = yield* Mp.Process.make(echo, changing)
          changing.bytes.fill(8)
          yield* process.start
          changing.bytes.fill(9)
          assert.deepStrictEqual((yield* process.join()).bytes, new Uint8Array(3).fill(8))
        }))
      )

      it.live(
        "may be left out",
        inProcesses(Effect.gen(function*() {
          assert.isUndefined(yield* Mp.Process.run(brief))
        }))
      )
    })

    describe("the module of a target", () => {
      if (abilities.interpreter) {
        it.live(
          "BOOT-19 is imported anew by each child: its variables are not those of the parent",
          inProcesses(Effect.gen(function*() {
            assert.deepStrictEqual([count(), count()], [1, 2])
            assert.deepStrictEqual(yield* Effect.all([Mp.Process.run(counts), Mp.Process.run(counts)]), [1, 1])
            assert.strictEqual(count(), 3)
          }))
        )
      }

      it.live(
        "may be used by many processes at a time",
        inProcesses(Effect.gen(function*() {
          const doubles = yield* Effect.forEach([1, 2, 3, 4], (n) => Mp.Process.run(double, n), { concurrency: 2 })
          assert.deepStrictEqual(doubles, [2, 4, 6, 8])
        }))
      )
    })

    describe("an inherited value", () => {
      it.live(
        "is a copy by its schema: what a child does to it stays there",
        inProcesses(
          Effect.gen(function*() {
            const returned = yield* Mp.Process.run(settings)
            assert.deepStrictEqual(returned, { ...settingsValue, since: new Date("2001-02-20T20:20:20.020Z") })
            assert.strictEqual((yield* Settings).since.getUTCFullYear(), 2020)
          }).pipe(Effect.provide(Settings.layer(settingsValue)))
        )
      )

      it.live(
        "is that of the moment of the start, and each child may have another one",
        inProcesses(Effect.gen(function*() {
          const run = (retries: number) =>
            Mp.Process.run(settings).pipe(
              Effect.provideService(Settings, { ...settingsValue, retries, since: new Date(0) })
            )
          const returned = yield* Effect.all([run(1), run(2)], { concurrency: 2 })
          assert.deepStrictEqual(returned.map(({ retries }) => retries), [1, 2])
        }))
      )

      it.live(
        "that does not fit its schema keeps the process from starting",
        inProcesses(
          Effect.gen(function*() {
            const error = yield* Effect.flip(Mp.Process.run(settings))
            assert.instanceOf(error, Mp.SpawnError)
            assert.strictEqual((error as Mp.SpawnError).reason, "HandOverFailed")
            assert.match(
              error.message,
              /^Process-1 was not started: an object that target "settings" inherits could not be handed over: test\/Settings: /
            )
          }).pipe(Effect.provide(Settings.layer({ ...settingsValue, retries: 1.5 })))
        )
      )
    })

    describe("an inherited queue or pipe", () => {
      it.live(
        "BOOT-07 can be handed on to a grandchild, which works with it when the one in the middle has let go",
        inProcesses(
          Effect.gen(function*() {
            const line = yield* Line.left
            const process = yield* Mp.Process.spawn(middle)
            assert.strictEqual(
              yield* line.recv().pipe(within("15 seconds", "the grandchild's message")),
              "from the grandchild"
            )
            assert.strictEqual(yield* process.join(), 2)
            assert.deepStrictEqual([yield* nextReport, yield* nextReport], ["from the child", "from the grandchild"])
            yield* nothingReported
          }).pipe(Effect.provide(Line.layer))
        )
      )

      it.live(
        "may be closed by the parent right after the start: from then on the child holds it",
        inProcesses(
          Effect.gen(function*() {
            const start = yield* Start.left
            yield* Mp.Process.spawn(waits)
            const right = yield* Start.right
            yield* right.close
            yield* start.send("still open")
            assert.strictEqual(yield* nextReport, "still open")
            const error = yield* Effect.flip(start.recv().pipe(within("10 seconds", "the end of the pipe")))
            assert.instanceOf(error, Mp.EndOfFile)
          }).pipe(Effect.provide(Start.layer))
        )
      )

      it.live(
        "is let go of when the start fails: the other side learns that nobody holds it",
        inProcesses(
          Effect.gen(function*() {
            const start = yield* Start.left
            // For a fiber, nothing is wrong with the one; with two of a name there is.
            const [missing] = yield* Effect.replicateEffect(
              Effect.sync(() =>
                Mp.Target.make("waits", { module: "file:///nowhere.ts", inherits: [Start.right] }, () => Effect.void)
              ),
              2
            )
            yield* Effect.flip(Mp.Process.spawn(missing!))
            yield* (yield* Start.right).close
            assert.instanceOf(
              yield* Effect.flip(start.recv().pipe(within("10 seconds", "the end of the pipe"))),
              Mp.EndOfFile
            )
          }).pipe(Effect.provide(Start.layer))
        )
      )

      it.live(
        "may be another one for each of two processes of one target",
        inProcesses(Effect.gen(function*() {
          const ends = yield* Effect.replicateEffect(
            Effect.map(Layer.build(Layer.fresh(Start.layer)), (context) => ({
              left: Effect.provideContext(Start.left, context),
              spawn: Effect.provideContext(Mp.Process.spawn(waits), context)
            })),
            2
          )
          const queues = yield* Effect.replicateEffect(
            Effect.map(Layer.build(Layer.fresh(Reports.layer)), (context) => Effect.provideContext(Reports, context)),
            2
          )
          for (const i of [0, 1]) {
            yield* Effect.provideService(ends[i]!.spawn, Reports, yield* queues[i]!)
          }
          for (const i of [1, 0]) yield* Effect.flatMap(ends[i]!.left, (left) => left.send(`to process ${i}`))
          for (const i of [0, 1]) {
            const queue = yield* queues[i]!
            assert.strictEqual(
              yield* queue.get().pipe(within("15 seconds", `the item of process ${i}`)),
              `to process ${i}`
            )
            assert.strictEqual(yield* queue.qsize, 0)
          }
          yield* nothingReported
        }))
      )
    })

    describe("a target", () => {
      it.live(
        "finds exactly the services that it lists, besides the hub and the spawner",
        inProcesses(Effect.gen(function*() {
          assert.deepStrictEqual(yield* Mp.Process.run(services), [true, false, true, true])
        }))
      )
    })
  })
}
