/**
 * Many tasks of one target: a window of them is under way, and the next ones follow as they end.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Codec from "../codec.ts"
import { Condition } from "./condition.ts"
import { maxAhead } from "./dispatcher.ts"
import type { PoolImpl } from "./pool.ts"
import { type Answer, type Task, type TaskOptions, type TaskTarget, type Values, valuesOf } from "./task.ts"

/** As CPython computes it: four chunks for each worker. */
export const defaultChunkSize = (count: number, workers: number): number => Math.ceil(count / (4 * workers))

/**
 * A task of so many bytes is sent as soon as it is made: the next ones take as long to make. So is the first one of each worker, which may
 * have nothing to do. Small ones go together.
 */
const largeTask = 4096

/** A part of the input: a payload, or several at a time. */
export interface Part {
  readonly index: number
  readonly payloads: ReadonlyArray<unknown>
}

export const partsOf = function*(payloads: ReadonlyArray<unknown>, size: number): Generator<Part> {
  for (let at = 0, index = 0; at < payloads.length; at += size, index++) {
    yield { index, payloads: payloads.slice(at, at + size) }
  }
}

/** Runs all parts; fails with the first failure that is known, when the other tasks have been cancelled. */
export const runAll = (
  pool: PoolImpl,
  target: TaskTarget,
  parts: Iterable<Part>,
  how: TaskOptions,
  onValues: (part: Part, values: ReadonlyArray<unknown>) => void
): Effect.Effect<void, unknown> =>
  Effect.suspend(() => {
    /** Enough for every worker to be busy, with as much ahead as it may have, and some more to follow. */
    const window = pool.settings.size * (maxAhead.tasks + 2)
    const options: TaskOptions = { ...how, batch: pool.makeBatch() }
    const underWay = new Set<Task>()
    const first: { failure: Cause.Cause<unknown> | undefined } = { failure: undefined }
    /** Answers that take an effect to be understood. */
    let later: Array<Effect.Effect<void, unknown>> = []

    const take = (part: Part, { failure: why, values }: Values) => {
      if (why === undefined) onValues(part, values)
      else first.failure ??= why
    }
    const onAnswer = (part: Part, task: Task, answer: Answer) => {
      underWay.delete(task)
      const values = valuesOf(target, answer, task.isSeries)
      if (Codec.isDone(values)) take(part, values.value)
      else later.push(Effect.map(values, (values) => take(part, values)))
      progress.changed()
    }
    /** With how many tasks under way there is something to do again. */
    let few = window / 2
    const progress = new Condition(() => underWay.size <= few || first.failure !== undefined || later.length > 0)
    const understand = Effect.suspend(() => {
      if (later.length === 0) return Effect.void
      const now = later
      later = []
      return Effect.forEach(now, (effect) => effect, { discard: true })
    })
    const failed = Effect.suspend(() => Effect.failCause(first.failure!))

    const drive = Effect.gen(function*() {
      let { now } = pool
      for (const part of parts) {
        while (underWay.size >= window && first.failure === undefined) {
          if (later.length === 0) yield* progress.wait
          yield* understand
          now = pool.now
        }
        if (first.failure !== undefined) return yield* failed
        if (underWay.size === 0) yield* pool.admitted
        // Small ones come so quickly that they may have the same time.
        const task = yield* pool.makeSeries(target, part.payloads, options, now)
        underWay.add(task)
        task.observe((answer) => onAnswer(part, task, answer))
        pool.enqueue(task)
        const isFirst = underWay.size <= pool.settings.size
        if (isFirst || underWay.size >= window || task.size >= largeTask) {
          yield* pool.flush
          now = pool.now
        }
      }
      yield* pool.flush
      few = 0
      while (underWay.size > 0 && first.failure === undefined) {
        if (later.length === 0) yield* progress.wait
        yield* understand
      }
      yield* understand
      if (first.failure !== undefined) return yield* failed
    })
    return Effect.onError(drive, () =>
      Effect.andThen(
        Effect.sync(() => pool.admit()),
        pool.cancelAll(Array.from(underWay))
      ))
  })
