/**
 * What queues and pipes promise, whatever lies between the processes that hold them. Each suite takes a layer of `Sides`.
 */
import { assert, layer as withLayer } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Mp from "../../src/index.ts"
import { give, shared, sharedPipe, Sides } from "../support/sides.ts"
import { eventually, within } from "../support/waiting.ts"

// ---------------------------------------------------------------------------------------------- what is tested

class Numbers extends Mp.Queue.Service<Numbers>()("test/Numbers", { item: Schema.Number }) {}
class Six extends Mp.Queue.Service<Six>()("test/Six", { item: Schema.Number, maxsize: 6 }) {}
class One extends Mp.Queue.Service<One>()("test/One", { item: Schema.Number, maxsize: 1 }) {}
class Negative extends Mp.Queue.Service<Negative>()("test/Negative", { item: Schema.Number, maxsize: -1 }) {}
class Zero extends Mp.Queue.Service<Zero>()("test/Zero", { item: Schema.Number, maxsize: 0 }) {}
class Blobs extends Mp.Queue.Service<Blobs>()("test/Blobs", { item: Schema.Uint8Array, maxBytes: 1500 }) {}
const Person = Schema.Struct({ name: Schema.String, age: Schema.Int })
class People extends Mp.Queue.Service<People>()("test/People", { item: Person, maxsize: 1 }) {}
class Letters extends Mp.Queue.Service<Letters>()("test/Letters", { item: Mp.Queue.handle(Schema.Number) }) {}
class Strings extends Mp.Queue.Service<Strings>()("test/Strings", { item: Schema.String }) {}

class Jobs extends Mp.JoinableQueue.Service<Jobs>()("test/Jobs", { item: Schema.Number }) {}
class JobsOnce
  extends Mp.JoinableQueue.Service<JobsOnce>()("test/JobsOnce", { item: Schema.Number, onConsumerDeath: "done" })
{}

class Lines extends Mp.SimpleQueue.Service<Lines>()("test/Lines", { item: Schema.String }) {}
class LinesAsPeople extends Mp.SimpleQueue.Service<LinesAsPeople>()("test/LinesAsPeople", { item: Person }) {}

class Link extends Mp.Pipe.Service<Link>()("test/Link", { leftToRight: Person, rightToLeft: Schema.Number }) {}
class OneWay extends Mp.Pipe.Service<OneWay>()("test/OneWay", { message: Schema.String, duplex: false }) {}
class TwoWay extends Mp.Pipe.Service<TwoWay>()("test/TwoWay", { message: Schema.String }) {}
class Few extends Mp.Queue.Service<Few>()("test/Few", { item: Schema.Int, maxBytes: 1100 }) {}
class Tight extends Mp.Pipe.Service<Tight>()("test/Tight", { message: Schema.Uint8Array, maxBytes: 600 }) {}

// ---------------------------------------------------------------------------------------------- helpers

const tagOf = (error: { readonly _tag: string }) => error._tag

/** The tag of the failure of an effect that must fail. */
const failure = <A, R>(effect: Effect.Effect<A, { readonly _tag: string }, R>): Effect.Effect<string, never, R> =>
  Effect.map(Effect.flip(Effect.mapError(effect, tagOf)), (tag) => tag).pipe(
    Effect.catch(() => Effect.die(new Error("it did not fail"))),
    within("10 seconds", "a failure")
  )

/** Starts something that will wait, and gives the fiber once everything that was sent before has arrived. */
const forkWaiting = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  ...settled: ReadonlyArray<Effect.Effect<unknown, unknown>>
) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkScoped(effect, { startImmediately: true })
    // Whatever a side asks now is answered after what it asked before.
    for (const answer of settled) yield* Effect.exit(answer)
    return fiber
  })

const join = <A, E>(fiber: Fiber.Fiber<A, E>, what = "the end of what waited") =>
  Fiber.join(fiber).pipe(within("10 seconds", what))

const isWaiting = (fiber: Fiber.Fiber<unknown, unknown>) => fiber.pollUnsafe() === undefined

/** How long it took, in milliseconds. */
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<readonly [milliseconds: number, A], E, R> =>
  Effect.map(Effect.timed(effect), ([duration, a]) => [Duration.toMillis(duration), a] as const)

/** Timers of Node may be early by a part of a millisecond. */
const early = 2

const bytesOf = (text: string) => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

const suite = <R>(
  title: string,
  name: string,
  layer: Layer.Layer<R>,
  tests: Parameters<ReturnType<typeof withLayer<R, never>>>[1]
) => withLayer(layer, { excludeTestServices: true })(`${title}, with ${name} between the sides`, tests)

// ---------------------------------------------------------------------------------------------- queues

export const queueSuite = (name: string, layer: Layer.Layer<Sides>) => {
  suite("Queue", name, layer, (it) => {
    it.effect("QUEUE-01 takes six items by every form of put, and then is full and not empty", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Six)
        assert.deepStrictEqual([yield* near.empty, yield* near.full, yield* near.qsize], [true, false, 0])
        yield* near.put(1)
        yield* near.put(2, {})
        yield* near.put(3, { timeout: undefined })
        yield* near.put(4, { timeout: "1 second" })
        yield* near.put(5, { timeout: 0 })
        yield* near.putNowait(6)
        for (const queue of [near, far]) {
          assert.deepStrictEqual([yield* queue.empty, yield* queue.full, yield* queue.qsize], [false, true, 6])
        }
      }))

    it.effect("QUEUE-02 a full queue fails putNowait and put without patience with Full at once, put with a timeout after it", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Six)
        for (const n of [1, 2, 3, 4, 5, 6]) yield* near.put(n)
        for (const queue of [near, far]) {
          assert.strictEqual(yield* failure(queue.putNowait(7)), "Full")
          assert.strictEqual(yield* failure(queue.put(7, { timeout: 0 })), "Full")
          assert.strictEqual(yield* failure(queue.put(7, { timeout: -1000 })), "Full")
          const [took, tag] = yield* timed(failure(queue.put(7, { timeout: "100 millis" })))
          assert.strictEqual(tag, "Full")
          assert.isAtLeast(took, 100 - early)
        }
        assert.strictEqual(yield* far.qsize, 6, "what was refused is not in the queue")
      }))

    it.effect("QUEUE-03 is empty and not full for the one side when the other has drained it", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Six)
        for (const n of [1, 2, 3, 4, 5, 6]) yield* near.put(n)
        for (const n of [1, 2, 3, 4, 5, 6]) assert.strictEqual(yield* far.get(), n)
        // One pair of processes, one connection: what far accepted, near's next question comes after it.
        yield* eventually("the queue is empty", near.empty)
        assert.isTrue(yield* far.empty)
        assert.isFalse(yield* far.full)
        assert.isFalse(yield* near.full)
      }))

    it.effect("QUEUE-04 gives what the other side put in its order, by every form of get", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Numbers)
        for (const n of [1, 2, 3, 4, 5, 6]) yield* far.put(n)
        const got = [
          yield* near.get(),
          yield* near.get({}),
          yield* near.get({ timeout: undefined }),
          yield* near.get({ timeout: "1 second" }),
          yield* near.get({ timeout: 0 }),
          yield* near.getNowait
        ]
        assert.deepStrictEqual(got, [1, 2, 3, 4, 5, 6])
      }))

    it.effect("QUEUE-05 getNowait on an empty queue fails with Empty at once, get with a timeout after it", () =>
      Effect.gen(function*() {
        for (const queue of yield* shared(Numbers)) {
          assert.strictEqual(yield* failure(queue.getNowait), "Empty")
          assert.strictEqual(yield* failure(queue.get({ timeout: 0 })), "Empty")
          assert.strictEqual(yield* failure(queue.get({ timeout: "-1 seconds" })), "Empty")
          const [took, tag] = yield* timed(failure(queue.get({ timeout: "100 millis" })))
          assert.strictEqual(tag, "Empty")
          assert.isAtLeast(took, 100 - early)
        }
      }))

    it.effect("QUEUE-06 get with a timeout of 200 ms does not give up earlier", () =>
      Effect.gen(function*() {
        for (const queue of yield* shared(Numbers)) {
          const [took, tag] = yield* timed(failure(queue.get({ timeout: 200 })))
          assert.strictEqual(tag, "Empty")
          assert.isAtLeast(took, 200 - early)
        }
      }))

    it.effect("QUEUE-07 the timeout of a get also holds behind another one that waits without limit", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Numbers)
        const blocked = yield* forkWaiting(near.get(), near.qsize)
        for (const queue of [near, far]) {
          const [took, tag] = yield* timed(failure(queue.get({ timeout: "50 millis" })))
          assert.strictEqual(tag, "Empty")
          assert.isAtLeast(took, 50 - early)
        }
        yield* far.put(1)
        assert.strictEqual(yield* join(blocked), 1)
      }))

    it.effect("QUEUE-09 keeps the order of each producer", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Six)
        const producers = [near, far, far].map((queue, p) =>
          Effect.forEach(Array.from({ length: 200 }, (_, i) => p * 1000 + i), (item) => queue.put(item), {
            discard: true
          })
        )
        const producing = yield* Effect.forkScoped(Effect.all(producers, { concurrency: "unbounded" }))
        const got: Array<Array<number>> = [[], [], []]
        for (let i = 0; i < 600; i++) {
          const item = yield* near.get()
          got[Math.floor(item / 1000)]!.push(item % 1000)
        }
        yield* join(producing)
        const all = Array.from({ length: 200 }, (_, i) => i)
        assert.deepStrictEqual(got, [all, all, all])
      }))

    it.effect("QUEUE-12 holds any number of items without a maxsize, and for one of zero or less", () =>
      Effect.gen(function*() {
        for (const [near, far] of [yield* shared(Numbers), yield* shared(Zero), yield* shared(Negative)]) {
          for (let i = 0; i < 1000; i++) yield* near!.putNowait(i)
          assert.strictEqual(yield* far!.qsize, 1000)
          assert.isFalse(yield* far!.full)
        }
      }))

    it.effect("QUEUE-12 but no more than maxBytes, and always one item", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Blobs)
        yield* near.put(new Uint8Array(5000).fill(1))
        assert.strictEqual(yield* failure(near.putNowait(new Uint8Array(1))), "Full")
        const waiting = yield* forkWaiting(near.put(new Uint8Array(600).fill(2)), near.qsize)
        assert.isTrue(isWaiting(waiting))
        assert.strictEqual((yield* far.get()).length, 5000)
        yield* join(waiting)
        assert.strictEqual(yield* failure(far.putNowait(new Uint8Array(600))), "Full")
        yield* far.putNowait(new Uint8Array(100).fill(3))
        assert.deepStrictEqual((yield* near.get()).length, 600)
        assert.deepStrictEqual((yield* near.get()).length, 100)
      }))

    it.effect("QUEUE-12 of which small items take some too, as they do in memory", () =>
      Effect.gen(function*() {
        for (const queue of yield* shared(Few)) {
          let count = 0
          while ((yield* Effect.exit(queue.putNowait(0)))._tag === "Success") count++
          assert.strictEqual(count, 4)
          for (; count > 0; count--) yield* queue.get()
          // Now the hub knows that it was taken.
          yield* queue.qsize
        }
      }))

    it.effect("QUEUE-15 an item that does not fit the schema fails its put, takes no slot, and the queue stays usable", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(People)
        for (const queue of [near, far]) {
          // The compiler does not know that an age is an integer.
          const refined = yield* Effect.flip(queue.put({ name: "Ada", age: 36.5 }))
          assert.instanceOf(refined, Mp.EncodeError)
          assert.strictEqual(refined.operation, "put")
          assert.include(refined.problem, "age")
          assert.strictEqual(yield* failure(queue.put("nobody" as any)), "EncodeError")
          assert.strictEqual(yield* failure(queue.putNowait(undefined as any)), "EncodeError")
          assert.strictEqual(
            yield* failure(queue.put({ name: Symbol(), age: 1 } as any, { timeout: "1 second" })),
            "EncodeError"
          )
          const unreadable = {
            name: "Ada",
            get age(): number {
              throw new RangeError("out of reach")
            }
          }
          const thrown = yield* Effect.flip(queue.put(unreadable))
          assert.instanceOf(thrown, Mp.EncodeError)
          assert.strictEqual(thrown.problem, "RangeError: out of reach")
        }
        assert.strictEqual(yield* far.qsize, 0)
        yield* near.putNowait({ name: "Ada", age: 36 })
        assert.deepStrictEqual(yield* far.get(), { name: "Ada", age: 36 })
        assert.isTrue(yield* far.empty)
      }))

    it.effect("an item is what it was when it was put, whatever becomes of the value later", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Blobs)
        for (const [from, to] of [[near, far], [far, near]] as const) {
          const bytes = Buffer.from("before")
          yield* from.put(bytes)
          bytes.fill("x")
          assert.strictEqual(textOf(yield* to.get()), "before")
        }
      }))

    it.effect("QUEUE-18 fails every operation with Closed after its close", () =>
      Effect.gen(function*() {
        for (const queue of yield* shared(One)) {
          yield* queue.close
          yield* queue.close
          const operations = [
            queue.put(1),
            queue.put(1, { timeout: "1 second" }),
            queue.putNowait(1),
            queue.get(),
            queue.get({ timeout: 0 }),
            queue.getNowait,
            queue.qsize,
            queue.empty,
            queue.full,
            queue.shutdown(),
            Stream.runCollect(queue.stream)
          ]
          for (const operation of operations) assert.strictEqual(yield* failure<unknown, never>(operation), "Closed")
        }
      }))

    it.effect("QUEUE-19 a close concerns the side that closes, and nobody else", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Numbers)
        yield* near.put(1)
        yield* near.close
        assert.strictEqual(yield* far.get(), 1, "what was put stays")
        yield* far.put(2)
        assert.strictEqual(yield* far.get(), 2)
        assert.strictEqual(yield* failure(near.get()), "Closed")
      }))

    it.effect("QUEUE-19 a close ends the operations of that side that wait, and leaves those of the other", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(One)
        const get = yield* forkWaiting(near.get(), near.qsize)
        const patient = yield* forkWaiting(near.get({ timeout: "1 minute" }), near.qsize)
        const other = yield* forkWaiting(far.get(), far.qsize)
        yield* near.close
        assert.strictEqual(yield* failure(Fiber.join(get)), "Closed")
        assert.strictEqual(yield* failure(Fiber.join(patient)), "Closed")
        yield* far.put(1)
        assert.strictEqual(yield* join(other), 1)
      }))

    it.effect("QUEUE-19 a put that waits when its side closes fails with Closed and does not happen", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(One)
        const [other] = yield* shared(One)
        yield* far.put(1)
        const put = yield* forkWaiting(near.put(2), near.qsize)
        yield* near.close
        assert.strictEqual(yield* failure(Fiber.join(put)), "Closed")
        // Answered after the close has arrived.
        yield* other.qsize
        assert.strictEqual(yield* far.get(), 1)
        assert.strictEqual(yield* failure(far.getNowait), "Empty")
      }))

    it.effect("QUEUE-20 joinThread waits for nothing after a close and is an InvalidState before; cancelJoinThread loses nothing", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Numbers)
        const error = yield* Effect.flip(near.joinThread)
        assert.instanceOf(error, Mp.InvalidState)
        assert.strictEqual(error.reason, "NotClosed")
        yield* near.put(1)
        yield* near.cancelJoinThread
        yield* near.close
        yield* near.joinThread
        assert.strictEqual(yield* far.get(), 1)
      }))

    it.effect("QUEUE-22 shutdown of an empty queue ends every put and get with ShutDown, in every process, also those that wait", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(One)
        const gets = [
          yield* forkWaiting(near.get(), near.qsize),
          yield* forkWaiting(far.get(), far.qsize),
          yield* forkWaiting(far.get({ timeout: "1 minute" }), far.qsize)
        ]
        yield* near.shutdown()
        for (const get of gets) assert.strictEqual(yield* failure(Fiber.join(get)), "ShutDown")
        for (const queue of [near, far]) {
          assert.strictEqual(yield* failure(queue.get()), "ShutDown")
          assert.strictEqual(yield* failure(queue.getNowait), "ShutDown")
          assert.strictEqual(yield* failure(queue.put(1)), "ShutDown")
          assert.strictEqual(yield* failure(queue.put(1, { timeout: "1 second" })), "ShutDown")
          assert.strictEqual(yield* failure(queue.putNowait(1)), "ShutDown")
        }
        yield* far.shutdown()
        yield* far.shutdown({ immediate: true })
      }))

    it.effect("QUEUE-23 shutdown of a queue with an item ends puts at once, gets after the last item", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(One)
        yield* near.put(1)
        const put = yield* forkWaiting(far.put(2), far.qsize)
        yield* near.shutdown()
        assert.strictEqual(yield* failure(Fiber.join(put)), "ShutDown")
        assert.strictEqual(yield* failure(far.put(2)), "ShutDown")
        assert.strictEqual(yield* far.get(), 1)
        assert.strictEqual(yield* failure(far.get()), "ShutDown")
        assert.strictEqual(yield* failure(near.get()), "ShutDown")
      }))

    it.effect("QUEUE-24 an immediate shutdown drops what is in the queue, and ends every put and get", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Six)
        for (const n of [1, 2, 3]) yield* near.put(n)
        yield* far.shutdown({ immediate: true })
        for (const queue of [near, far]) {
          assert.strictEqual(yield* queue.qsize, 0)
          assert.strictEqual(yield* failure(queue.get()), "ShutDown")
          assert.strictEqual(yield* failure(queue.put(4)), "ShutDown")
        }
      }))

    it.effect("qsize, empty, full and getNowait of every process agree with a put that has returned", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(One)
        for (let i = 0; i < 100; i++) {
          const [from, to] = i % 2 === 0 ? [near, far] : [far, near]
          yield* from.put(i)
          assert.deepStrictEqual([yield* to.qsize, yield* to.empty, yield* to.full], [1, false, true])
          assert.strictEqual(yield* to.getNowait, i)
        }
      }))

    it.effect("a put that waits goes on when the other side takes an item, in the order in which the puts came", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(One)
        yield* near.put(0)
        const puts = []
        for (const n of [1, 2, 3]) puts.push(yield* forkWaiting(near.put(n), near.qsize))
        for (const n of [0, 1, 2, 3]) assert.strictEqual(yield* far.get(), n)
        for (const put of puts) yield* join(put)
      }))

    it.effect("a get that waits gets what is put, in the order in which the gets came", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Numbers)
        const gets = []
        for (const queue of [near, far, far, near]) gets.push(yield* forkWaiting(queue.get(), queue.qsize))
        for (const n of [1, 2, 3, 4]) yield* near.put(n)
        assert.deepStrictEqual(yield* Effect.forEach(gets, (get) => join(get)), [1, 2, 3, 4])
      }))

    it.effect("a put whose timeout passes did not happen", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(One)
        yield* near.put(1)
        assert.strictEqual(yield* failure(near.put(2, { timeout: 20 })), "Full")
        assert.strictEqual(yield* far.get(), 1)
        assert.strictEqual(yield* failure(far.get({ timeout: 20 })), "Empty")
      }))

    it.effect("an interrupted get takes nothing, an interrupted put that waited puts nothing", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(One)
        const get = yield* forkWaiting(near.get(), near.qsize)
        yield* Fiber.interrupt(get)
        yield* far.put(1)
        const put = yield* forkWaiting(near.put(2), near.qsize)
        yield* Fiber.interrupt(put)
        assert.strictEqual(yield* near.get(), 1)
        assert.strictEqual(yield* failure(far.get({ timeout: 20 })), "Empty")
      }))

    it.effect("the stream of a queue gives its items until it is shut down", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Numbers)
        const collecting = yield* Effect.forkScoped(Stream.runCollect(near.stream))
        for (const n of [1, 2, 3]) yield* far.put(n)
        yield* far.shutdown()
        assert.deepStrictEqual(Array.from(yield* join(collecting)), [1, 2, 3])
      }))

    it.effect("the stream of a queue takes an item only when it is asked for one", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Numbers)
        for (const n of [1, 2, 3]) yield* far.put(n)
        assert.deepStrictEqual(Array.from(yield* Stream.runCollect(Stream.take(near.stream, 2))), [1, 2])
        assert.strictEqual(yield* near.get(), 3)
      }))

    it.effect("an item that does not fit the schema of its reader fails that get alone", () =>
      Effect.gen(function*() {
        const [near] = yield* shared(Strings)
        const { far } = yield* Sides
        // As if the other process had another version of the code.
        const bytes = yield* Strings[Mp.Inheritable.TypeId].handOver(near)
        const people = yield* Effect.provideService(People[Mp.Inheritable.TypeId].receive(bytes), Mp.Hub.Hub, far)
        yield* near.put("text")
        yield* people.put({ name: "Ada", age: 36 })
        const error = yield* Effect.flip(people.get())
        assert.instanceOf(error, Mp.DecodeError)
        assert.strictEqual(error.operation, "get")
        assert.deepStrictEqual(yield* people.get(), { name: "Ada", age: 36 })
        assert.strictEqual(yield* failure(near.getNowait), "Empty")
      }))

    it.effect("its failures name the queue and say what to do, in one line", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(One)
        const errors: Array<Error> = [yield* Effect.flip(near.getNowait)]
        yield* far.put(1)
        errors.push(yield* Effect.flip(near.putNowait(2)))
        yield* far.shutdown({ immediate: true })
        errors.push(yield* Effect.flip(near.get()))
        yield* near.close
        errors.push(yield* Effect.flip(near.get()))
        assert.deepStrictEqual(errors.map((error) => error.name), ["Empty", "Full", "ShutDown", "Closed"])
        for (const error of errors) {
          assert.include(error.message, "test/One")
          assert.notInclude(error.message, "\n")
        }
      }))

    it.effect("JSON of a queue says what it is, and nothing else", () =>
      Effect.gen(function*() {
        for (const queue of yield* shared(One)) {
          assert.deepStrictEqual(JSON.parse(JSON.stringify(queue)), { _id: "Queue", name: "test/One" })
          assert.isTrue(Mp.Queue.isQueue(queue))
          assert.isFalse(Mp.JoinableQueue.isJoinableQueue(queue))
        }
      }))

    it.effect("fibers that only talk to each other over a queue let timers have their turn", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(One)
        // So that the test ends if they do not.
        const end = Date.now() + 5_000
        const talk = <A, E>(operation: Effect.Effect<A, E>) =>
          Effect.gen(function*() {
            while (Date.now() < end) yield* operation
            return "they talked to the end"
          })
        const first = yield* Effect.raceAllFirst([
          talk(near.put(1)),
          talk(far.get()),
          Effect.as(Effect.sleep("20 millis"), "a timer")
        ])
        assert.strictEqual(first, "a timer")
      }))

    it.effect("QUEUE-26 a queue may be an item of a queue, and works for whoever takes it, also when the sender has closed it", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Letters)
        for (const [from, to] of [[near, far], [far, near]] as const) {
          const [inner, other] = yield* shared(Numbers)
          const given = from === near ? inner : other
          const kept = from === near ? other : inner
          yield* from.put(given)
          yield* given.put(1)
          yield* given.close
          const taken = yield* to.get()
          assert.strictEqual(yield* taken.get(), 1)
          yield* taken.put(2)
          assert.strictEqual(yield* kept.get(), 2)
        }
      }))

    it.effect("an item with a queue inside goes back if its holder closes while it is taken, and other objects do not suffer", () =>
      Effect.gen(function*() {
        const { far } = yield* Sides
        const [near] = yield* shared(Letters)
        const [inner, other] = yield* shared(Numbers)
        for (let i = 0; i < 30; i++) {
          const taker = yield* give(Letters, near, far)
          yield* near.put(inner)
          const get = yield* Effect.forkScoped(Effect.exit(taker.get()), { startImmediately: true })
          for (let turn = i % 10; turn > 0; turn--) yield* Effect.yieldNow
          yield* taker.close
          const exit = yield* Fiber.join(get)
          if (Exit.isFailure(exit)) {
            assert.strictEqual(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof Mp.Closed, true)
            const again = yield* near.get({ timeout: "10 seconds" })
            yield* again.close
          } else {
            yield* exit.value.close
          }
          yield* other.put(i)
          assert.strictEqual(yield* inner.get(), i)
        }
        assert.strictEqual(yield* near.qsize, 0)
      }))

    it.effect("a scope that closes closes the queue of its side", () =>
      Effect.gen(function*() {
        const { far } = yield* Sides
        const [near] = yield* shared(Numbers)
        const scope = yield* Scope.make()
        const given = yield* Scope.provide(give(Numbers, near, far), scope)
        const get = yield* forkWaiting(given.get(), given.qsize)
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(yield* failure(Fiber.join(get)), "Closed")
        assert.strictEqual(yield* failure(given.get()), "Closed")
        yield* near.put(1)
        assert.strictEqual(yield* near.get(), 1)
      }))
  })
}

// ---------------------------------------------------------------------------------------------- simple queues

export const simpleQueueSuite = (name: string, layer: Layer.Layer<Sides>) => {
  suite("SimpleQueue", name, layer, (it) => {
    it.effect("SQ-01 a put is visible to everybody as soon as it has returned", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Lines)
        assert.isTrue(yield* near.empty)
        yield* far.put("one")
        yield* far.put("two")
        assert.isFalse(yield* near.empty)
        assert.strictEqual(yield* near.get(), "one")
        assert.strictEqual(yield* near.get(), "two")
        assert.isTrue(yield* near.empty)
      }))

    it.effect("a get waits for an item, in the order in which the gets came", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Lines)
        const first = yield* forkWaiting(near.get(), near.empty)
        const second = yield* forkWaiting(far.get(), far.empty)
        yield* near.put("one")
        yield* near.put("two")
        assert.deepStrictEqual([yield* join(first), yield* join(second)], ["one", "two"])
      }))

    it.effect("SQ-03 can be closed twice", () =>
      Effect.gen(function*() {
        for (const queue of yield* shared(Lines)) {
          yield* queue.close
          yield* queue.close
        }
      }))

    it.effect("SQ-04 every operation fails with Closed after a close, also one that waits; the other side goes on", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Lines)
        const get = yield* forkWaiting(near.get(), near.empty)
        yield* near.close
        assert.strictEqual(yield* failure(Fiber.join(get)), "Closed")
        assert.strictEqual(yield* failure(near.get()), "Closed")
        assert.strictEqual(yield* failure(near.put("one")), "Closed")
        assert.strictEqual(yield* failure(near.empty), "Closed")
        yield* far.put("one")
        assert.strictEqual(yield* far.get(), "one")
      }))

    it.effect("SQ-05 an item that does not fit fails its put, one that can't be read fails one get, and not the queue", () =>
      Effect.gen(function*() {
        const { far } = yield* Sides
        const [near] = yield* shared(Lines)
        const bytes = yield* Lines[Mp.Inheritable.TypeId].handOver(near)
        const people = yield* Effect.provideService(
          LinesAsPeople[Mp.Inheritable.TypeId].receive(bytes),
          Mp.Hub.Hub,
          far
        )
        assert.strictEqual(yield* failure(near.put(1 as any)), "EncodeError")
        assert.strictEqual(yield* failure(people.put({ name: "Ada", age: 0.5 })), "EncodeError")
        assert.isTrue(yield* near.empty)
        yield* near.put("text")
        yield* people.put({ name: "Ada", age: 36 })
        assert.strictEqual(yield* failure(people.get()), "DecodeError")
        assert.deepStrictEqual(yield* people.get(), { name: "Ada", age: 36 })
      }))

    it.effect("SQ-06 has no bound: a thousand puts do not wait for a get", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Lines)
        for (let i = 0; i < 1000; i++) yield* near.put(String(i))
        for (let i = 0; i < 1000; i++) assert.strictEqual(yield* far.get(), String(i))
      }).pipe(within("10 seconds", "a thousand puts and gets")))

    it.effect("JSON of a queue says what it is, and nothing else", () =>
      Effect.gen(function*() {
        for (const queue of yield* shared(Lines)) {
          assert.deepStrictEqual(JSON.parse(JSON.stringify(queue)), { _id: "SimpleQueue", name: "test/Lines" })
          assert.isTrue(Mp.SimpleQueue.isSimpleQueue(queue))
          assert.isFalse(Mp.Queue.isQueue(queue))
        }
      }))
  })
}

// ---------------------------------------------------------------------------------------------- joinable queues

export const joinableQueueSuite = (name: string, layer: Layer.Layer<Sides>) => {
  suite("JoinableQueue", name, layer, (it) => {
    it.effect("QUEUE-13 join waits for as many taskDone as there were items, whoever calls them", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Jobs)
        for (let i = 0; i < 10; i++) yield* near.put(i)
        const joins = [yield* forkWaiting(near.join(), near.qsize), yield* forkWaiting(far.join(), far.qsize)]
        for (let i = 0; i < 10; i++) {
          const queue = i % 2 === 0 ? near : far
          assert.strictEqual(yield* queue.get(), i)
          for (const join of joins) assert.isTrue(isWaiting(join), `join has returned after ${i} of 10`)
          yield* queue.taskDone
        }
        for (const waiting of joins) yield* join(waiting)
      }))

    it.effect("QUEUE-14 taskDone more often than there were items is an InvalidState", () =>
      Effect.gen(function*() {
        for (const queue of yield* shared(Jobs)) {
          const error = yield* Effect.flip(queue.taskDone)
          assert.instanceOf(error, Mp.InvalidState)
          assert.strictEqual(error.reason, "TaskDoneTooOften")
          yield* queue.put(1)
          yield* queue.get()
          yield* queue.taskDone
          assert.strictEqual(yield* failure(queue.taskDone), "InvalidState")
        }
      }))

    it.effect("QUEUE-14 join returns at once when there is nothing to wait for", () =>
      Effect.gen(function*() {
        for (const queue of yield* shared(Jobs)) {
          yield* queue.join()
          yield* queue.join({ timeout: 0 })
          yield* queue.put(1)
          yield* queue.get()
          yield* queue.taskDone
          yield* queue.join({ timeout: -1 })
        }
      }))

    it.effect("QUEUE-14 items that are put during a join count too", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Jobs)
        yield* near.put(1)
        const waiting = yield* forkWaiting(far.join(), far.qsize)
        yield* near.put(2)
        yield* near.get()
        yield* near.taskDone
        yield* far.qsize
        assert.isTrue(isWaiting(waiting))
        yield* near.get()
        yield* near.taskDone
        yield* join(waiting)
      }))

    it.effect("join with a timeout fails with TimedOut after it, and at once for zero and less; what it waited for goes on", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Jobs)
        yield* near.put(1)
        for (const queue of [near, far]) {
          assert.strictEqual(yield* failure(queue.join({ timeout: 0 })), "TimedOut")
          assert.strictEqual(yield* failure(queue.join({ timeout: "-1 seconds" })), "TimedOut")
          const [took, tag] = yield* timed(failure(queue.join({ timeout: "50 millis" })))
          assert.strictEqual(tag, "TimedOut")
          assert.isAtLeast(took, 50 - early)
        }
        yield* far.get()
        yield* far.taskDone
        yield* near.join({ timeout: "10 seconds" })
      }))

    it.effect("an interrupted join does no harm to the others", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Jobs)
        yield* near.put(1)
        const quitter = yield* forkWaiting(near.join(), near.qsize)
        const other = yield* forkWaiting(near.join(), near.qsize)
        yield* Fiber.interrupt(quitter)
        yield* far.get()
        yield* far.taskDone
        yield* join(other)
      }))

    it.effect("QUEUE-18 fails every operation with Closed after its close, also a join that waits", () =>
      Effect.gen(function*() {
        for (const queue of yield* shared(Jobs)) {
          yield* queue.put(1)
          const waiting = yield* forkWaiting(queue.join(), queue.qsize)
          yield* queue.close
          assert.strictEqual(yield* failure(Fiber.join(waiting)), "Closed")
          for (
            const operation of [queue.join(), queue.join({ timeout: 0 }), queue.taskDone, queue.get(), queue.put(1)]
          ) {
            assert.strictEqual(yield* failure<unknown, never>(operation), "Closed")
          }
        }
      }))

    it.effect("QUEUE-22 shutdown of an empty queue: join returns, put and get fail with ShutDown", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Jobs)
        yield* near.shutdown()
        yield* far.join()
        assert.strictEqual(yield* failure(far.put(1)), "ShutDown")
        assert.strictEqual(yield* failure(far.get()), "ShutDown")
      }))

    it.effect("QUEUE-23 after a shutdown with one item, join waits until that item is done", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Jobs)
        yield* near.put(1)
        const waiting = yield* forkWaiting(far.join(), far.qsize)
        yield* near.shutdown()
        assert.strictEqual(yield* failure(near.put(2)), "ShutDown")
        assert.strictEqual(yield* near.get(), 1)
        assert.strictEqual(yield* failure(near.get()), "ShutDown")
        yield* far.qsize
        assert.isTrue(isWaiting(waiting))
        yield* near.taskDone
        yield* join(waiting)
      }))

    it.effect("QUEUE-24 an immediate shutdown counts what it drops as done", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Jobs)
        for (const n of [1, 2, 3]) yield* near.put(n)
        const waiting = yield* forkWaiting(near.join(), near.qsize)
        yield* far.shutdown({ immediate: true })
        yield* join(waiting)
        assert.strictEqual(yield* near.qsize, 0)
        assert.strictEqual(yield* failure(near.put(4)), "ShutDown")
        assert.strictEqual(yield* failure(near.get()), "ShutDown")
        assert.strictEqual(yield* failure(near.taskDone), "InvalidState")
      }))

    it.effect("QUEUE-24 also where taskDone was called for an item that nobody had taken", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Jobs)
        yield* near.put(1)
        yield* far.taskDone
        yield* near.shutdown({ immediate: true })
        yield* far.join().pipe(within("5 seconds", "the end of join"))
        assert.strictEqual(yield* failure(far.taskDone), "InvalidState")
      }))

    it.effect("QUEUE-25 after an immediate shutdown join still waits for an item that was taken before", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Jobs)
        yield* near.put(1)
        yield* near.put(2)
        assert.strictEqual(yield* far.get(), 1)
        const waiting = yield* forkWaiting(near.join(), near.qsize)
        yield* near.shutdown({ immediate: true })
        yield* near.qsize
        assert.isTrue(isWaiting(waiting))
        yield* far.taskDone
        yield* join(waiting)
        assert.strictEqual(yield* failure(far.taskDone), "InvalidState")
      }))

    it.effect("QUEUE-25 but not for one that comes back because its consumer is gone: it is dropped too", () =>
      Effect.gen(function*() {
        const { far } = yield* Sides
        const [near] = yield* shared(Jobs)
        const mortal = yield* give(Jobs, near, far)
        for (const n of [1, 2, 3]) yield* near.put(n)
        assert.strictEqual(yield* mortal.get(), 1)
        yield* near.shutdown({ immediate: true })
        const waiting = yield* forkWaiting(near.join(), near.qsize)
        assert.isTrue(isWaiting(waiting))
        yield* mortal.close
        yield* join(waiting, "join returns without the dead")
        assert.strictEqual(yield* near.qsize, 0)
        assert.strictEqual(yield* failure(near.get()), "ShutDown")
      }))

    it.effect("what a consumer took and did not finish before it closed is delivered again, in its place", () =>
      Effect.gen(function*() {
        const { far } = yield* Sides
        const [near] = yield* shared(Jobs)
        const mortal = yield* give(Jobs, near, far)
        for (const n of [1, 2, 3, 4]) yield* near.put(n)
        for (const n of [1, 2, 3]) assert.strictEqual(yield* mortal.get(), n)
        yield* mortal.taskDone
        yield* mortal.close
        yield* eventually("the items are back", Effect.map(near.qsize, (size) => size === 3))
        const waiting = yield* forkWaiting(near.join(), near.qsize)
        for (const n of [2, 3, 4]) {
          assert.strictEqual(yield* near.get(), n)
          assert.isTrue(isWaiting(waiting))
          yield* near.taskDone
        }
        yield* join(waiting)
      }))

    it.effect("or counts as done, with onConsumerDeath: \"done\"", () =>
      Effect.gen(function*() {
        const { far } = yield* Sides
        const [near] = yield* shared(JobsOnce)
        const mortal = yield* give(JobsOnce, near, far)
        for (const n of [1, 2, 3]) yield* near.put(n)
        for (const n of [1, 2]) assert.strictEqual(yield* mortal.get(), n)
        yield* mortal.close
        const waiting = yield* forkWaiting(near.join(), near.qsize)
        assert.strictEqual(yield* near.get(), 3)
        yield* near.taskDone
        yield* join(waiting)
        assert.strictEqual(yield* failure(near.taskDone), "InvalidState")
      }))

    it.effect("what it was given while its get was interrupted is not unfinished work of that consumer", () =>
      Effect.gen(function*() {
        const [near, far] = yield* shared(Jobs)
        for (let i = 0; i < 50; i++) {
          const get = yield* Effect.forkScoped(near.get(), { startImmediately: true })
          yield* far.put(i)
          yield* Fiber.interrupt(get)
          const got = Exit.isSuccess(yield* Fiber.await(get))
          if (!got) assert.strictEqual(yield* far.get(), i)
          yield* (got ? near : far).taskDone
        }
        yield* near.join()
        assert.strictEqual(yield* failure(near.taskDone), "InvalidState")
      }))

    it.effect("JSON of a queue says what it is, and nothing else", () =>
      Effect.gen(function*() {
        for (const queue of yield* shared(Jobs)) {
          assert.deepStrictEqual(JSON.parse(JSON.stringify(queue)), { _id: "JoinableQueue", name: "test/Jobs" })
          assert.isTrue(Mp.JoinableQueue.isJoinableQueue(queue))
          assert.isFalse(Mp.Queue.isQueue(queue))
        }
      }))
  })
}

// ---------------------------------------------------------------------------------------------- pipes

export const pipeSuite = (name: string, layer: Layer.Layer<Sides>) => {
  suite("Pipe", name, layer, (it) => {
    it.effect("CONN-01 gives messages of both directions as they were sent, each by its schema", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(Link)
        assert.isUndefined(yield* left.send({ name: "Ada", age: 36 }))
        assert.isUndefined(yield* left.sendBytes(bytesOf("raw")))
        assert.deepStrictEqual(yield* right.recv(), { name: "Ada", age: 36 })
        assert.strictEqual(textOf(yield* right.recvBytes()), "raw")
        for (const n of [0, -0.5, Infinity, 1e300]) {
          yield* right.send(n)
          assert.strictEqual(yield* left.recv(), n)
        }
      }))

    it.effect("CONN-01 the fileno is an integer that no other open connection of the process has, and is used again after a close", () =>
      Effect.gen(function*() {
        const [a] = yield* sharedPipe(TwoWay)
        const [b] = yield* sharedPipe(TwoWay)
        const numbers = [yield* a.fileno, yield* b.fileno]
        for (const number of numbers) {
          assert.isTrue(Number.isInteger(number))
          assert.isAtLeast(number, 3)
        }
        assert.strictEqual(new Set(numbers).size, 2)
        yield* a.close
        assert.strictEqual(yield* failure(a.fileno), "Closed")
        const [c] = yield* sharedPipe(TwoWay)
        assert.notStrictEqual(yield* c.fileno, yield* b.fileno)
      }))

    it.effect("CONN-02 bytes arrive as they were sent, of any length", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(TwoWay)
        const reading = yield* Effect.forkScoped(Effect.gen(function*() {
          for (;;) yield* right.sendBytes(yield* right.recvBytes())
        }))
        for (const length of [0, 1, 11, 255, 65536, 1024 * 1024 + 1, 16 * 1024 * 1024]) {
          const bytes = new Uint8Array(length).map((_, i) => i * 31)
          yield* left.sendBytes(bytes)
          const echoed = yield* left.recvBytes()
          assert.strictEqual(Buffer.compare(echoed, bytes), 0, `${length} bytes`)
        }
        yield* Fiber.interrupt(reading)
      }))

    it.effect("CONN-02 bytes are a plain Uint8Array on every side, whatever they were sent from", () =>
      Effect.gen(function*() {
        const ends = yield* sharedPipe(Tight)
        const isPlain = (bytes: Uint8Array) => {
          assert.deepStrictEqual(Array.from(bytes), [1, 2, 3])
          assert.strictEqual(bytes.constructor, Uint8Array)
        }
        for (const [from, to] of [ends, [ends[1], ends[0]] as const]) {
          for (const bytes of [Uint8Array.of(1, 2, 3), Buffer.from([1, 2, 3])]) {
            yield* from.sendBytes(bytes)
            isPlain(yield* to.recvBytes())
            yield* from.send(bytes)
            isPlain(yield* to.recv())
            yield* from.sendBytes(bytes)
            const error = yield* Effect.flip(to.recvBytes({ maxLength: 2 }))
            if (error._tag !== "BufferTooShort") assert.fail(error._tag)
            isPlain(error.bytes)
          }
        }
      }))

    it.effect("CONN-03 recvBytesInto writes a message into any buffer from an offset in bytes, gives its length, and touches nothing else", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(TwoWay)
        const message = new Uint8Array(new Int32Array([1, 2, 3, 4]).buffer)
        const first = new Int32Array(10).fill(-1)
        yield* left.sendBytes(message)
        assert.strictEqual(yield* right.recvBytesInto(first), 16)
        assert.deepStrictEqual(Array.from(first), [1, 2, 3, 4, -1, -1, -1, -1, -1, -1])
        const second = new Int32Array(10).fill(-1)
        yield* left.sendBytes(message)
        assert.strictEqual(yield* right.recvBytesInto(second, 3 * 4), 16)
        assert.deepStrictEqual(Array.from(second), [-1, -1, -1, 1, 2, 3, 4, -1, -1, -1])
        // A view in the middle of a larger buffer.
        const whole = new Uint8Array(30).fill(7)
        yield* left.sendBytes(message)
        assert.strictEqual(yield* right.recvBytesInto(new DataView(whole.buffer, 10, 18), 2), 16)
        assert.deepStrictEqual(Array.from(whole.subarray(0, 12)), new Array(12).fill(7))
        assert.deepStrictEqual(Array.from(whole.subarray(12, 28)), Array.from(message))
        assert.deepStrictEqual(Array.from(whole.subarray(28)), [7, 7])
      }))

    it.effect("CONN-04 a message that does not fit into the buffer fails with BufferTooShort, which has all of it; the pipe goes on", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(TwoWay)
        const long = new Uint8Array(110).map((_, i) => i)
        const buffer = new Uint8Array(40).fill(9)
        for (
          const [receive, room] of [
            [right.recvBytesInto(buffer), 40],
            [right.recvBytesInto(buffer, 10), 30],
            [right.recvBytes({ maxLength: 109 }), 109],
            [right.recvBytes({ maxLength: 0 }), 0]
          ] as const
        ) {
          yield* left.sendBytes(long)
          yield* left.sendBytes(bytesOf("next"))
          const error = yield* Effect.flip(receive as Effect.Effect<unknown, { readonly _tag: string }>)
          assert.instanceOf(error, Mp.BufferTooShort)
          assert.strictEqual(Buffer.compare(error.bytes, long), 0)
          assert.strictEqual(error.room, room)
          assert.strictEqual(textOf(yield* right.recvBytes({ maxLength: 4 })), "next")
        }
        assert.deepStrictEqual(Array.from(buffer), new Array(40).fill(9), "the buffer is left alone")
      }))

    it.effect("CONN-05 poll gives false at once on an empty pipe, with a timeout after it, and true without taking anything", () =>
      Effect.gen(function*() {
        for (const [end, other] of [yield* sharedPipe(TwoWay), [...(yield* sharedPipe(TwoWay))].reverse()]) {
          assert.isFalse(yield* end!.poll())
          assert.isFalse(yield* end!.poll({ timeout: 0 }))
          assert.isFalse(yield* end!.poll({ timeout: -1000 }))
          const [took, ready] = yield* timed(end!.poll({ timeout: "100 millis" }))
          assert.isFalse(ready)
          assert.isAtLeast(took, 100 - early)
          yield* other!.send("hello")
          assert.isTrue(yield* end!.poll({ timeout: "10 seconds" }))
          for (let i = 0; i < 3; i++) assert.isTrue(yield* end!.poll())
          assert.strictEqual(yield* end!.recv(), "hello")
          assert.isFalse(yield* end!.poll())
        }
      }))

    it.effect("CONN-06 poll with an infinite timeout waits without limit, by default it does not wait", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(TwoWay)
        const poll = yield* forkWaiting(right.poll({ timeout: Duration.infinity }), right.poll())
        const number = yield* forkWaiting(right.poll({ timeout: Infinity }), right.poll())
        assert.isFalse(yield* right.poll({ timeout: "50 millis" }))
        assert.isTrue(isWaiting(poll))
        yield* left.send("hello")
        assert.isTrue(yield* join(poll))
        assert.isTrue(yield* join(number))
      }))

    it.effect("CONN-07 when the other end is closed, what it had sent is received, then recv fails with EndOfFile, again and again", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(TwoWay)
        yield* left.send("one")
        yield* left.sendBytes(bytesOf("two"))
        yield* left.close
        assert.strictEqual(yield* right.recv(), "one")
        assert.strictEqual(textOf(yield* right.recvBytes()), "two")
        for (let i = 0; i < 2; i++) {
          assert.strictEqual(yield* failure(right.recv()), "EndOfFile")
          assert.strictEqual(yield* failure(right.recv({ timeout: 0 })), "EndOfFile")
          assert.strictEqual(yield* failure(right.recvBytes()), "EndOfFile")
          assert.strictEqual(yield* failure(right.recvBytesInto(new Uint8Array(10))), "EndOfFile")
        }
      }))

    it.effect("CONN-07 a recv that waits learns that the other end is closed", () =>
      Effect.gen(function*() {
        for (const pick of [0, 1] as const) {
          const ends = yield* sharedPipe(TwoWay)
          const [waiting, closing] = [ends[pick], ends[pick === 0 ? 1 : 0]]
          const recv = yield* forkWaiting(waiting.recv(), waiting.poll())
          const patient = yield* forkWaiting(waiting.recv({ timeout: "1 minute" }), waiting.poll())
          const poll = yield* forkWaiting(waiting.poll({ timeout: "1 minute" }), waiting.poll())
          yield* closing.close
          assert.strictEqual(yield* failure(Fiber.join(recv)), "EndOfFile")
          assert.strictEqual(yield* failure(Fiber.join(patient)), "EndOfFile")
          assert.isTrue(yield* join(poll))
        }
      }))

    it.effect("a send to a pipe whose other end is closed fails with BrokenPipe, also one that waits", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(Tight)
        yield* left.send(new Uint8Array(60))
        const send = yield* forkWaiting(left.send(new Uint8Array(60)), left.poll())
        assert.isTrue(isWaiting(send))
        yield* right.close
        assert.strictEqual(yield* failure(Fiber.join(send)), "BrokenPipe")
        assert.strictEqual(yield* failure(left.send(new Uint8Array(1))), "BrokenPipe")
        assert.strictEqual(yield* failure(left.sendBytes(new Uint8Array(1))), "BrokenPipe")
      }))

    it.effect("CONN-09 poll gives true at the end of file, and recv tells it", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(TwoWay)
        yield* left.close
        for (let i = 0; i < 2; i++) {
          assert.isTrue(yield* right.poll({ timeout: "10 seconds" }))
          assert.isTrue(yield* right.poll())
          assert.strictEqual(yield* failure(right.recv()), "EndOfFile")
        }
      }))

    it.effect("CONN-11 of a one-way pipe the left end receives and the right end sends; else it is a defect that says so", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(OneWay)
        yield* right.send("one")
        assert.isTrue(yield* left.poll({ timeout: "10 seconds" }))
        assert.strictEqual(yield* left.recv(), "one")
        // The types do not have these.
        const receiver = left as unknown as Mp.Connection.Connection<string, string>
        const sender = right as unknown as Mp.Connection.Connection<string, string>
        const operations: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
          receiver.send("two"),
          receiver.sendBytes(bytesOf("two")),
          sender.recv(),
          sender.recvBytes(),
          sender.recvBytesInto(new Uint8Array(1)),
          sender.poll()
        ]
        for (const operation of operations) {
          const exit = yield* Effect.exit(operation)
          const defect = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
          assert.instanceOf(defect, Mp.Unsupported)
        }
        yield* right.close
        assert.strictEqual(yield* failure(left.recv()), "EndOfFile")
      }))

    it.effect("CONN-13 sendBytes sends a part: from an offset, of a size; what is out of range is an InvalidArgument, and nothing is sent", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(TwoWay)
        const message = bytesOf("abcdefghijklmnopqrstuvwxyz")
        for (
          const [range, expected] of [
            [{ offset: 5 }, "fghijklmnopqrstuvwxyz"],
            [{ offset: 7, size: 8 }, "hijklmno"],
            [{ size: 3 }, "abc"],
            [{ offset: 26 }, ""],
            [{ offset: 26, size: 0 }, ""],
            [{ offset: undefined, size: undefined }, "abcdefghijklmnopqrstuvwxyz"]
          ] as const
        ) {
          yield* left.sendBytes(message, range)
          assert.strictEqual(textOf(yield* right.recvBytes()), expected)
        }
        for (
          const range of [
            { offset: 27 },
            { offset: 22, size: 5 },
            { offset: 26, size: 1 },
            { offset: -1 },
            { size: -1 },
            { offset: 0.5 },
            { size: NaN },
            { size: Infinity }
          ]
        ) {
          const error = yield* Effect.flip(left.sendBytes(message, range))
          assert.instanceOf(error, Mp.InvalidArgument)
          assert.strictEqual(error.operation, "sendBytes")
        }
        assert.isFalse(yield* right.poll({ timeout: "20 millis" }))
      }))

    it.effect("sendBytes sends what the bytes are now, of a view or a Buffer too", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(TwoWay)
        for (const length of [10, 100_000]) {
          for (const [from, to] of [[left, right], [right, left]] as const) {
            const whole = Buffer.alloc(length + 20, "a")
            yield* from.sendBytes(whole.subarray(10, length + 10))
            whole.fill("b")
            const received = yield* to.recvBytes()
            assert.strictEqual(received.length, length)
            assert.isTrue(received.every((byte) => byte === 97))
          }
        }
      }))

    it.effect("CONN-14 an end is closed after its scope, and says so", () =>
      Effect.gen(function*() {
        const [left, right] = yield* Effect.scoped(Effect.gen(function*() {
          const ends = yield* sharedPipe(TwoWay)
          for (const end of ends) assert.isFalse(yield* end.closed)
          return ends
        }))
        for (const end of [left, right]) {
          assert.isTrue(yield* end.closed)
          assert.strictEqual(yield* failure(end.recv()), "Closed")
        }
      }))

    it.effect("CONN-15 every operation on a closed end fails with Closed; a second close does nothing", () =>
      Effect.gen(function*() {
        for (const end of yield* sharedPipe(TwoWay)) {
          yield* end.close
          yield* end.close
          assert.isTrue(yield* end.closed)
          const operations: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> = [
            end.send("x"),
            end.sendBytes(bytesOf("x")),
            end.recv(),
            end.recv({ timeout: "1 second" }),
            end.recvBytes(),
            end.recvBytes({ maxLength: 1 }),
            end.recvBytesInto(new Uint8Array(1)),
            end.poll(),
            end.poll({ timeout: "1 second" }),
            end.fileno,
            Stream.runCollect(end.stream)
          ]
          for (const operation of operations) assert.strictEqual(yield* failure(operation), "Closed")
        }
      }))

    it.effect("CONN-15 operations that wait when their end is closed fail with Closed", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(Tight)
        yield* left.send(new Uint8Array(60))
        const waiting: ReadonlyArray<Fiber.Fiber<unknown, { readonly _tag: string }>> = [
          yield* forkWaiting(left.send(new Uint8Array(60)), left.poll()),
          yield* forkWaiting(left.recv(), left.poll()),
          yield* forkWaiting(left.recv({ timeout: "1 minute" }), left.poll()),
          yield* forkWaiting(left.recvBytes(), left.poll()),
          yield* forkWaiting(left.poll({ timeout: "1 minute" }), left.poll())
        ]
        yield* left.close
        for (const fiber of waiting) assert.strictEqual(yield* failure(Fiber.join(fiber)), "Closed")
        assert.strictEqual((yield* right.recv()).length, 60)
      }))

    it.effect("CONN-17 recvBytesInto fails with InvalidArgument for an offset that is negative, or beyond the buffer; nothing is taken", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(TwoWay)
        yield* left.sendBytes(bytesOf(""))
        for (const offset of [-1, 11, 0.5, NaN]) {
          const error = yield* Effect.flip(right.recvBytesInto(new Uint8Array(10), offset))
          assert.instanceOf(error, Mp.InvalidArgument)
          assert.strictEqual(error.operation, "recvBytesInto")
        }
        for (const maxLength of [-1, 0.5, NaN]) {
          assert.strictEqual(yield* failure(right.recvBytes({ maxLength })), "InvalidArgument")
        }
        assert.strictEqual(yield* right.recvBytesInto(new Uint8Array(10), 10), 0)
      }))

    it.effect("CONN-18 messages around every size at which the framing changes arrive whole", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(TwoWay)
        const sizes = [14, 16, 64].flatMap((kib) => [-11, -10, -5, -4, -1, 0, 1].map((more) => kib * 1024 + more))
        const sending = yield* Effect.forkScoped(
          Effect.forEach(sizes, (size) => left.sendBytes(new Uint8Array(size).fill(size)), { discard: true })
        )
        for (const size of sizes) {
          const received = yield* right.recvBytes()
          assert.strictEqual(received.length, size)
          assert.isTrue(received.every((byte) => byte === size % 256))
        }
        yield* join(sending)
      }))

    it.effect("CONN-18 a message of more than 1 GiB fails with InvalidArgument, nothing is sent, and the pipe stays usable", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(TwoWay)
        // Memory that nobody touches is not there.
        const huge = new Uint8Array(2 ** 32 + 10)
        for (const size of [2 ** 30 + 1, 2 ** 31 + 1, 2 ** 32 + 1]) {
          assert.strictEqual(yield* failure(left.sendBytes(huge, { size })), "InvalidArgument")
          assert.strictEqual(yield* failure(right.sendBytes(huge, { offset: 9, size })), "InvalidArgument")
        }
        yield* left.sendBytes(huge, { offset: 2 ** 32, size: 3 })
        assert.strictEqual((yield* right.recvBytes()).length, 3)
      }))

    it.effect("CONN-25 messages that are sent back to back do not merge, and poll between them takes nothing", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(TwoWay)
        for (const text of ["a", "b", "cd"]) yield* left.sendBytes(bytesOf(text))
        for (const text of ["a", "b", "cd"]) {
          for (let i = 0; i < 3; i++) assert.isTrue(yield* right.poll({ timeout: "10 seconds" }))
          assert.strictEqual(textOf(yield* right.recvBytes()), text)
        }
        assert.isFalse(yield* right.poll())
      }))

    it.effect("CONN-26 messages of many fibers and of several holders of one end never mix, and each goes to one receiver", () =>
      Effect.gen(function*() {
        const { far, near } = yield* Sides
        const [left, right] = yield* sharedPipe(TwoWay)
        const senders = [left, left, yield* give(TwoWay.left, left, far)]
        const receivers = [right, right, yield* give(TwoWay.right, right, near)]
        const message = (sender: number, i: number) => `${sender}:${i}:`.padEnd(1 + (i * 7919) % 30_000, String(sender))
        const sending = yield* Effect.forkScoped(
          Effect.forEach(senders, (end, sender) =>
            Effect.forEach(
              Array.from({ length: 60 }, (_, i) => message(sender, i)),
              (text) => end.send(text),
              {
                discard: true
              }
            ), { concurrency: "unbounded", discard: true })
        )
        const received = (yield* Effect.forEach(
          receivers,
          (end) => Effect.replicateEffect(end.recv(), 60),
          { concurrency: "unbounded" }
        ).pipe(within("20 seconds", "180 messages"))).map((texts) => texts)
        yield* join(sending)
        const all = [0, 1, 2].flatMap((sender) => Array.from({ length: 60 }, (_, i) => message(sender, i)))
        assert.deepStrictEqual(received.flat().sort(), all.sort())
      }))

    it.effect("an end counts as open as long as anybody holds it", () =>
      Effect.gen(function*() {
        const { far, near } = yield* Sides
        const [left, right] = yield* sharedPipe(TwoWay)
        const second = yield* give(TwoWay.left, left, far)
        const third = yield* give(TwoWay.left, left, near)
        yield* left.close
        yield* second.send("still here")
        yield* second.close
        yield* third.send("me too")
        const recv = yield* forkWaiting(Effect.replicateEffect(right.recv(), 3), right.poll())
        yield* third.close
        assert.strictEqual(yield* failure(Fiber.join(recv)), "EndOfFile")
      }))

    it.effect("a message in the pipe is not lost when the reader that could have had it goes", () =>
      Effect.gen(function*() {
        const { near } = yield* Sides
        const [left, right] = yield* sharedPipe(TwoWay)
        const second = yield* give(TwoWay.right, right, near)
        const recv = yield* forkWaiting(right.recv(), right.poll())
        yield* right.close
        yield* left.send("one")
        assert.strictEqual(yield* second.recv(), "one")
        assert.strictEqual(yield* failure(Fiber.join(recv)), "Closed")
      }))

    it.effect("a send waits while the pipe is full, by bytes, and a large message gets through an empty pipe", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(Tight)
        yield* left.sendBytes(new Uint8Array(1000).fill(1))
        const sends = []
        for (const n of [2, 3]) sends.push(yield* forkWaiting(left.sendBytes(new Uint8Array(60).fill(n)), left.poll()))
        assert.deepStrictEqual(sends.map(isWaiting), [true, true])
        assert.strictEqual((yield* right.recvBytes())[0], 1)
        yield* join(sends[0]!)
        assert.isTrue(isWaiting(sends[1]!))
        assert.strictEqual((yield* right.recvBytes())[0], 2)
        yield* join(sends[1]!)
        assert.strictEqual((yield* right.recvBytes())[0], 3)
      }))

    it.effect("each direction has its own room", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(Tight)
        yield* left.sendBytes(new Uint8Array(100))
        yield* right.sendBytes(new Uint8Array(100))
        assert.strictEqual((yield* right.recvBytes()).length, 100)
        assert.strictEqual((yield* left.recvBytes()).length, 100)
      }))

    it.effect("recv with a timeout fails with TimedOut after it, for zero and less at once, and takes nothing", () =>
      Effect.gen(function*() {
        for (const [end, other] of [yield* sharedPipe(TwoWay), [...(yield* sharedPipe(TwoWay))].reverse()]) {
          assert.strictEqual(yield* failure(end!.recv({ timeout: 0 })), "TimedOut")
          assert.strictEqual(yield* failure(end!.recv({ timeout: "-1 seconds" })), "TimedOut")
          const [took, tag] = yield* timed(failure(end!.recv({ timeout: "50 millis" })))
          assert.strictEqual(tag, "TimedOut")
          assert.isAtLeast(took, 50 - early)
          yield* other!.send("late")
          assert.strictEqual(yield* end!.recv({ timeout: "10 seconds" }), "late")
        }
      }))

    it.effect("a message that does not fit the schema is not sent, and the pipe stays usable", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(Link)
        assert.strictEqual(yield* failure(left.send({ name: "Ada", age: 0.5 })), "EncodeError")
        assert.strictEqual(yield* failure(left.send(undefined as any)), "EncodeError")
        const error = yield* Effect.flip(right.send("text" as any))
        assert.instanceOf(error, Mp.EncodeError)
        assert.strictEqual(error.operation, "send")
        assert.isFalse(yield* right.poll())
        yield* left.send({ name: "Ada", age: 36 })
        assert.deepStrictEqual(yield* right.recv(), { name: "Ada", age: 36 })
      }))

    it.effect("bytes that do not fit the schema fail one recv with DecodeError, and the pipe stays usable", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(Link)
        for (const bytes of [[], [255], [1, 2, 3], new Array(1000).fill(255)]) {
          yield* left.sendBytes(new Uint8Array(bytes))
          const error = yield* Effect.flip(right.recv())
          assert.instanceOf(error, Mp.DecodeError)
          assert.strictEqual(error.operation, "recv")
          assert.notInclude(error.message, "\n")
        }
        yield* left.send({ name: "Ada", age: 36 })
        assert.deepStrictEqual(yield* right.recv(), { name: "Ada", age: 36 })
      }))

    it.effect("the stream of an end gives its messages until the other end is gone", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(TwoWay)
        const collecting = yield* Effect.forkScoped(Stream.runCollect(right.stream))
        for (const text of ["a", "", "c"]) yield* left.send(text)
        yield* left.close
        assert.deepStrictEqual(Array.from(yield* join(collecting)), ["a", "", "c"])
      }))

    it.effect("its failures name the end and say what to do, in one line", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(TwoWay)
        const errors: Array<Error> = [yield* Effect.flip(left.recv({ timeout: 0 }))]
        yield* right.close
        errors.push(yield* Effect.flip(left.recv()), yield* Effect.flip(left.send("x")))
        yield* left.close
        errors.push(yield* Effect.flip(left.recv()))
        assert.deepStrictEqual(errors.map((error) => error.name), ["TimedOut", "EndOfFile", "BrokenPipe", "Closed"])
        for (const error of errors) {
          assert.include(error.message, "test/TwoWay.left")
          assert.notInclude(error.message, "\n")
        }
      }))

    it.effect("JSON of an end says what it is, and nothing else", () =>
      Effect.gen(function*() {
        const [left, right] = yield* sharedPipe(TwoWay)
        yield* right.close
        const json = [left, right].map((end) => JSON.parse(JSON.stringify(end)))
        assert.deepStrictEqual(json, [
          { _id: "Connection", name: "test/TwoWay.left", closed: false },
          { _id: "Connection", name: "test/TwoWay.right", closed: true }
        ])
        for (const end of [left, right]) assert.isTrue(Mp.Connection.isConnection(end))
      }))
  })
}

// ---------------------------------------------------------------------------------------------- wait

export const waitSuite = (name: string, layer: Layer.Layer<Sides>) => {
  suite("wait", name, layer, (it) => {
    it.effect("WAIT-03 gives nothing when its timeout passes, and exactly the ready one at once when there is one", () =>
      Effect.gen(function*() {
        const [a, sender] = yield* sharedPipe(TwoWay)
        const [b] = yield* sharedPipe(OneWay)
        const [took, none] = yield* timed(Mp.wait([a, b], { timeout: "300 millis" }))
        assert.deepStrictEqual(none, [])
        assert.isAtLeast(took, 300 - early)
        yield* sender.send("hello")
        assert.deepStrictEqual(yield* Mp.wait([b, a], { timeout: "20 seconds" }), [a])
        assert.strictEqual(yield* a.recv(), "hello", "it was not taken")
        assert.deepStrictEqual(yield* Mp.wait([a, b], { timeout: 0 }), [])
      }))

    it.effect("WAIT-03 also wakes up when something becomes ready while it waits", () =>
      Effect.gen(function*() {
        const [a, sender] = yield* sharedPipe(TwoWay)
        const [b] = yield* sharedPipe(OneWay)
        const waiting = yield* forkWaiting(Mp.wait([a, b]), a.poll(), b.poll())
        assert.isTrue(isWaiting(waiting))
        yield* sender.send("hello")
        assert.deepStrictEqual(yield* join(waiting), [a])
      }))

    it.effect("WAIT-04 gives all that are ready, in the order given, connections and effects, and takes nothing", () =>
      Effect.gen(function*() {
        const [a, toA] = yield* sharedPipe(TwoWay)
        const [b, toB] = yield* sharedPipe(TwoWay)
        const [c] = yield* sharedPipe(TwoWay)
        const happened = yield* Deferred.make<void>()
        const sentinel = Deferred.await(happened)
        const waiting = yield* forkWaiting(Mp.wait([sentinel, a, b, c]), a.poll(), b.poll(), c.poll())
        yield* Deferred.succeed(happened, undefined)
        assert.deepStrictEqual(yield* join(waiting), [sentinel])
        yield* toB.send("b")
        yield* b.poll({ timeout: "10 seconds" })
        assert.deepStrictEqual(yield* Mp.wait([c, b, sentinel, a]), [b, sentinel])
        yield* toA.send("a")
        yield* a.poll({ timeout: "10 seconds" })
        for (let i = 0; i < 3; i++) {
          assert.deepStrictEqual(yield* Mp.wait([sentinel, a, b, c], { timeout: "4 seconds" }), [sentinel, a, b])
        }
        assert.deepStrictEqual([yield* a.recv(), yield* b.recv()], ["a", "b"])
        assert.deepStrictEqual(yield* Mp.wait([sentinel, a, b, c], { timeout: 0 }), [sentinel])
      }))

    it.effect("WAIT-05 a negative timeout is zero: it only looks", () =>
      Effect.gen(function*() {
        const [a, sender] = yield* sharedPipe(TwoWay)
        assert.deepStrictEqual(yield* Mp.wait([a], { timeout: -1 }), [])
        assert.deepStrictEqual(yield* Mp.wait([a], { timeout: "-20 seconds" }), [])
        yield* sender.send("hello")
        yield* a.poll({ timeout: "10 seconds" })
        assert.deepStrictEqual(yield* Mp.wait([a], { timeout: -1 }), [a])
      }).pipe(within("15 seconds", "a look")))

    it.effect("WAIT-07 of an empty list nothing is ever ready: it waits for ever, or for its timeout", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* Mp.wait([], { timeout: 0 }), [])
        const [took, none] = yield* timed(Mp.wait([], { timeout: "50 millis" }))
        assert.deepStrictEqual(none, [])
        assert.isAtLeast(took, 50 - early)
        const waiting = yield* Effect.forkScoped(Mp.wait([]), { startImmediately: true })
        yield* Effect.sleep("50 millis")
        assert.isTrue(isWaiting(waiting))
        yield* Fiber.interrupt(waiting)
      }))

    it.effect("an end is ready at its end of file, and when it is closed", () =>
      Effect.gen(function*() {
        const [a, toA] = yield* sharedPipe(TwoWay)
        const [b] = yield* sharedPipe(TwoWay)
        const [c] = yield* sharedPipe(TwoWay)
        const waiting = yield* forkWaiting(Mp.wait([c, a]), a.poll(), c.poll())
        yield* toA.close
        assert.deepStrictEqual(yield* join(waiting), [a])
        yield* b.close
        assert.deepStrictEqual(yield* Mp.wait([b, c], { timeout: "10 seconds" }), [b])
      }))

    it.effect("leaves no waiting reader behind: the message that comes later is for whoever receives it", () =>
      Effect.gen(function*() {
        const [a, sender] = yield* sharedPipe(TwoWay)
        for (let i = 0; i < 20; i++) {
          const waiting = yield* Effect.forkScoped(Mp.wait([a, a]), { startImmediately: true })
          yield* Fiber.interrupt(waiting)
        }
        yield* Mp.wait([a], { timeout: 1 })
        yield* sender.send("hello")
        assert.strictEqual(yield* a.recv(), "hello")
        assert.isFalse(yield* a.poll())
      }))

    it.effect("an effect that fails is ready, one that does not end is interrupted with the wait", () =>
      Effect.gen(function*() {
        const failing = Effect.fail("no")
        let interrupted = false
        const never = Effect.onInterrupt(Effect.never, () =>
          Effect.sync(() => {
            interrupted = true
          }))
        assert.deepStrictEqual(yield* Mp.wait([never, failing]), [failing])
        assert.isTrue(interrupted)
      }))
  })
}

/** All of them. */
export const objectSuite = (name: string, layer: Layer.Layer<Sides>) => {
  queueSuite(name, layer)
  simpleQueueSuite(name, layer)
  joinableQueueSuite(name, layer)
  pipeSuite(name, layer)
  waitSuite(name, layer)
}
