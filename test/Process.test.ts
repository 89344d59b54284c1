import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option } from "effect"
import * as Mp from "../src/index.ts"
import { echo } from "./fixtures/process/echo.ts"
import { exits } from "./fixtures/process/outcomes.ts"
import { patient, Question } from "./fixtures/process/patient.ts"
import { sleeper } from "./fixtures/process/sleeper.ts"
import { inProcesses, pidOf } from "./support/inProcesses.ts"
import { leavesNothingBehind } from "./support/processes.ts"
import { within } from "./support/waiting.ts"

leavesNothingBehind()

it("what is no process is not recognised as one", () => {
  assert.isFalse(Mp.Process.isProcess({}))
  assert.isFalse(Mp.Process.isProcess(null))
})

describe("a process that runs", () => {
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
