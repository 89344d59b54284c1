import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Mp from "../src/index.ts"
import { family } from "./fixtures/process/family.ts"
import { forks } from "./fixtures/process/forks.ts"
import { exits } from "./fixtures/process/outcomes.ts"
import { sleeper } from "./fixtures/process/sleeper.ts"
import { spinner } from "./fixtures/process/spinner.ts"
import {
  command,
  exitCodeOf,
  inProcesses,
  nextReport,
  nothingReported,
  pidOf,
  reported,
  wrote
} from "./support/inProcesses.ts"
import { isRunning, leavesNothingBehind, untilGone } from "./support/processes.ts"

leavesNothingBehind()

/** There is a process, whatever it has done so far. */
const untilAlive = (process: Mp.Process.Any) => Effect.yieldNow.pipe(Effect.repeat({ until: () => process.isAlive }))

/** A target whose module is in the folder of those that can't be imported. */
const importing = (file: string) =>
  Mp.Target.make("work", { module: new URL(`./fixtures/process/broken/${file}`, import.meta.url) }, () => Effect.void)

describe("terminate", () => {
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
        assert.match(error.message, /^Process-1 ended while it was importing file:.*: it was ended by SIGTERM$/)
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

describe("interrupt, terminate and kill", () => {
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
      const process = yield* Mp.Process.spawn(forks)
      assert.strictEqual(yield* process.join(), "over")
      yield* reported("child fiber interrupted")
      yield* reported("scoped fiber interrupted")
      yield* reported("finalizer done")
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
})
