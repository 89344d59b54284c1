/**
 * What a worker of a pool runs that gives many values, one after the other, with backpressure across the processes: the producer waits while the
 * consumer has not taken what is there.
 *
 * `Pool.runStream` runs one.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Connection from "./Connection.ts"
import type { Hub } from "./Hub.ts"
import type * as Inheritable from "./Inheritable.ts"
import type * as Codec from "./internal/codec.ts"
import type { Spawner } from "./Spawner.ts"
import * as Target from "./Target.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~effect-multiprocessing/StreamTarget"

/**
 * What a worker runs that gives many values.
 *
 * @category models
 * @since 0.1.0
 */
export interface StreamTarget<in Payload, out A, out E, out R> {
  readonly [TypeId]: {
    readonly _Payload: (_: Payload) => void
    readonly _A: (_: never) => A
    readonly _E: (_: never) => E
    readonly _R: (_: never) => R
  }
  readonly name: string
  readonly module: string
}

/**
 * Any such target.
 *
 * @category models
 * @since 0.1.0
 */
export type Any = StreamTarget<any, any, any, any>

/**
 * @category guards
 * @since 0.1.0
 */
export const isStreamTarget = (u: unknown): u is Any => Predicate.hasProperty(u, TypeId)

/** @internal */
export interface Definition {
  readonly target: Target.Target<
    { readonly payload: unknown; readonly out: Connection.Sender<unknown> },
    void,
    unknown,
    unknown
  >
  readonly element: Codec.Portable
}

/** @internal */
export const definitionOf = (target: Any): Definition => target as unknown as Definition

/**
 * Defines what a worker runs that gives a stream. The options are those of `Target.make`; `success` is the schema of an element.
 *
 * **Details**
 *
 * Up to 16 MiB of elements waits between the processes; then the producer waits. When the consumer stops, the producer is interrupted.
 *
 * **Example** (A stream from a worker)
 *
 * ```ts
 * import { Effect, Schema, Stream } from "effect"
 * import * as Mp from "effect-multiprocessing"
 *
 * export const countTo = Mp.StreamTarget.make(
 *   "countTo",
 *   { module: import.meta.url, payload: Schema.Int, success: Schema.Int },
 *   (n) => Stream.range(1, n)
 * )
 *
 * const program = Effect.gen(function*() {
 *   const pool = yield* Mp.Pool.make({ size: 1 })
 *   console.log(yield* Stream.runCollect(pool.runStream(countTo, 3))) // => [ 1, 2, 3 ]
 * })
 *
 * Mp.runMain(program.pipe(Effect.scoped, Effect.provide(Mp.layer)))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <
  S extends Codec.Portable,
  P extends Codec.Portable = typeof Schema.Void,
  E extends Codec.Portable = typeof Schema.Never,
  const I extends ReadonlyArray<Inheritable.Any> = [],
  const U extends ReadonlyArray<Context.Key<any, any>> = []
>(
  name: string,
  options: {
    readonly module: string | URL
    readonly success: S
    readonly payload?: P
    readonly error?: E
    readonly inherits?: I
    readonly uses?: U
  },
  run: (
    payload: P["Type"]
  ) => Stream.Stream<
    S["Type"],
    E["Type"],
    Inheritable.Services<I> | U[number]["Identifier"] | Hub | Spawner | Scope.Scope
  >
): StreamTarget<
  P["Type"],
  S["Type"],
  E["Type"],
  Inheritable.Services<I> | Target.InWorkers<U[number]["Identifier"]>
> => {
  const { error, inherits, module, payload = Schema.Void, success, uses } = options
  const target: Target.Any = Target.make(
    name,
    {
      module,
      payload: Schema.Struct({ payload, out: Connection.handle({ send: success }) }) as Codec.Portable,
      error: error ?? Schema.Never,
      inherits: inherits ?? [],
      uses: uses ?? []
    },
    ({ out, payload }: any) =>
      Stream.runForEach(run(payload), (element) =>
        Effect.catch(
          out.send(element),
          // Nobody listens any more.
          (error: any) => error._tag === "BrokenPipe" ? Effect.interrupt : Effect.die(error)
        )) as Effect.Effect<void>
  )
  return {
    [TypeId]: Target.variance,
    name,
    module: target.module,
    target,
    element: success
  } as any
}
