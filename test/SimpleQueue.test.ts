import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Mp from "../src/index.ts"
import { Marks } from "./fixtures/objects/objects.ts"
import { simpleQueueSuite } from "./suites/objects.ts"
import { leavesNothingBehind } from "./support/processes.ts"
import { freshHub, give, layers } from "./support/sides.ts"
import { eventually, within } from "./support/waiting.ts"

leavesNothingBehind()

for (const [name, layer] of layers) simpleQueueSuite(name, layer)

describe("a simple queue and other processes", () => {
  it.live("SQ-04 leaves no socket open when the scopes of its holders are closed", () =>
    Effect.gen(function*() {
      const sockets = Effect.sync(() =>
        process.getActiveResourcesInfo().filter((resource) => /^Pipe(?:Server)?Wrap$/.test(resource)).length
      )
      const before = yield* sockets
      yield* Effect.scoped(Effect.gen(function*() {
        const owner = yield* freshHub
        const other = yield* freshHub
        const queues = yield* Effect.replicateEffect(
          Effect.provideService(Mp.SimpleQueue.make({ item: Schema.Boolean }), Mp.Hub.Hub, owner),
          20
        )
        for (const queue of queues) {
          const given = yield* give(Marks, queue, other)
          yield* given.put(true)
          assert.isTrue(yield* queue.get())
        }
        // The guard of each hub apart: a listener, and the two ends of one connection.
        assert.isAtMost((yield* sockets) - before, 8, "twenty queues share one connection")
      }))
      yield* eventually("the sockets are closed", Effect.map(sockets, (now) => now <= before))
    }))

  it.live("SQ-05 put waits while the queue holds as much as a process can bear, and an item comes through", () =>
    Effect.gen(function*() {
      const queue = yield* Mp.SimpleQueue.make({ item: Schema.Uint8Array })
      const large = new Uint8Array(300 * 1024 * 1024)
      yield* queue.put(large)
      const second = yield* Effect.forkScoped(queue.put(large), { startImmediately: true })
      yield* queue.empty
      assert.isUndefined(second.pollUnsafe())
      assert.strictEqual((yield* queue.get()).length, large.length)
      yield* eventually("the second is in", Effect.sync(() => second.pollUnsafe() !== undefined))
    }).pipe(Effect.scoped, Effect.provide(Mp.Hub.layer), within("25 seconds", "the end of the test")))
})
