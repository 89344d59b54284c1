/**
 * A stream of tasks: some of them are begun ahead of who takes their values, and no more of the input is taken than these need.
 *
 * There is no fiber for each of them, nor a `Set` or a `Map` of those that are under way: these live as long as a task, and so are old for V8, and
 * would keep what it gives long after it was taken.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Condition } from "./condition.ts"
import type { PoolImpl } from "./pool.ts"
import { type Task, type TaskOptions, type TaskTarget, type Values, valuesOf } from "./task.ts"

/** A part of the input, in its order. */
interface Part {
  /** None where it could not be made, or has been answered. */
  task: Task | undefined
  /** What became of it, once it is known. */
  values: Effect.Effect<Values> | undefined
}

export interface StreamSettings {
  readonly chunkSize: number
  /** How many parts are begun and not taken at most. */
  readonly readAhead: number
  readonly unordered: boolean
  readonly taskOptions: TaskOptions
  /** So many values of a part are there. */
  readonly onValues: (count: number) => void
}

const done = Cause.fail(Cause.Done())

const failed = (failure: Cause.Cause<unknown>): Effect.Effect<Values> => Effect.succeed({ values: [], failure })

/** The values of the tasks for what a stream gives; its own failure comes behind those of what came before. */
export const taskStream = <E, R>(
  pool: PoolImpl,
  target: TaskTarget,
  { chunkSize, onValues, readAhead, taskOptions, unordered }: StreamSettings,
  input: Stream.Stream<unknown, E, R>
): Stream.Stream<unknown, unknown, Exclude<R, Scope.Scope>> =>
  Stream.unwrap(Effect.gen(function*() {
    const pull = yield* Stream.toPull(input)
    const parts: Array<Part> = []
    /** How the input has ended. */
    let end: Cause.Cause<unknown> | undefined

    // ---------------------------------------------------------------------------------------------- begin

    const hasRoom = new Condition(() => parts.length < readAhead)
    const give = (part: Part, values: Effect.Effect<Values>) => {
      part.task = undefined
      part.values = values
      canTake.changed()
    }
    const enqueue = (task: Task) => {
      const part: Part = { task, values: undefined }
      parts.push(part)
      task.observe((answer) =>
        give(
          part,
          Effect.mapEager(valuesOf(target, answer, task.isSeries), (values) => {
            onValues(values.values.length)
            return values
          })
        )
      )
      pool.enqueue(task)
    }
    /** Gives whether it could be begun. A failure of it, or of the pool, comes in its place. */
    const begin = (payloads: ReadonlyArray<unknown>): Effect.Effect<boolean> =>
      Effect.andThen(
        hasRoom.wait,
        Effect.uninterruptibleMask((restore) =>
          Effect.matchCauseEffect(restore(pool.whenAdmitted(pool.makeSeries(target, payloads, taskOptions))), {
            onFailure: (cause) => {
              if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause as Cause.Cause<never>)
              // Those before the one that can't be sent have their values.
              if (payloads.length > 1) return restore(beginEach(payloads))
              parts.push({ task: undefined, values: failed(cause) })
              canTake.changed()
              return Effect.succeed(false)
            },
            onSuccess: (task) => {
              enqueue(task)
              return Effect.as(pool.flush, true)
            }
          })
        )
      )
    const beginEach = (payloads: ReadonlyArray<unknown>): Effect.Effect<boolean> =>
      Effect.gen(function*() {
        for (const payload of payloads) if (!(yield* begin([payload]))) return false
        return true
      })

    /** Gives how the input has ended, as far as it was needed. */
    const beginAll = Effect.gen(function*() {
      let payloads: Array<unknown> = []
      for (;;) {
        yield* hasRoom.wait
        const exit = yield* Effect.exit(pull)
        for (const payload of Exit.isSuccess(exit) ? exit.value : []) {
          payloads.push(payload)
          if (payloads.length < chunkSize) continue
          if (!(yield* begin(payloads))) return done
          payloads = []
        }
        if (Exit.isSuccess(exit)) continue
        if (payloads.length > 0) yield* begin(payloads)
        return exit.cause
      }
    })

    // ---------------------------------------------------------------------------------------------- take

    const readyAt = () => unordered ? parts.findIndex(({ values }) => values !== undefined) : 0
    const isAtEnd = () => end !== undefined && parts.length === 0
    const canTake = new Condition(() => parts[readyAt()]?.values !== undefined || isAtEnd())
    /** A failure that comes behind values which were taken. */
    let failure: Cause.Cause<unknown> | undefined
    const next: Pull.Pull<Arr.NonEmptyReadonlyArray<unknown>, unknown> = Effect.suspend(() => {
      if (failure !== undefined) return Effect.failCause(failure)
      const at = readyAt()
      const values = parts[at]?.values
      if (values === undefined) return isAtEnd() ? Effect.failCause(end!) : Effect.andThen(canTake.wait, next)
      // It is old for V8, too.
      parts[at]!.values = undefined
      parts.splice(at, 1)
      hasRoom.changed()
      return Effect.flatMap(values, (taken) => {
        failure = taken.failure
        return Arr.isReadonlyArrayNonEmpty(taken.values) ? Effect.succeed(taken.values) : next
      })
    })

    yield* Effect.addFinalizer(() => pool.cancelAll(parts.flatMap(({ task }) => task ?? [])))
    yield* Effect.forkScoped(Effect.map(Effect.exit(beginAll), (exit) => {
      end = Exit.isSuccess(exit) ? exit.value : exit.cause
      canTake.changed()
    }))
    return Stream.fromPull(Effect.succeed(next))
  })) as Stream.Stream<unknown, unknown, Exclude<R, Scope.Scope>>
