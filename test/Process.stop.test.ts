import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Option, Scope, Stream } from "effect"
import * as Mp from "../src/index.ts"
import { family } from "./fixtures/process/family.ts"
import { finalizers } from "./fixtures/process/finalizers.ts"
import { forks } from "./fixtures/process/forks.ts"
import { exits, succeeds } from "./fixtures/process/outcomes.ts"
import { region } from "./fixtures/process/region.ts"
import { sleeper } from "./fixtures/process/sleeper.ts"
import { spinner } from "./fixtures/process/spinner.ts"
import { stubborn } from "./fixtures/process/stubborn.ts"
import { command, inProcesses, nextReport, nothingReported, pidOf, reported, wrote } from "./support/inProcesses.ts"
import { isRunning, leavesNothingBehind, untilGone } from "./support/processes.ts"
import { within } from "./support/waiting.ts"

leavesNothingBehind()

/** Waits for the end, and gives the exit code. */
const exitCodeOf = (process: Mp.Process.Any) =>
  process.sentinel.pipe(
    Effect.andThen(process.exitCode),
    Effect.map(Option.getOrUndefined),
    within("15 seconds", `the end of ${process.name}`)
  )

/** There is a process, whatever it has done so far. */
const untilAlive = (process: Mp.Process.Any) => Effect.yieldNow.pipe(Effect.repeat({ until: () => process.isAlive }))

/** A target whose module is in the folder of those that can't be imported. */
const importing = (file: string) =>
  Mp.Target.make("work", { module: new URL(`./fixtures/process/broken/${file}`, import.meta.url) }, () => Effect.void)

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
    "reaches a target that has hardly begun",
    inProcesses(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(sleeper)
      yield* process.interrupt
      assert.strictEqual(yield* exitCodeOf(process), 1)
    }))
  )
})

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
    "kills, after the grace period, a child that is in a synchronous loop",
    inProcesses(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(spinner, undefined, { gracePeriod: "200 millis" })
      yield* command("spin")
      yield* reported("running")
      yield* reported("spinning")
      yield* process.terminate
      assert.strictEqual(yield* exitCodeOf(process), -9)
      assert.strictEqual((yield* Effect.flip(process.join())).message.includes("SIGKILL"), true)
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

  it.live.each(["slow.ts", "spinning.ts"])(
    "PROC-25 ends a child that is still importing (%s) with exit code -15, and its start fails with EndedEarly",
    (file) =>
      inProcesses(Effect.gen(function*() {
        const process = yield* Mp.Process.make(importing(file), undefined, { stdout: "pipe" })
        const starting = yield* Effect.forkChild(Effect.flip(process.start), { startImmediately: true })
        yield* untilAlive(process)
        yield* wrote(process, "importing")
        yield* process.terminate
        const error = yield* Fiber.join(starting)
        assert.instanceOf(error, Mp.SpawnError)
        assert.strictEqual((error as Mp.SpawnError).reason, "EndedEarly")
        assert.match(error.message, /^Process-1 ended while it was importing file:.*: it ended .*-15$/)
        assert.strictEqual(yield* exitCodeOf(process), -15)
      }))()
  )

  it.live(
    "PROC-25 ends a child of which there is nothing yet but the process",
    inProcesses(Effect.gen(function*() {
      const process = yield* Mp.Process.make(sleeper)
      const starting = yield* Effect.forkChild(Effect.flip(process.start), { startImmediately: true })
      yield* untilAlive(process)
      yield* process.terminate
      assert.instanceOf(yield* Fiber.join(starting), Mp.SpawnError)
      assert.strictEqual(yield* exitCodeOf(process), -15)
      yield* nothingReported
    }))
  )

  it.live(
    "PROC-25 ends a child with exit code -15 at whatever moment of its beginning it comes",
    inProcesses(Effect.gen(function*() {
      const terminated = Effect.fnUntraced(function*(delay: number) {
        const process = yield* Mp.Process.make(sleeper)
        const starting = yield* Effect.forkChild(Effect.exit(process.start), { startImmediately: true })
        yield* untilAlive(process)
        yield* Effect.delay(process.terminate, delay)
        yield* Fiber.join(starting)
        return yield* exitCodeOf(process)
      })
      const codes = yield* Effect.forEach([30, 60, 90, 120, 150, 180], terminated, { concurrency: 2 })
      assert.deepStrictEqual(codes, [-15, -15, -15, -15, -15, -15])
    }))
  )
})

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
})

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

  it.live(
    "PROC-16 do nothing to a process that is about to end",
    inProcesses(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(exits, 3)
      for (let i = 0; i < 20; i++) yield* process.interrupt
      assert.include([1, 3], yield* exitCodeOf(process))
      yield* Effect.all([process.terminate, process.kill])
      yield* Effect.exit(process.join())
    }))
  )

  it.live.each(["terminate", "kill"] as const)(
    "PROC-18 take the children of the process with it: %s",
    (stop) =>
      inProcesses(Effect.gen(function*() {
        const process = yield* Mp.Process.spawn(family)
        const grandchildren: Array<number> = []
        while (grandchildren.length < 2) {
          const report = yield* nextReport
          if (report.startsWith("child ")) grandchildren.push(Number(report.slice(6)))
        }
        yield* command("spin")
        while (yield* Effect.map(nextReport, (report) => report !== "spinning"));
        assert.isTrue(grandchildren.every(isRunning))
        yield* process[stop]
        assert.strictEqual(yield* exitCodeOf(process), stop === "kill" ? -9 : -15)
        yield* untilGone(grandchildren)
      }))()
  )
})

describe("a target that is over", () => {
  it.live(
    "PROC-28 its fibers are interrupted and its scope is closed before the process ends; what it detached is not waited for",
    inProcesses(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(forks, undefined, { stdout: "pipe" })
      assert.strictEqual(yield* process.join(), "over")
      yield* reported("scoped fiber interrupted")
      yield* reported("finalizer done")
      assert.strictEqual(yield* Stream.mkString(Stream.decodeText(process.stdout)), "child fiber interrupted\n")
      assert.strictEqual(yield* exitCodeOf(process), 0)
    }))
  )
})

describe("a start that is interrupted", () => {
  it.live.each(["slow.ts", "spinning.ts"])(
    "leaves no process: the module is being imported (%s)",
    (file) =>
      inProcesses(Effect.gen(function*() {
        const process = yield* Mp.Process.make(importing(file), undefined, { stdout: "pipe" })
        const starting = yield* Effect.forkChild(process.start, { startImmediately: true })
        yield* untilAlive(process)
        yield* wrote(process, "importing")
        const pid = yield* pidOf(process)
        yield* Fiber.interrupt(starting)
        assert.isFalse(isRunning(pid))
        assert.deepStrictEqual(yield* Mp.activeChildren, [])
        assert.strictEqual(yield* exitCodeOf(process), -9)
      }))()
  )

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
