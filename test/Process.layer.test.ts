import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Mp from "../src/index.ts"
import { background } from "./fixtures/process/background.ts"
import { double } from "./fixtures/process/double.ts"
import { sleeper } from "./fixtures/process/sleeper.ts"
import { stubborn } from "./fixtures/process/stubborn.ts"
import { inProcesses, nothingReported, reported } from "./support/inProcesses.ts"
import { leavesNothingBehind } from "./support/processes.ts"
import { within } from "./support/waiting.ts"

leavesNothingBehind()

/** A spawner of its own, not the one that the test already has. */
const spawner = Layer.fresh(Mp.Spawner.layer)

const shown = (process: Mp.Process.Any): { readonly state: string; readonly exitCode: number | string } =>
  JSON.parse(JSON.stringify(process))

describe("a layer that ends before the scope of a process", () => {
  it.live("joins the process, whose result can still be had", () =>
    Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(double, 21).pipe(Effect.provide(Mp.layer))
      assert.strictEqual(shown(process).state, "stopped")
      assert.strictEqual(yield* process.join(), 42)
    }).pipe(Effect.scoped, within("30 seconds", "the end of the test")))

  it.live(
    "stops the process, and its finalizers run, if the program failed",
    inProcesses(Effect.gen(function*() {
      const layer = yield* Scope.make()
      const services = yield* Layer.buildWithScope(spawner, layer)
      const process = yield* Effect.provideContext(Mp.Process.spawn(sleeper), services)
      yield* reported("running")
      yield* Scope.close(layer, Exit.fail("an error"))
      yield* reported("interrupted")
      assert.deepInclude(shown(process), { state: "stopped", exitCode: 1 })
    }))
  )

  it.live(
    "stops a daemonic process, and its finalizers run",
    inProcesses(Effect.gen(function*() {
      yield* Effect.provide(
        Effect.andThen(Mp.Process.spawn(sleeper, undefined, { daemon: true }), reported("running")),
        spawner
      )
      yield* reported("interrupted")
    }))
  )
})

describe("a process under a test clock", () => {
  it.live(
    "is still killed in real time when it does not let itself be stopped",
    inProcesses(Effect.gen(function*() {
      const scope = yield* Scope.make()
      const process = yield* Mp.Process.spawn(stubborn, undefined, { gracePeriod: "100 millis" }).pipe(
        Scope.provide(scope),
        Effect.provide(TestClock.layer())
      )
      yield* reported("running")
      yield* Scope.close(scope, Exit.fail("an error"))
      assert.strictEqual(shown(process).exitCode, "-SIGKILL")
    }))
  )
})

describe("a fiber that a target has forked", () => {
  it.live(
    "ends with the target, while what it inherits is still there",
    inProcesses(Effect.gen(function*() {
      yield* Mp.Process.run(background)
      yield* reported("the fiber has ended")
      yield* nothingReported
    }))
  )
})
