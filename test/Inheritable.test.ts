import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import * as Mp from "../src/index.ts"
import { Line, middle } from "./fixtures/process/handsOn.ts"
import { Reports } from "./fixtures/process/reports.ts"
import { services } from "./fixtures/process/services.ts"
import { Settings, settings } from "./fixtures/process/settings.ts"
import { Start, waits } from "./fixtures/process/waits.ts"
import { inProcesses, nextReport, nothingReported } from "./support/inProcesses.ts"
import { leavesNothingBehind } from "./support/processes.ts"
import { within } from "./support/waiting.ts"

leavesNothingBehind()

const value = { retries: 3, since: new Date("2020-02-20T20:20:20.020Z"), tags: new Set(["a", "b"]) }

describe("an inherited value", () => {
  it.live(
    "is a copy by its schema: what a child does to it stays there",
    inProcesses(
      Effect.gen(function*() {
        const returned = yield* Mp.Process.run(settings)
        assert.deepStrictEqual(returned, { ...value, since: new Date("2001-02-20T20:20:20.020Z") })
        assert.strictEqual((yield* Settings).since.getUTCFullYear(), 2020)
      }).pipe(Effect.provide(Settings.layer(value)))
    )
  )

  it.live(
    "is that of the moment of the start, and each child may have another one",
    inProcesses(Effect.gen(function*() {
      const run = (retries: number) =>
        Mp.Process.run(settings).pipe(Effect.provideService(Settings, { ...value, retries, since: new Date(0) }))
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
      }).pipe(Effect.provide(Settings.layer({ ...value, retries: 1.5 })))
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
        const missing = Mp.Target.make(
          "waits",
          { module: "file:///nowhere.ts", inherits: [Start.right] },
          () => Effect.void
        )
        yield* Effect.flip(Mp.Process.spawn(missing))
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
        assert.strictEqual(yield* queue.get().pipe(within("15 seconds", `the item of process ${i}`)), `to process ${i}`)
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

it("a value has a tag and a layer", () => {
  assert.strictEqual(Settings.key, "test/Settings")
  assert.isTrue(Layer.isLayer(Settings.layer(value)))
  assert.deepStrictEqual(Effect.runSync(Effect.serviceOption(Settings)), Option.none())
})
