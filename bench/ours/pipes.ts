/** Pipes between two processes. */
import { Effect, Schema } from "effect"
import * as Mp from "effect-multiprocessing"
import { bytes, insist, percentiles, record, sameBytes, small, sumOfRecord, sumOfRecords, sumOfSmall } from "../work.ts"
import { child, Control, daemon, measure, serve } from "./control.ts"
import { Rec } from "./record.ts"

const End = Mp.Connection.handle({ send: Schema.Int, receive: Schema.Int })
const TwoWay = Schema.Struct({ control: Control, end: End })

/** Asks so many times, each time when the last answer is there. */
const ask = Effect.fnUntraced(function*(end: typeof End.Type, count: number) {
  const samples = new Array<number>(count)
  let sum = 0
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    yield* end.send(small(i))
    sum += yield* end.recv()
    samples[i] = (performance.now() - start) * 1000
  }
  return { sum, ...percentiles(samples) }
})

export const echo = Mp.Target.make(
  "echo",
  { module: import.meta.url, payload: TwoWay },
  ({ control, end }) =>
    serve(
      control,
      Effect.fnUntraced(function*(count) {
        for (let i = 0; i < count; i++) yield* end.send(yield* end.recv())
      })
    )
)

export const asker = Mp.Target.make(
  "asker",
  { module: import.meta.url, payload: TwoWay },
  ({ control, end }) => serve(control, (count) => ask(end, count))
)

const roundTrip = Effect.fnUntraced(function*(count: number, inParent: boolean) {
  const [left, right] = yield* Mp.Pipe.make({ message: Schema.Int })
  const children = [yield* child((control) => Mp.Process.spawn(echo, { control, end: right }, daemon))]
  if (!inParent) children.push(yield* child((control) => Mp.Process.spawn(asker, { control, end: left }, daemon)))
  const { measurement, sum } = yield* measure(children, count, (count) => inParent ? ask(left, count) : Effect.void)
  insist("the sum of all answers", sum, sumOfSmall(count))
  return measurement
})

export const numberSender = Mp.Target.make(
  "numberSender",
  {
    module: import.meta.url,
    payload: Schema.Struct({ control: Control, end: Mp.Connection.handle({ send: Schema.Int }) })
  },
  ({ control, end }) =>
    serve(
      control,
      Effect.fnUntraced(function*(count) {
        for (let i = 0; i < count; i++) yield* end.send(small(i))
      })
    )
)

const numbers = Effect.fnUntraced(function*(count: number) {
  const [receiver, end] = yield* Mp.Pipe.make({ message: Schema.Int, duplex: false })
  const sender = yield* child((control) => Mp.Process.spawn(numberSender, { control, end }, daemon))
  const { measurement, sum } = yield* measure(
    [sender],
    count,
    Effect.fnUntraced(function*(count) {
      let sum = 0
      for (let i = 0; i < count; i++) sum += yield* receiver.recv()
      return { sum }
    })
  )
  insist("the sum of all messages", sum, sumOfSmall(count))
  return measurement
})

export const recordSender = Mp.Target.make(
  "recordSender",
  { module: import.meta.url, payload: Schema.Struct({ control: Control, end: Mp.Connection.handle({ send: Rec }) }) },
  ({ control, end }) =>
    serve(
      control,
      Effect.fnUntraced(function*(count) {
        for (let i = 0; i < count; i++) yield* end.send(record(i))
      })
    )
)

const records = Effect.fnUntraced(function*(count: number) {
  const [receiver, end] = yield* Mp.Pipe.make({ message: Rec, duplex: false })
  const sender = yield* child((control) => Mp.Process.spawn(recordSender, { control, end }, daemon))
  const { measurement, sum } = yield* measure(
    [sender],
    count,
    Effect.fnUntraced(function*(count) {
      let sum = 0
      for (let i = 0; i < count; i++) sum += sumOfRecord(yield* receiver.recv())
      return { sum }
    })
  )
  insist("the sum of all messages", sum, sumOfRecords(count))
  return measurement
})

export const bytesSender = Mp.Target.make(
  "bytesSender",
  {
    module: import.meta.url,
    payload: Schema.Struct({
      control: Control,
      end: Mp.Connection.handle({ send: Schema.Uint8Array }),
      size: Schema.Int
    })
  },
  ({ control, end, size }) => {
    const message = bytes(size)
    return serve(
      control,
      Effect.fnUntraced(function*(count) {
        for (let i = 0; i < count; i++) yield* end.sendBytes(message)
      })
    )
  }
)

const blocks = Effect.fnUntraced(function*(count: number, size: number) {
  const [receiver, end] = yield* Mp.Pipe.make({ message: Schema.Uint8Array, duplex: false })
  const sender = yield* child((control) => Mp.Process.spawn(bytesSender, { control, end, size }, daemon))
  const expected = bytes(size)
  const { measurement, sum } = yield* measure(
    [sender],
    count,
    Effect.fnUntraced(function*(count) {
      let sum = 0
      for (let i = 0; i < count; i++) sum += sameBytes(yield* receiver.recvBytes(), expected)
      return { sum }
    })
  )
  insist("messages as expected", sum, count)
  return measurement
})

export const pipes = {
  "pipe-rtt": (count: number) => roundTrip(count, true),
  "pipe-rtt-child-child": (count: number) => roundTrip(count, false),
  "pipe-one-way": numbers,
  "pipe-one-way-record": records,
  "pipe-bytes-64k": (count: number) => blocks(count, 2 ** 16),
  "pipe-bytes-1m": (count: number) => blocks(count, 2 ** 20),
  "pipe-bytes-64m": (count: number) => blocks(count, 2 ** 26)
}
