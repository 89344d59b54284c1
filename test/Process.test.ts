import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option, Scope, Stream } from "effect"
import * as Mp from "../src/index.ts"
import { brief } from "./fixtures/process/brief.ts"
import { echo } from "./fixtures/process/echo.ts"
import { exits, succeeds } from "./fixtures/process/outcomes.ts"
import { patient, Question } from "./fixtures/process/patient.ts"
import { sleeper } from "./fixtures/process/sleeper.ts"
import { inProcesses, isInvalid, nothingReported, pidOf } from "./support/inProcesses.ts"
import { isRunning, leavesNothingBehind } from "./support/processes.ts"
import { within } from "./support/waiting.ts"

leavesNothingBehind()

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

  it("is recognised as a process", () => {
    assert.isFalse(Mp.Process.isProcess({}))
    assert.isFalse(Mp.Process.isProcess(null))
  })
})

describe("a process that runs", () => {
  it.live(
    "PROC-08 has a pid and no exit code, is alive, and is among the active children until it has ended",
    inProcesses(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(sleeper)
      const pid = yield* pidOf(process)
      assert.isTrue(Mp.Process.isProcess(process))
      assert.isTrue(isRunning(pid))
      assert.isTrue(yield* process.isAlive)
      assert.deepStrictEqual(yield* process.exitCode, Option.none())
      assert.deepStrictEqual(yield* Mp.activeChildren, [process])
      yield* process.kill
      yield* process.sentinel
      assert.deepStrictEqual(yield* Mp.activeChildren, [])
      assert.isFalse(yield* process.isAlive)
      assert.isFalse(isRunning(pid))
      assert.deepStrictEqual(yield* process.pid, Option.some(pid))
      assert.deepStrictEqual(yield* process.exitCode, Option.some(-9))
    }))
  )

  it.live(
    "PROC-20 is listed with its siblings in the order in which they were started",
    inProcesses(Effect.gen(function*() {
      const late = yield* Mp.Process.make(sleeper, undefined, { daemon: true })
      const first = yield* Mp.Process.spawn(sleeper, undefined, { daemon: true })
      yield* late.start
      assert.deepStrictEqual(yield* Mp.activeChildren, [first, late])
      yield* first.terminate
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
      yield* process.kill
      assert.strictEqual((yield* Fiber.join(waiting)).length, 1)
      assert.strictEqual((yield* Mp.wait([process.sentinel], { timeout: 0 })).length, 1)
      yield* Effect.flip(process.join())
      yield* process.sentinel
    }))
  )

  it.live(
    "PROC-42 is joined to its end while its parent handles signals",
    inProcesses(
      Effect.gen(function*() {
        const process = yield* Mp.Process.spawn(patient)
        const question = yield* Question.left
        yield* question.recv()
        const joining = yield* Effect.forkChild(process.join(), { startImmediately: true })
        yield* Effect.callback<void>((resume) => {
          globalThis.process.once("SIGUSR1", () => resume(Effect.void))
          globalThis.process.kill(globalThis.process.pid, "SIGUSR1")
        }).pipe(within("5 seconds", "the signal"))
        assert.isUndefined(joining.pollUnsafe())
        yield* question.send("undisturbed")
        assert.strictEqual(yield* Fiber.join(joining), "undisturbed!")
        assert.deepStrictEqual(yield* process.exitCode, Option.some(0))
      }).pipe(Effect.provide(Question.layer))
    )
  )

  it.live(
    "ignores the Ctrl-C of the terminal",
    inProcesses(
      Effect.gen(function*() {
        const process = yield* Mp.Process.spawn(patient)
        const question = yield* Question.left
        yield* question.recv()
        globalThis.process.kill(yield* pidOf(process), "SIGINT")
        globalThis.process.kill(yield* pidOf(process), "SIGINT")
        yield* question.send("here I am")
        assert.strictEqual(yield* process.join(), "here I am!")
      }).pipe(Effect.provide(Question.layer))
    )
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

describe("what a process shows of itself", () => {
  it.live(
    "PROC-39 its JSON names state and exit code, a signal by its name",
    inProcesses(Effect.gen(function*() {
      const json = (process: Mp.Process.Any) => JSON.parse(JSON.stringify(process)) as unknown
      const killed = yield* Mp.Process.make(sleeper, undefined, { daemon: true })
      const common = { _id: "Process", name: "Process-1", daemon: true }
      assert.deepStrictEqual(json(killed), { ...common, state: "initial" })
      yield* killed.start
      const pid = yield* pidOf(killed)
      assert.deepStrictEqual(json(killed), { ...common, pid, state: "running" })
      yield* killed.terminate
      yield* killed.sentinel
      assert.deepStrictEqual(json(killed), { ...common, pid, state: "stopped", exitCode: "-SIGTERM" })
      yield* killed.close
      assert.deepStrictEqual(json(killed), { ...common, pid, state: "closed", exitCode: "-SIGTERM" })

      const exited = yield* Mp.Process.spawn(exits, 3)
      yield* Effect.flip(exited.join())
      assert.deepInclude(json(exited) as object, { state: "stopped", exitCode: 3 })
    }))
  )

  it.live(
    "BOOT-20 its JSON has no payload and no key",
    inProcesses(Effect.gen(function*() {
      const secret = "hunter2"
      const message = { text: secret, numbers: [], at: new Date(0), bytes: new Uint8Array(), nested: Option.none() }
      const process = yield* Mp.Process.make(echo, message)
      const text = JSON.stringify(process)
      assert.notInclude(text, secret)
      assert.notMatch(text, /key|payload|token/i)
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
      yield* nothingReported
    }))
  )
})
