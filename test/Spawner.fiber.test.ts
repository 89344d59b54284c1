import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Effect, Exit, Fiber, Layer, Logger, Option, References, Schedule, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Mp from "../src/index.ts"
import { Commands } from "./fixtures/process/commands.ts"
import { logs } from "./fixtures/process/logs.ts"
import { Disobeyed, obedient } from "./fixtures/process/obedient.ts"
import { report, Reports } from "./fixtures/process/reports.ts"
import { sleeper } from "./fixtures/process/sleeper.ts"
import { stubborn } from "./fixtures/process/stubborn.ts"
import { dozes, isPatient, naps, wanders } from "./fixtures/process/virtual.ts"
import { childrenSuite } from "./suites/children.ts"
import { processSuite } from "./suites/processes.ts"
import { command, nextReport, nothingReported, pidOf, reported, shown } from "./support/inProcesses.ts"
import { leavesNothingBehind } from "./support/processes.ts"
import { spawners } from "./support/spawners.ts"

leavesNothingBehind()

processSuite(...spawners.fiber)
childrenSuite(...spawners.fiber)

const layer = Layer.merge(Reports.layer, Commands.layer).pipe(
  Layer.provideMerge(Layer.merge(Mp.Hub.layer, Mp.Spawner.layerFiber))
)

/** The body of a test, which moves the time itself. */
const inVirtualTime = <A, E>(
  body: Effect.Effect<A, E, Mp.Hub.Hub | Mp.Spawner.Spawner | Reports | Commands | Scope.Scope>
) =>
() => body.pipe(Effect.scoped, Effect.provide(layer))

const now = Clock.currentTimeMillis

const isWaiting = (fiber: Fiber.Fiber<unknown, unknown>) => fiber.pollUnsafe() === undefined

const start = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

/** Turns of the event loop, in which everything that can happen at this moment happens. */
const turns = Effect.callback<void>((resume) => {
  const turn = (left: number) => left === 0 ? resume(Effect.void) : void setImmediate(() => turn(left - 1))
  turn(20)
})

describe("a program of many processes in virtual time", () => {
  it.effect(
    "joins a target that sleeps for an hour when the hour has passed, and not before",
    inVirtualTime(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(naps, "1 hour")
      const joining = yield* start(process.join())
      yield* TestClock.adjust("59 minutes")
      assert.isTrue(isWaiting(joining))
      assert.isTrue(yield* process.isAlive)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(joining), 3_600_000)
      assert.strictEqual(yield* now, 3_600_000)
    }))
  )

  it.effect(
    "runs processes side by side that sleep for different times",
    inVirtualTime(Effect.gen(function*() {
      const times = yield* start(
        Effect.forEach(["1 second", "1 day", "1 minute"], (time) => Mp.Process.run(naps, time), {
          concurrency: "unbounded"
        })
      )
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(yield* Fiber.join(times), [1000, 86_400_000, 60_000])
    }))
  )

  it.effect(
    "gives each process the time for all that it does at a moment",
    inVirtualTime(Effect.gen(function*() {
      const slow = yield* Mp.Process.spawn(dozes, "1 minute")
      const fast = yield* Mp.Process.spawn(dozes, "1 second")
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* slow.join({ timeout: 0 }), 3_600_000)
      assert.strictEqual(yield* fast.join({ timeout: 0 }), 60_000)
    }))
  )

  it.effect(
    "PROC-10 times out in a join at the very millisecond, and the process goes on",
    inVirtualTime(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(naps, "10 seconds")
      const joining = yield* start(Effect.flip(process.join({ timeout: "3 seconds" })))
      yield* TestClock.adjust(2999)
      assert.isTrue(isWaiting(joining))
      yield* TestClock.adjust(1)
      assert.instanceOf(yield* Fiber.join(joining), Mp.TimedOut)
      assert.isTrue(yield* process.isAlive)
      yield* TestClock.adjust(7000)
      assert.strictEqual(yield* process.join(), 10_000)
    }))
  )

  it.effect(
    "closes a scope with stubborn processes after one grace period and a second, however many there are",
    inVirtualTime(Effect.gen(function*() {
      const scope = yield* Scope.make()
      const processes = yield* Effect.replicateEffect(Mp.Process.spawn(stubborn), 10).pipe(Scope.provide(scope))
      for (const _ of processes) yield* reported("running")
      const closing = yield* start(Scope.close(scope, Exit.fail("an error")))
      yield* TestClock.adjust(5999)
      assert.isTrue(isWaiting(closing))
      assert.deepStrictEqual(yield* Mp.activeChildren, processes)
      yield* TestClock.adjust(1)
      yield* Fiber.join(closing)
      assert.deepStrictEqual([...new Set(processes.map((process) => shown(process).exitCode))], ["-SIGKILL"])
      assert.deepStrictEqual(yield* Mp.activeChildren, [])
    }))
  )

  it.effect(
    "kills a stubborn process that is terminated after its own grace period",
    inVirtualTime(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(stubborn, undefined, { gracePeriod: "1 hour" })
      yield* reported("running")
      yield* process.terminate
      yield* TestClock.adjust("59 minutes")
      assert.isTrue(yield* process.isAlive)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* process.exitCode, Option.some(-9))
      assert.instanceOf(yield* Effect.flip(process.join()), Mp.ProcessExited)
    }))
  )

  it.effect(
    "ends at once in a scope whose processes let themselves be stopped",
    inVirtualTime(Effect.gen(function*() {
      const scope = yield* Scope.make()
      yield* Scope.provide(Mp.Process.spawn(sleeper), scope)
      yield* reported("running")
      yield* Scope.close(scope, Exit.fail("an error"))
      yield* reported("interrupted")
      assert.strictEqual(yield* now, 0)
    }))
  )

  it.effect(
    "lets each of several processes wait for a queue as long as it wants to",
    inVirtualTime(Effect.gen(function*() {
      const processes = yield* Effect.forEach(
        [3000, 1000, 2000],
        (timeout) => Mp.Process.spawn(isPatient, timeout, { name: `${timeout}` })
      )
      yield* TestClock.adjust(1500)
      yield* reported("1000: nothing at 1000")
      // Whoever came first gets it.
      yield* command("an item")
      yield* reported("3000: an item at 1500")
      yield* TestClock.adjust("1 hour")
      yield* reported("2000: nothing at 2000")
      for (const process of processes) yield* process.join()
      yield* nothingReported
    }))
  )

  it.effect(
    "retries a process by a schedule",
    inVirtualTime(Effect.gen(function*() {
      yield* Effect.forEach(["fail", "fail", "fail", "done"], command)
      const running = yield* Mp.Process.run(obedient).pipe(
        Effect.tapError(() => report("failed")),
        Effect.retry({ schedule: Schedule.exponential("1 second"), times: 3 }),
        start
      )
      // Only what a sleeper does when it wakes up is waited for by the clock, not how it came to sleep.
      yield* reported("failed")
      yield* TestClock.adjust(6999)
      assert.isTrue(isWaiting(running))
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* Fiber.join(running), "done")
    }))
  )

  it.effect(
    "stops a process that takes too long",
    inVirtualTime(Effect.gen(function*() {
      const running = yield* start(Effect.exit(Effect.timeout(Mp.Process.run(sleeper), "1 minute")))
      yield* reported("running")
      yield* TestClock.adjust("1 minute")
      const exit = yield* Fiber.join(running)
      assert.isTrue(
        Exit.isFailure(exit) &&
          Option.exists(Cause.findErrorOption(exit.cause), (error) => error._tag === "TimeoutError")
      )
      yield* reported("interrupted")
      assert.deepStrictEqual(yield* Mp.activeChildren, [])
    }))
  )

  it.effect(
    "fails in a child at its time, and stops the siblings of the child",
    inVirtualTime(Effect.gen(function*() {
      const running = yield* start(Effect.flip(Effect.all([
        Mp.Process.run(sleeper),
        Effect.andThen(Effect.sleep("1 minute"), Mp.Process.run(obedient))
      ], { concurrency: "unbounded" })))
      yield* reported("running")
      yield* command("fail")
      yield* TestClock.adjust("1 minute")
      assert.instanceOf(yield* Fiber.join(running), Disobeyed)
      yield* reported("interrupted")
    }))
  )

  it.effect("runs in the same way each time, whether the time moves in one step or in many", () =>
    Effect.gen(function*() {
      const run = Effect.fnUntraced(function*(toTheEnd: Effect.Effect<void>) {
        const begin = yield* now
        yield* Effect.forEach(["-", "+"], command)
        const processes = yield* Effect.forEach([1, 2, 3], (seed) => Mp.Process.spawn(wanders, { seed, begin }))
        // All of them wait, or sleep.
        yield* turns
        yield* toTheEnd
        for (const process of processes) yield* process.join()
        const reports = yield* Reports
        return yield* Effect.replicateEffect(nextReport, yield* reports.qsize)
      }, (body) => inVirtualTime(body)())
      const first = yield* run(TestClock.adjust("1 minute"))
      assert.isAbove(first.length, 70)
      assert.deepStrictEqual(yield* run(TestClock.adjust("1 minute")), first)
      const step = Effect.andThen(TestClock.adjust("50 millis"), turns)
      assert.deepStrictEqual(yield* run(Effect.repeat(step, { times: 1200 })), first)
    }))
})

describe("a process that is a fiber", () => {
  it.effect(
    "has a pid that no other process has",
    inVirtualTime(Effect.gen(function*() {
      const pids = yield* Effect.forEach(
        yield* Effect.replicateEffect(Mp.Process.spawn(naps, "1 second"), 3),
        pidOf
      )
      assert.strictEqual(new Set([...pids, process.pid]).size, 4)
      yield* TestClock.adjust("1 second")
    }))
  )

  it.effect("MISC-03 logs to the loggers of the test, with its name and what the logs of its parent are annotated with", () => {
    const lines: Array<unknown> = []
    const logger = Logger.make<unknown, void>(({ fiber, message }) => {
      lines.push([message, fiber.getRef(References.CurrentLogAnnotations)])
    })
    return Effect.gen(function*() {
      yield* Mp.Process.run(logs, undefined, { name: "the worker" }).pipe(Effect.annotateLogs("request", 7))
      const annotations = { process: "the worker", request: 7 }
      assert.deepStrictEqual(lines, [[["an error"], annotations], [["an info"], annotations]])
    }).pipe(Effect.provide(layer), Effect.provide(Logger.layer([logger])))
  })

  it.effect(
    "is dead at once when it is killed, and what its finalizers do reaches nobody",
    inVirtualTime(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(sleeper)
      yield* reported("running")
      yield* process.kill
      assert.deepStrictEqual(yield* process.exitCode, Option.some(-9))
      assert.isFalse(yield* process.isAlive)
      yield* TestClock.adjust("1 minute")
      yield* nothingReported
    }))
  )
})
