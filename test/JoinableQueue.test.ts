import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Mp from "../src/index.ts"
import { hogs, hogsOnce } from "./fixtures/objects/hogs.ts"
import { Jobs, JobsOnce, Reports } from "./fixtures/objects/objects.ts"
import { works } from "./fixtures/objects/works.ts"
import { joinableQueueSuite } from "./suites/objects.ts"
import { withChildren } from "./support/children.ts"
import { leavesNothingBehind } from "./support/processes.ts"
import { layers } from "./support/sides.ts"
import { within } from "./support/waiting.ts"

leavesNothingBehind()

for (const [name, layer] of layers) joinableQueueSuite(name, layer)

describe("a joinable queue and other processes", () => {
  it.live(
    "QUEUE-13 join returns when four workers have finished ten jobs, and they end when they are told to",
    withChildren(Jobs.layer)(Effect.gen(function*() {
      const jobs = yield* Jobs
      const workers = yield* Effect.forEach([1, 2, 3, 4], () => Mp.Process.spawn(works), { concurrency: 2 })
      for (let i = 0; i < 10; i++) yield* jobs.put(i)
      yield* jobs.join()
      assert.strictEqual(yield* jobs.qsize, 0)
      assert.strictEqual((yield* Effect.flip(jobs.taskDone))._tag, "InvalidState")
      for (const _ of workers) yield* jobs.put(null)
      for (const worker of workers) yield* worker.join()
    }))
  )

  it.live(
    "what a killed consumer had not finished is delivered again, and join waits for it",
    withChildren(Layer.merge(Jobs.layer, Reports.layer))(Effect.gen(function*() {
      const jobs = yield* Jobs
      const reports = yield* Reports
      for (const n of [1, 2, 3, 4]) yield* jobs.put(n)
      const hog = yield* Mp.Process.spawn(hogs, 3, { daemon: true })
      assert.strictEqual(yield* reports.get(), "1,2,3")
      const joining = yield* Effect.forkScoped(jobs.join())
      yield* hog.kill
      yield* Effect.flip(hog.join())
      const again = yield* Effect.replicateEffect(
        Effect.tap(jobs.get(), () => Effect.sync(() => assert.isUndefined(joining.pollUnsafe()))),
        3
      ).pipe(within("10 seconds", "the items of the dead"))
      // The last one may have been there before the others came back.
      assert.deepStrictEqual(again.sort(), [2, 3, 4])
      for (const _ of again) yield* jobs.taskDone
      yield* jobs.join()
    }))
  )

  it.live(
    "or counts as done, with onConsumerDeath: \"done\", so that join returns",
    withChildren(Layer.merge(JobsOnce.layer, Reports.layer))(Effect.gen(function*() {
      const jobs = yield* JobsOnce
      const reports = yield* Reports
      for (const n of [1, 2, 3]) yield* jobs.put(n)
      const hog = yield* Mp.Process.spawn(hogsOnce, 3, { daemon: true })
      assert.strictEqual(yield* reports.get(), "1,2,3")
      assert.strictEqual((yield* Effect.flip(jobs.join({ timeout: 0 })))._tag, "TimedOut")
      yield* hog.kill
      yield* jobs.join().pipe(within("10 seconds", "join returns without the dead"))
      assert.strictEqual((yield* Effect.flip(jobs.getNowait))._tag, "Empty")
    }))
  )
})
