import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Schema, Scope } from "effect"
import * as Mp from "../src/index.ts"
import { Bulk, bulk } from "./fixtures/objects/bulk.ts"
import { drains } from "./fixtures/objects/drains.ts"
import { handles } from "./fixtures/objects/handles.ts"
import { putHastily, putsHastily, takeHastily, takesHastily } from "./fixtures/objects/hasty.ts"
import { Numbers, Reports, Six } from "./fixtures/objects/objects.ts"
import { Delivery, owns } from "./fixtures/objects/owns.ts"
import { puts } from "./fixtures/objects/puts.ts"
import { takes } from "./fixtures/objects/takes.ts"
import { topLevel } from "./fixtures/objects/topLevel.ts"
import { queueSuite } from "./suites/objects.ts"
import { withChildren } from "./support/children.ts"
import { leavesNothingBehind } from "./support/processes.ts"
import { Random, seed, seedNote } from "./support/random.ts"
import { freshHub, give, layers } from "./support/sides.ts"
import { within } from "./support/waiting.ts"

leavesNothingBehind()

for (const [name, layer] of layers) queueSuite(name, layer)

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

describe("a queue and other processes", () => {
  it.live(
    "QUEUE-03 is empty and not full when another process has drained it",
    withChildren(Six.layer)(Effect.gen(function*() {
      const queue = yield* Six
      for (const n of range(0, 6)) yield* queue.put(n)
      assert.isTrue(yield* queue.full)
      assert.deepStrictEqual(yield* Mp.Process.run(drains, 6), range(0, 6))
      assert.deepStrictEqual([yield* queue.empty, yield* queue.full], [true, false])
    }))
  )

  it.live(
    "QUEUE-04 gives what a child put in its order, by every form of get",
    withChildren(Numbers.layer)(Effect.gen(function*() {
      const queue = yield* Numbers
      yield* Mp.Process.run(puts, range(0, 4))
      const got = [
        yield* queue.get(),
        yield* queue.get({}),
        yield* queue.get({ timeout: "1 second" }),
        yield* queue.getNowait
      ]
      assert.deepStrictEqual(got, range(0, 4))
    }))
  )

  it.live(
    "QUEUE-08 keeps what was put before a child started and what the child put, also when it has ended",
    withChildren(Numbers.layer)(Effect.gen(function*() {
      const queue = yield* Numbers
      for (const n of range(0, 10)) yield* queue.put(n)
      const child = yield* Mp.Process.spawn(puts, range(10, 20))
      yield* child.join()
      assert.deepStrictEqual(yield* Effect.replicateEffect(queue.get(), 20), range(0, 20))
      assert.strictEqual((yield* Effect.flip(queue.getNowait))._tag, "Empty")
    }))
  )

  it.live(
    "QUEUE-09 keeps the order of each of several children",
    withChildren(Numbers.layer)(Effect.gen(function*() {
      const queue = yield* Numbers
      const starts = [0, 1000, 2000]
      yield* Effect.forEach(starts, (from) => Mp.Process.spawn(puts, range(from, from + 200)), {
        concurrency: "unbounded"
      })
      const got = yield* Effect.replicateEffect(queue.get(), 600)
      for (const from of starts) {
        assert.deepStrictEqual(got.filter((n) => n >= from && n < from + 1000), range(from, from + 200))
      }
    }))
  )

  it.live(
    "QUEUE-21 can be used while a module is imported",
    withChildren(Layer.empty)(Effect.gen(function*() {
      assert.strictEqual(yield* Mp.Process.run(topLevel), "at the top level")
    }))
  )

  it.live(
    "QUEUE-26 travels in a payload, alone, among others, and on to the child of a child",
    withChildren(Layer.empty)(Effect.gen(function*() {
      const queues = yield* Effect.replicateEffect(Mp.Queue.make({ item: Schema.String }), 3)
      const jobs = yield* Mp.JoinableQueue.make({ item: Schema.String })
      const lines = yield* Mp.SimpleQueue.make({ item: Schema.String })
      yield* Mp.Process.run(handles, { name: "child", queues, jobs, lines, generations: 1 })
      for (const queue of [...queues, jobs, lines]) {
        assert.deepStrictEqual([yield* queue.get(), yield* queue.get()], ["child", "child of child"])
        assert.isTrue(yield* queue.empty)
      }
    }))
  )

  it.live(
    "QUEUE-19 may be closed by the parent as soon as the child has started",
    withChildren(Numbers.layer)(Effect.gen(function*() {
      const queue = yield* Numbers
      const other = yield* give(Numbers, queue, yield* Mp.Hub.Hub)
      const child = yield* Mp.Process.spawn(puts, [1, 2])
      yield* queue.close
      yield* child.join()
      assert.deepStrictEqual([yield* other.get(), yield* other.get()], [1, 2])
    }))
  )

  it.live(
    "joining a child before its megabyte is taken does not deadlock",
    withChildren(Bulk.layer)(Effect.gen(function*() {
      const child = yield* Mp.Process.spawn(bulk)
      yield* child.join()
      const queue = yield* Bulk
      assert.strictEqual(yield* queue.qsize, 1024)
      for (let i = 0; i < 1024; i++) assert.strictEqual((yield* queue.get()).length, 1024)
    }))
  )

  it.live(
    "does not lose an item to a child that is killed while it waits for one",
    withChildren(Layer.merge(Numbers.layer, Reports.layer))(Effect.gen(function*() {
      const queue = yield* Numbers
      const reports = yield* Reports
      const first = yield* Mp.Process.spawn(takes, "first", { daemon: true })
      assert.strictEqual(yield* reports.get(), "first waits")
      yield* Mp.Process.spawn(takes, "second", { daemon: true })
      assert.strictEqual(yield* reports.get(), "second waits")
      yield* first.kill
      // At the same time: whoever was to have it may be dead already.
      for (const n of range(0, 20)) yield* queue.put(n)
      yield* Effect.flip(first.join())
      const taken = yield* Effect.replicateEffect(reports.get(), 20).pipe(within("10 seconds", "all items"))
      assert.deepStrictEqual(taken.map((report) => Number(report.split(" ")[1])).sort((a, b) => a - b), range(0, 20))
    }))
  )

  it.live(
    "every item is accounted for once while parent and children give up puts and gets at any moment",
    withChildren(Six.layer)(Effect.gen(function*() {
      const random = new Random(seed)
      yield* Effect.gen(function*() {
        const queue = yield* Six
        const takers = yield* Effect.forEach([1, 2], (i) => Mp.Process.spawn(takesHastily, random.int(1e9) + i))
        const putters = yield* Effect.forEach(
          [1, 2],
          (i) => Mp.Process.spawn(putsHastily, { seed: random.int(1e9), items: range(i * 10_000, i * 10_000 + 500) })
        )
        const taking = yield* Effect.forkScoped(takeHastily(queue, random.fork()))
        const own = yield* putHastily(queue, range(0, 500), random.fork())
        const all = [own, ...yield* Effect.forEach(putters, (process) => process.join())]
        yield* queue.shutdown()
        const taken = [
          ...yield* Fiber.join(taking),
          ...(yield* Effect.forEach(takers, (process) => process.join())).flat()
        ]
        const certain = all.flatMap(({ certain }) => certain)
        const possible = new Set(all.flatMap(({ possible }) => possible))
        assert.strictEqual(new Set(taken).size, taken.length, "no item arrives twice")
        const arrived = new Set(taken)
        assert.deepStrictEqual(certain.filter((item) => !arrived.has(item)), [], "no item is lost")
        const put = new Set(certain)
        assert.deepStrictEqual(
          taken.filter((item) => !put.has(item) && !possible.has(item)),
          [],
          "nothing else arrives"
        )
        assert.isAbove(certain.length, 300)
        assert.strictEqual(yield* queue.qsize, 0)
      }).pipe(Effect.onError(() => Effect.logError(seedNote(random))))
    }))
  )
})

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
