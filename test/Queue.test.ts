import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Schema, Scope } from "effect"
import * as Mp from "../src/index.ts"
import { Numbers } from "./fixtures/objects/objects.ts"
import { Delivery, owns } from "./fixtures/objects/owns.ts"
import { queueSuite } from "./suites/objects.ts"
import { withChildren } from "./support/children.ts"
import { leavesNothingBehind } from "./support/processes.ts"
import { freshHub, give, layers } from "./support/sides.ts"
import { within } from "./support/waiting.ts"

leavesNothingBehind()

for (const [name, layer] of layers) queueSuite(name, layer)

describe("a queue of queues", () => {
  class Letters extends Mp.Queue.Service<Letters>()("test/Letters", {
    item: Mp.Queue.handle(Schema.Number),
    maxsize: 1
  }) {}

  /** A queue of queues that is full, held by another process, and a queue of a third one. */
  const make = Effect.gen(function*() {
    const [a, b, c] = [yield* freshHub, yield* freshHub, yield* freshHub]
    const letters = yield* Effect.provideService(
      Mp.Queue.make({ item: Mp.Queue.handle(Schema.Number), maxsize: 1 }),
      Mp.Hub.Hub,
      a
    )
    const own = yield* Effect.provideService(Mp.Queue.make({ item: Schema.Number }), Mp.Hub.Hub, a)
    const foreign = yield* Effect.provideService(Mp.Queue.make({ item: Schema.Number }), Mp.Hub.Hub, c)
    yield* letters.put(own)
    return { letters, other: yield* give(Letters, letters, b), foreign: yield* give(Numbers, foreign, b) }
  })

  it.live("keeps the timeout of a put whose queue is of a third process", () =>
    Effect.forEach([1, 2, 3, 4, 50], (timeout) =>
      Effect.gen(function*() {
        const { foreign, letters, other } = yield* make
        const error = yield* Effect.flip(other.put(foreign, { timeout })).pipe(
          within("10 seconds", "the end of the put")
        )
        assert.strictEqual(error._tag, "Full")
        assert.strictEqual(yield* letters.qsize, 1)
      }).pipe(Effect.scoped)))

  it.live("does not get what a put that was interrupted had not yet put", () =>
    Effect.forEach([0, 1, 2, 3, 20], (pause) =>
      Effect.gen(function*() {
        const { foreign, letters, other } = yield* make
        const put = yield* Effect.forkScoped(other.put(foreign), { startImmediately: true })
        yield* Effect.sleep(pause)
        yield* Fiber.interrupt(put)
        // The interruption has arrived.
        yield* other.qsize
        yield* letters.get()
        assert.strictEqual((yield* Effect.flip(letters.get({ timeout: 50 })))._tag, "Empty")
      }).pipe(Effect.scoped)))
})

describe("a queue whose hub ends", () => {
  it.live(
    "fails every operation with HubLost in another process, pending and later; other objects go on",
    withChildren(Layer.merge(Delivery.layer, Numbers.layer))(Effect.gen(function*() {
      const own = yield* Numbers
      const child = yield* Mp.Process.spawn(owns, undefined, { daemon: true })
      const { end, queue } = yield* (yield* Delivery.left).recv()
      const pending: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> = [
        queue.put(2),
        queue.put(2, { timeout: "1 minute" }),
        end.recv(),
        end.recv({ timeout: "1 minute" }),
        end.poll({ timeout: "1 minute" })
      ]
      const fibers = yield* Effect.forEach(pending, (operation) => Effect.forkScoped(Effect.flip(operation)))
      // Its answer comes after all of these have arrived.
      assert.isTrue(yield* queue.full)
      yield* child.kill
      for (const fiber of fibers) {
        const error = yield* Fiber.join(fiber).pipe(within("10 seconds", "the failure of a pending operation"))
        assert.strictEqual(error._tag, "HubLost")
      }
      const later: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> = [
        queue.get(),
        queue.getNowait,
        queue.putNowait(3),
        queue.qsize,
        queue.shutdown(),
        end.send(1),
        end.recv(),
        end.poll()
      ]
      for (const operation of later) assert.strictEqual((yield* Effect.flip(operation))._tag, "HubLost")
      yield* queue.close
      assert.strictEqual((yield* Effect.flip(queue.get()))._tag, "Closed")
      yield* own.put(1)
      assert.strictEqual(yield* own.get(), 1)
    }))
  )

  it.live("says so when the layer of its hub closes: Closed to its owner, HubLost to the others", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(Layer.fresh(Layer.provideMerge(Numbers.layer, Mp.Hub.layer)), scope)
      const owner = Context.get(context, Numbers)
      const other = yield* give(Numbers, owner, yield* freshHub)
      const pending = yield* Effect.forEach(
        [owner.get(), owner.get({ timeout: "1 minute" }), other.get(), other.get({ timeout: "1 minute" })],
        (operation) => Effect.forkScoped(Effect.flip(operation), { startImmediately: true })
      )
      yield* other.qsize
      yield* owner.qsize
      yield* Scope.close(scope, Exit.void)
      const errors = yield* Effect.forEach(pending, (fiber) => Fiber.join(fiber)).pipe(
        within("10 seconds", "the failure of pending operations")
      )
      assert.deepStrictEqual(errors.map(({ _tag }) => _tag), ["Closed", "Closed", "HubLost", "HubLost"])
      assert.strictEqual((yield* Effect.flip(owner.get()))._tag, "Closed")
      const error = yield* Effect.flip(other.put(1))
      assert.instanceOf(error, Mp.HubLost)
      assert.notInclude(error.message, "\n")
    }))
})
