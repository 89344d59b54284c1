/** How the parent tells its children to begin, and learns what they did. */
import { Effect, Schema } from "effect"
import * as Mp from "effect-multiprocessing"
import { cpuTime, type Measurement } from "../work.ts"

const Report = Schema.Struct({
  /** Of all that the child received. */
  sum: Schema.Number,
  p50: Schema.Number,
  p99: Schema.Number,
  /** Processor time of the child so far, in microseconds. */
  cpu: Schema.Number
})

/** What a phase of a child has to say; the rest is zero. */
export type Result = Partial<Omit<typeof Report.Type, "cpu">>

/** A child takes counts, works, and reports. A count of zero is no work. */
export const Control = Mp.Connection.handle({ send: Report, receive: Schema.Int })
export type Control = typeof Control.Type

/** Lives in a child, until the parent ends it. */
export const serve = <E, R>(control: Control, phase: (count: number) => Effect.Effect<Result | void, E, R>) =>
  Effect.orDie(Effect.gen(function*() {
    while (true) {
      const count = yield* control.recv()
      const result = count === 0 ? undefined : yield* phase(count)
      yield* control.send({ sum: 0, p50: 0, p99: 0, ...result, cpu: cpuTime() })
    }
  }))

/** Starts a child with one end of a pipe, and gives the other. */
export const child = Effect.fnUntraced(function*<E, R>(spawn: (control: Control) => Effect.Effect<unknown, E, R>) {
  const [near, far] = yield* Mp.Pipe.make({ leftToRight: Schema.Int, rightToLeft: Report })
  yield* spawn(far)
  // It answers when it is ready.
  yield* near.send(0)
  yield* near.recv()
  return near
})
export type Child = Effect.Success<ReturnType<typeof child>>

/** Not waited for at the end: a child listens to its parent for ever. */
export const daemon = { daemon: true } as const

const processorTime = Effect.fnUntraced(function*(children: ReadonlyArray<Child>) {
  let total = cpuTime()
  for (const child of children) {
    yield* child.send(0)
    total += (yield* child.recv()).cpu
  }
  return total
})

const run = Effect.fnUntraced(function*<E, R>(
  children: ReadonlyArray<Child>,
  count: number,
  own: (count: number) => Effect.Effect<Result | void, E, R>
) {
  for (const child of children) yield* child.send(count)
  const results: Array<Result | void> = [yield* own(count)]
  for (const child of children) results.push(yield* child.recv())
  return {
    sum: results.reduce((sum, result) => sum + (result?.sum ?? 0), 0),
    p50: Math.max(...results.map((result) => result?.p50 ?? 0)),
    p99: Math.max(...results.map((result) => result?.p99 ?? 0))
  }
})

/** A phase of all children and of the parent itself: once for the compiler, then again with the clock. */
export const measure = Effect.fnUntraced(function*<E, R>(
  children: ReadonlyArray<Child>,
  count: number,
  own: (count: number) => Effect.Effect<Result | void, E, R>
) {
  yield* run(children, count, own)
  const cpu = yield* processorTime(children)
  const start = performance.now()
  const { sum, p50, p99 } = yield* run(children, count, own)
  const seconds = (performance.now() - start) / 1000
  const measurement: Measurement = { seconds, count, cpu: ((yield* processorTime(children)) - cpu) / 1e6, p50, p99 }
  return { sum, measurement }
})
