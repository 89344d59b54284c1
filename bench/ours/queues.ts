/** Queues between any number of producers and consumers. */
import { Effect, Schema } from "effect"
import * as Mp from "effect-multiprocessing"
import { insist, type Measurement, monotonic, record, small, sumOfRecord, sumOfRecords, sumOfSmall } from "../work.ts"
import { child, Control, daemon, measure, serve } from "./control.ts"
import { Rec } from "./record.ts"

const Numbers = Mp.Queue.handle(Schema.Int)
const Party = Schema.Struct({
  control: Control,
  queue: Numbers,
  /** Zeros that tell consumers to stop. */
  stops: Schema.Int
})

const produce = Effect.fnUntraced(function*(queue: typeof Numbers.Type, count: number, stops: number) {
  for (let i = 0; i < count; i++) yield* queue.put(small(i))
  for (let i = 0; i < stops; i++) yield* queue.put(0)
})

const consume = Effect.fnUntraced(function*(queue: typeof Numbers.Type) {
  let sum = 0
  while (true) {
    const n = yield* queue.get()
    if (n === 0) return { sum }
    sum += n
  }
})

export const producer = Mp.Target.make(
  "producer",
  { module: import.meta.url, payload: Party },
  ({ control, queue, stops }) => serve(control, (count) => produce(queue, count, stops))
)

export const consumer = Mp.Target.make(
  "consumer",
  { module: import.meta.url, payload: Party },
  ({ control, queue }) => serve(control, () => consume(queue))
)

/** Producers are children; so are consumers, unless there is one, which is the parent. */
const fromChildren = Effect.fnUntraced(function*(count: number, producers: number, consumers: number, maxsize = 0) {
  const share = Math.ceil(count / producers)
  const queue = yield* Mp.Queue.make({ item: Schema.Int, maxsize })
  const spawn = (target: typeof producer) => (control: Control) =>
    Mp.Process.spawn(target, { control, queue, stops: consumers / producers }, daemon)
  const inParent = consumers === 0
  const children = yield* Effect.replicateEffect(child(spawn(producer)), producers)
  children.push(...yield* Effect.replicateEffect(child(spawn(consumer)), consumers))
  const { measurement, sum } = yield* measure(
    children,
    share,
    Effect.fnUntraced(function*(share) {
      let sum = 0
      if (inParent) { for (let i = 0; i < share * producers; i++) sum += yield* queue.get() }
      return { sum }
    })
  )
  insist("the sum of all items", sum, sumOfSmall(share) * producers)
  return { ...measurement, count: share * producers }
})

const fromParent = Effect.fnUntraced(function*(count: number, consumers: number) {
  const queue = yield* Mp.Queue.make({ item: Schema.Int })
  const children = yield* Effect.replicateEffect(
    child((control) => Mp.Process.spawn(consumer, { control, queue, stops: 0 }, daemon)),
    consumers
  )
  const { measurement, sum } = yield* measure(children, count, (count) => produce(queue, count, consumers))
  insist("the sum of all items", sum, sumOfSmall(count))
  return measurement
})

export const recordProducer = Mp.Target.make(
  "recordProducer",
  { module: import.meta.url, payload: Schema.Struct({ control: Control, queue: Mp.Queue.handle(Rec) }) },
  ({ control, queue }) =>
    serve(
      control,
      Effect.fnUntraced(function*(count) {
        for (let i = 0; i < count; i++) yield* queue.put(record(i))
      })
    )
)

const records = Effect.fnUntraced(function*(count: number) {
  const queue = yield* Mp.Queue.make({ item: Rec })
  const producer = yield* child((control) => Mp.Process.spawn(recordProducer, { control, queue }, daemon))
  const { measurement, sum } = yield* measure(
    [producer],
    count,
    Effect.fnUntraced(function*(count) {
      let sum = 0
      for (let i = 0; i < count; i++) sum += sumOfRecord(yield* queue.get())
      return { sum }
    })
  )
  insist("the sum of all records", sum, sumOfRecords(count))
  return measurement
})

export const joiningProducer = Mp.Target.make(
  "joiningProducer",
  { module: import.meta.url, payload: Schema.Struct({ control: Control, queue: Mp.JoinableQueue.handle(Schema.Int) }) },
  ({ control, queue }) =>
    serve(
      control,
      Effect.fnUntraced(function*(count) {
        for (let i = 0; i < count; i++) yield* queue.put(small(i))
        yield* queue.join()
      })
    )
)

const joinable = Effect.fnUntraced(function*(count: number) {
  const queue = yield* Mp.JoinableQueue.make({ item: Schema.Int })
  const producer = yield* child((control) => Mp.Process.spawn(joiningProducer, { control, queue }, daemon))
  const { measurement, sum } = yield* measure(
    [producer],
    count,
    Effect.fnUntraced(function*(count) {
      let sum = 0
      for (let i = 0; i < count; i++) {
        sum += yield* queue.get()
        yield* queue.taskDone
      }
      return { sum }
    })
  )
  insist("the sum of all items", sum, sumOfSmall(count))
  return measurement
})

/** Throughput of four producers and four consumers over that of one each. */
const busyChildren = Effect.fnUntraced(function*(count: number) {
  const two = yield* Effect.scoped(fromChildren(count, 1, 1))
  const eight = yield* Effect.scoped(fromChildren(count, 4, 4))
  return { ...eight, value: (eight.count / eight.seconds) / (two.count / two.seconds) }
})

/** How long a consumer that takes a few items and then looks at nothing for a while does so, in milliseconds. */
const holdTime = 300

/** Takes items until one is zero, says so, and looks at nothing. */
export const slowConsumer = Mp.Target.make(
  "slowConsumer",
  { module: import.meta.url, payload: Party },
  ({ control, queue }) =>
    serve(
      control,
      Effect.fnUntraced(function*() {
        const { sum } = yield* consume(queue)
        yield* control.send({ sum, p50: 0, p99: 0, cpu: 0 })
        // Blocks the whole process, without a processor that the others might want.
        yield* Effect.sync(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, holdTime))
      })
    )
)

/** Takes so many items, and gives the longest wait for one. */
export const fastConsumer = Mp.Target.make(
  "fastConsumer",
  { module: import.meta.url, payload: Party },
  ({ control, queue }) =>
    serve(
      control,
      Effect.fnUntraced(function*(count) {
        let [sum, longest] = [0, 0]
        for (let i = 0; i < count; i++) {
          const start = monotonic()
          sum += yield* queue.get()
          longest = Math.max(longest, monotonic() - start)
        }
        return { sum, p99: longest }
      })
    )
)

/** The longest wait of a fast consumer for items that are there, while a slow one holds none of them. */
const slow = Effect.fnUntraced(function*(count: number) {
  const queue = yield* Mp.Queue.make({ item: Schema.Int })
  const spawn = (target: typeof producer) =>
    child((control: Control) => Mp.Process.spawn(target, { control, queue, stops: 0 }, daemon))
  const slow = yield* spawn(slowConsumer)
  const fast = yield* spawn(fastConsumer)
  let longest = 0
  for (const warm of [true, false]) {
    yield* slow.send(count)
    // The slow one gets used to a stream of items, of which it will not take the rest.
    yield* produce(queue, count, 1)
    yield* produce(queue, count, 0)
    const first = yield* slow.recv()
    yield* fast.send(count)
    const { p99, sum } = yield* fast.recv()
    insist("the sum of all items", first.sum + sum, 2 * sumOfSmall(count))
    if (!warm) longest = p99
    yield* slow.recv()
  }
  const measurement: Measurement = { seconds: 0, count, value: longest }
  return measurement
})

export const queues = {
  "queue-1-1": (count: number) => fromChildren(count, 1, 0),
  "queue-1-1-maxsize10": (count: number) => fromChildren(count, 1, 0, 10),
  "queue-4-1": (count: number) => fromChildren(count, 4, 0),
  "queue-1-4": (count: number) => fromParent(count, 4),
  "queue-4-4": (count: number) => fromChildren(count, 4, 4),
  "queue-1-1-record": records,
  "joinable-queue-1-1": joinable,
  "busy-children": busyChildren,
  "slow-consumer": slow
}
