import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import * as Mp from "../src/index.ts"
import { dies, exits, signalsItself, succeeds } from "./fixtures/process/outcomes.ts"
import { sleeper } from "./fixtures/process/sleeper.ts"
import { spinner } from "./fixtures/process/spinner.ts"
import { stubborn } from "./fixtures/process/stubborn.ts"
import { gate, gated } from "./fixtures/process/warm/counts.ts"
import { captureLogs, closed, command, inProcesses, reported, shown } from "./support/inProcesses.ts"
import { leavesNothingBehind } from "./support/processes.ts"
import { within } from "./support/waiting.ts"

leavesNothingBehind()

describe("a process that does not let itself be stopped", () => {
  const gracePeriod = 1000
  /** How long one takes: the grace period, then a second for SIGTERM. A busy machine may take more, but not as much as all would. */
  const one = gracePeriod + 1000

  /** How long an effect takes, in milliseconds. */
  const timeOf = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
    const before = yield* Clock.currentTimeMillis
    yield* within("30 seconds", "the end of the scope")(effect)
    return (yield* Clock.currentTimeMillis) - before
  })

  it.live(
    "costs its scope one grace period, also when there are ten",
    inProcesses(Effect.gen(function*() {
      const scope = yield* Scope.make()
      const processes = yield* Effect.forEach(
        Array.from({ length: 10 }),
        () => Mp.Process.spawn(spinner, undefined, { gracePeriod }),
        { concurrency: 3 }
      ).pipe(Scope.provide(scope))
      for (const _ of processes) yield* reported("running")
      for (const _ of processes) yield* command("spin")
      for (const _ of processes) yield* reported("spinning")
      const time = yield* timeOf(Scope.close(scope, Exit.fail("an error")))
      assert.isAtLeast(time, gracePeriod)
      assert.isBelow(time, 8 * one)
      assert.deepStrictEqual([...new Set(processes.map((process) => shown(process).exitCode))], ["-SIGKILL"])
    }))
  )

  it.live(
    "costs its scope one grace period, also when there are several and the scope is interrupted while it joins them",
    inProcesses(Effect.gen(function*() {
      const closing = yield* Effect.forkChild(
        Effect.scoped(Effect.all(
          Array.from({ length: 4 }, () => Mp.Process.spawn(stubborn, undefined, { gracePeriod })),
          { concurrency: 2 }
        )),
        { startImmediately: true }
      )
      for (let i = 0; i < 4; i++) yield* reported("running")
      assert.isBelow(yield* timeOf(Fiber.interrupt(closing)), 3.5 * one)
    }))
  )
})

describe("a failure that nobody joins", () => {
  it.live(
    "is logged of every process: daemonic, in a scope that failed, ended by a signal that nobody here has sent",
    () => {
      const logs = captureLogs()
      return inProcesses(
        Effect.gen(function*() {
          const scope = yield* Scope.make()
          const processes = yield* Effect.all([
            Mp.Process.spawn(dies, undefined, { name: "a", daemon: true }),
            Mp.Process.spawn(exits, 3, { name: "b" }),
            Mp.Process.spawn(signalsItself, "SIGKILL", { name: "c" })
          ], { concurrency: 2 }).pipe(Scope.provide(scope))
          yield* Effect.forEach(processes, (process) => process.sentinel)
          yield* closed(scope, Exit.fail("another error"))
          assert.deepStrictEqual(logs.lines.map((line) => line.slice(0, 31)).toSorted(), [
            "ERROR a failed, and nobody join",
            "ERROR b failed, and nobody join",
            "ERROR c failed, and nobody join"
          ])
        }).pipe(Effect.provide(logs.layer))
      )()
    }
  )

  it.live(
    "is not logged when there is none: it was joined, the process succeeded, was stopped by this one, or never started",
    () => {
      const logs = captureLogs()
      return inProcesses(
        Effect.gen(function*() {
          yield* Effect.scoped(Effect.gen(function*() {
            const [failing, killed, terminated] = yield* Effect.all([
              Mp.Process.spawn(exits, 3),
              Mp.Process.spawn(sleeper),
              Mp.Process.spawn(sleeper),
              Mp.Process.spawn(succeeds),
              Mp.Process.spawn(sleeper, undefined, { daemon: true })
            ], { concurrency: 2 })
            yield* Effect.flip(failing.join())
            yield* killed.kill
            yield* terminated.terminate
            const missing = Mp.Target.make("work", { module: "file:///nowhere.ts" }, () => Effect.void)
            yield* Effect.flip(Mp.Process.spawn(missing))
          }))
          assert.deepStrictEqual(logs.lines, [])
        }).pipe(Effect.provide(logs.layer))
      )()
    }
  )
})

describe("a scope that closes while the payload of its process is encoded", () => {
  it.live("starts no process any more", () => {
    let started = false
    const spawner = Mp.Spawner.make((request) =>
      Effect.andThen(request.boot, () => {
        started = true
        return Effect.die("a process was started")
      })
    )
    return Effect.gen(function*() {
      const scope = yield* Scope.make()
      const process = yield* Scope.provide(Mp.Process.make(gated, ""), scope)
      const starting = yield* Effect.forkChild(Effect.flip(process.start), { startImmediately: true })
      yield* Scope.close(scope, Exit.void)
      Deferred.doneUnsafe(gate, Effect.void)
      assert.instanceOf(yield* within("5 seconds", "the end of the start")(Fiber.join(starting)), Mp.Closed)
      assert.isFalse(started)
    }).pipe(Effect.provide(Layer.provideMerge(Layer.effect(Mp.Spawner.Spawner)(spawner), Mp.Hub.layer)), Effect.scoped)
  })
})
