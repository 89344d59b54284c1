import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Option, Result } from "effect"
import * as Mp from "../src/index.ts"
import { brief } from "./fixtures/process/brief.ts"
import {
  aborts,
  dies,
  exits,
  failsTwice,
  failsWithTooMuch,
  givesTooMuch,
  isInterrupted,
  Refused,
  refuses,
  rejects,
  signalsItself,
  succeeds,
  throwsInTimer,
  throwsNoError,
  throwsThenSucceeds
} from "./fixtures/process/outcomes.ts"
import { patient, Question } from "./fixtures/process/patient.ts"
import { inProcesses } from "./support/inProcesses.ts"
import { leavesNothingBehind } from "./support/processes.ts"

leavesNothingBehind()

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
      assert.isTrue(second !== undefined && Cause.isDieReason(second) && (second.defect as Error).message === "second")
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

describe("join can be called", () => {
  it.live(
    "by many fibers, and many times, also after the end",
    inProcesses(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(succeeds)
      const joins = yield* Effect.all(Array.from({ length: 20 }, () => process.join()), { concurrency: "unbounded" })
      assert.deepStrictEqual(joins, Array.from({ length: 20 }, () => 42))
      assert.strictEqual(yield* process.join(), 42)
      assert.strictEqual(yield* process.join({ timeout: 0 }), 42)
      assert.strictEqual(yield* process.join({ timeout: "1 second" }), 42)
    }))
  )

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
