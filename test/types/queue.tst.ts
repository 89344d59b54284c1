import { Context, Effect, type Layer, Schema, type Scope, type Stream } from "effect"
import * as Mp from "effect-multiprocessing"
import { describe, expect, test } from "tstyche"

class Jobs extends Mp.Queue.Service<Jobs>()("types/Jobs", { item: Schema.Number, maxsize: 10 }) {}
class Work extends Mp.JoinableQueue.Service<Work>()("types/Work", { item: Schema.Number, onConsumerDeath: "done" }) {}
class Lines extends Mp.SimpleQueue.Service<Lines>()("types/Lines", { item: Schema.String }) {}

declare const queue: Mp.Queue.Queue<number>
declare const joinable: Mp.JoinableQueue.JoinableQueue<number>
declare const simple: Mp.SimpleQueue.SimpleQueue<number>

type Gone = Mp.Closed | Mp.HubLost

describe("Queue", () => {
  test("get() can't be Empty; with a timeout it can", () => {
    expect(queue.get()).type.toBe<Effect.Effect<number, Mp.ShutDown | Mp.DecodeError | Gone>>()
    expect(queue.get({ timeout: "1 second" })).type.toBe<
      Effect.Effect<number, Mp.Empty | Mp.ShutDown | Mp.DecodeError | Gone>
    >()
    expect(queue.getNowait).type.toBe<Effect.Effect<number, Mp.Empty | Mp.ShutDown | Mp.DecodeError | Gone>>()
  })

  test("put() can't be Full; with a timeout it can", () => {
    expect(queue.put(1)).type.toBe<Effect.Effect<void, Mp.EncodeError | Mp.ShutDown | Gone>>()
    expect(queue.put(1, { timeout: 5 })).type.toBe<Effect.Effect<void, Mp.Full | Mp.EncodeError | Mp.ShutDown | Gone>>()
    expect(queue.putNowait(1)).type.toBe<Effect.Effect<void, Mp.Full | Mp.EncodeError | Mp.ShutDown | Gone>>()
  })

  test("counts and shutdown can only fail because the queue is not there", () => {
    expect(queue.qsize).type.toBe<Effect.Effect<number, Gone>>()
    expect(queue.empty).type.toBe<Effect.Effect<boolean, Gone>>()
    expect(queue.full).type.toBe<Effect.Effect<boolean, Gone>>()
    expect(queue.shutdown()).type.toBe<Effect.Effect<void, Gone>>()
    expect(queue.close).type.toBe<Effect.Effect<void>>()
    expect(queue.joinThread).type.toBe<Effect.Effect<void, Mp.InvalidState>>()
  })

  test("its stream ends with a shutdown, and does not fail with it", () => {
    expect(queue.stream).type.toBe<Stream.Stream<number, Mp.DecodeError | Gone>>()
  })

  test("an item of another type does not compile", () => {
    expect(queue.put).type.toBeCallableWith(1)
    expect(queue.put).type.not.toBeCallableWith("1")
    expect(queue.put).type.not.toBeCallableWith()
    expect(queue.putNowait).type.not.toBeCallableWith(null)
  })

  test("a timeout is a duration", () => {
    expect(queue.get).type.toBeCallableWith({ timeout: "2 seconds" })
    expect(queue.get).type.toBeCallableWith({ timeout: undefined })
    expect(queue.get).type.toBeCallableWith({})
    expect(queue.get).type.not.toBeCallableWith({ timeout: "soon" })
    expect(queue.get).type.not.toBeCallableWith({ timout: 5 })
  })

  test("one side of it can be given away alone, and of a wider or narrower item", () => {
    expect<Mp.Queue.Queue<number>>().type.toBeAssignableTo<Mp.Queue.Enqueue<1 | 2>>()
    expect<Mp.Queue.Queue<number>>().type.toBeAssignableTo<Mp.Queue.Dequeue<number | string>>()
    expect<Mp.Queue.Queue<number>>().type.not.toBeAssignableTo<Mp.Queue.Enqueue<number | string>>()
    expect<Mp.Queue.Queue<number>>().type.not.toBeAssignableTo<Mp.Queue.Dequeue<1>>()
    expect<Mp.Queue.Queue<number>>().type.not.toBeAssignableTo<Mp.Queue.Queue<number | string>>()
    expect<Mp.Queue.Enqueue<number>>().type.not.toHaveProperty("get")
    expect<Mp.Queue.Dequeue<number>>().type.not.toHaveProperty("put")
  })

  test("the class is the tag of the queue, and its layer requires a hub", () => {
    expect(Jobs.layer).type.toBe<Layer.Layer<Jobs, never, Mp.Hub.Hub>>()
    expect(Context.get(Context.empty() as Context.Context<Jobs>, Jobs)).type.toBe<Mp.Queue.Queue<number>>()
    expect(Effect.map(Jobs, (jobs) => jobs)).type.toBe<Effect.Effect<Mp.Queue.Queue<number>, never, Jobs>>()
  })

  test("make needs a hub and a scope", () => {
    expect(Mp.Queue.make({ item: Schema.String })).type.toBe<
      Effect.Effect<Mp.Queue.Queue<string>, never, Mp.Hub.Hub | Scope.Scope>
    >()
    expect(Mp.Queue.make).type.not.toBeCallableWith({})
    expect(Mp.Queue.make).type.not.toBeCallableWith({ item: Schema.String, maxsize: "10" })
  })

  test("the schema of a queue as a part of a payload decodes to the queue, and needs a hub", () => {
    const schema = Mp.Queue.handle(Schema.Number)
    expect<typeof schema["Type"]>().type.toBe<Mp.Queue.Queue<number>>()
    expect<typeof schema["DecodingServices"]>().type.toBe<Mp.Hub.Hub>()
    expect<typeof schema["EncodingServices"]>().type.toBe<Mp.Hub.Hub>()
  })

  test("items whose schema needs a service other than the hub do not compile", () => {
    class Other extends Context.Service<Other, {}>()("types/Other") {}
    const needy = Schema.String as unknown as Schema.Codec<string, string, Other, never>
    expect(Mp.Queue.make).type.not.toBeCallableWith({ item: needy })
    expect(Mp.Queue.make).type.toBeCallableWith({ item: Mp.Queue.handle(Schema.String) })
  })

  test("the kinds of queues are not interchangeable", () => {
    expect<Mp.JoinableQueue.JoinableQueue<number>>().type.not.toBeAssignableTo<Mp.Queue.Queue<number>>()
    expect<Mp.SimpleQueue.SimpleQueue<number>>().type.not.toBeAssignableTo<Mp.Queue.Queue<number>>()
    expect<Mp.JoinableQueue.JoinableQueue<number>>().type.toBeAssignableTo<Mp.Queue.Enqueue<number>>()
    expect<Mp.JoinableQueue.JoinableQueue<number>>().type.toBeAssignableTo<Mp.Queue.Dequeue<number>>()
  })
})

describe("JoinableQueue", () => {
  test("join() can't be TimedOut; with a timeout it can", () => {
    expect(joinable.join()).type.toBe<Effect.Effect<void, Gone>>()
    expect(joinable.join({ timeout: 0 })).type.toBe<Effect.Effect<void, Mp.TimedOut | Gone>>()
    expect(joinable.taskDone).type.toBe<Effect.Effect<void, Mp.InvalidState | Gone>>()
  })

  test("says what becomes of the items of a dead consumer", () => {
    expect(Mp.JoinableQueue.make).type.toBeCallableWith({ item: Schema.String, onConsumerDeath: "redeliver" })
    expect(Mp.JoinableQueue.make).type.not.toBeCallableWith({ item: Schema.String, onConsumerDeath: "drop" })
    expect(Work.layer).type.toBe<Layer.Layer<Work, never, Mp.Hub.Hub>>()
  })
})

describe("SimpleQueue", () => {
  test("SQ-06 has no bound, no timeouts and no counts", () => {
    expect<Exclude<keyof Mp.SimpleQueue.SimpleQueue<number>, typeof Mp.SimpleQueue.TypeId>>().type.toBe<
      "name" | "put" | "get" | "empty" | "close"
    >()
    expect(simple.get).type.not.toBeCallableWith({ timeout: 1 })
    expect(simple.put).type.not.toBeCallableWith(1, { timeout: 1 })
    expect(Mp.SimpleQueue.make).type.not.toBeCallableWith({ item: Schema.String, maxsize: 1 })
    expect(simple.put(1)).type.toBe<Effect.Effect<void, Mp.EncodeError | Gone>>()
    expect(simple.get()).type.toBe<Effect.Effect<number, Mp.DecodeError | Gone>>()
    expect(Lines.layer).type.toBe<Layer.Layer<Lines, never, Mp.Hub.Hub>>()
  })
})
