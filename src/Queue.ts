/**
 * First-in-first-out queues between processes: many producers, many consumers.
 *
 * An item that `put` has accepted is delivered to exactly one consumer. A consumer that is interrupted, times out or is killed
 * before its `get` returned does not swallow the item: it goes back to its place and the next consumer gets it. Items of one
 * producer keep their order.
 *
 * When `put` returns, the item is in the queue: `qsize`, `empty`, `full` and `getNowait` of every process agree with that.
 * An item that does not fit the schema fails its `put`, in the caller, with `EncodeError`.
 *
 * **Bounds.** With a `maxsize`, `put` waits while the queue is full. Without one, it waits only when the queue holds more than
 * `maxBytes` (512 MiB), so that a producer without consumers can't fill the memory of the process that owns the queue. An item takes the
 * bytes of its encoding and 256 more, about what it needs there.
 *
 * **Closing.** `close` is about this process: it will not use the queue any more. `shutdown` is about the queue: every producer
 * and consumer in every process learns of it.
 *
 * Python: `multiprocessing.Queue`, and `shutdown` from `queue.Queue`.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Closed, DecodeError, Empty, EncodeError, Full, HubLost, InvalidState, ShutDown } from "./Failure.ts"
import type { Handle, Hub } from "./Hub.ts"
import type * as Inheritable from "./Inheritable.ts"
import type * as Codec from "./internal/codec.ts"
import * as internal from "./internal/queue.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~effect-multiprocessing/Queue"

/**
 * How long to wait. Without a timeout: without limit. Zero and less: not at all.
 *
 * @category models
 * @since 0.1.0
 */
export interface Timeout {
  readonly timeout?: Duration.Input | undefined
}

/**
 * What producers see of a queue.
 *
 * @category models
 * @since 0.1.0
 */
export interface Enqueue<in A> {
  /**
   * Adds an item; waits while the queue is full. With a timeout, fails with `Full` when it passes, and then the item is not in
   * the queue. An interrupted `put` either happened or did not.
   *
   * Python: `put(obj)`, `put(obj, timeout=...)`.
   */
  readonly put: {
    (item: A): Effect.Effect<void, EncodeError | ShutDown | Closed | HubLost>
    (item: A, options: Timeout): Effect.Effect<void, Full | EncodeError | ShutDown | Closed | HubLost>
  }
  /** Adds an item if there is a free slot now. */
  readonly putNowait: (item: A) => Effect.Effect<void, Full | EncodeError | ShutDown | Closed | HubLost>
}

/**
 * What consumers see of a queue.
 *
 * @category models
 * @since 0.1.0
 */
export interface Dequeue<out A> {
  /**
   * Removes and returns the oldest item; waits while there is none. With a timeout, fails with `Empty` when it passes. An
   * interrupted `get` leaves the item in the queue.
   *
   * Python: `get()`, `get(timeout=...)`.
   */
  readonly get: {
    (): Effect.Effect<A, DecodeError | ShutDown | Closed | HubLost>
    (options: Timeout): Effect.Effect<A, Empty | DecodeError | ShutDown | Closed | HubLost>
  }
  /** Removes and returns the oldest item if there is one now. */
  readonly getNowait: Effect.Effect<A, Empty | DecodeError | ShutDown | Closed | HubLost>
  /** The items, as they come, until the queue is shut down. */
  readonly stream: Stream.Stream<A, DecodeError | Closed | HubLost>
}

/**
 * A queue, as one process holds it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Queue<in out A> extends Enqueue<A>, Dequeue<A> {
  readonly [TypeId]: typeof TypeId
  readonly name: string
  /** How many items a `get` could take now. Other processes may change it at any time. */
  readonly qsize: Effect.Effect<number, Closed | HubLost>
  /** A `getNowait` would fail with `Empty` now. */
  readonly empty: Effect.Effect<boolean, Closed | HubLost>
  /** A `putNowait` would fail with `Full` now. */
  readonly full: Effect.Effect<boolean, Closed | HubLost>
  /**
   * Ends the queue for every process: `put` fails with `ShutDown`, `get` too as soon as the queue is empty. With `immediate`,
   * the items that are left are dropped. Stays so; a second call is allowed.
   *
   * Python: `queue.Queue.shutdown(immediate=False)` (3.13).
   */
  readonly shutdown: (options?: { readonly immediate?: boolean | undefined }) => Effect.Effect<void, Closed | HubLost>
  /**
   * This process will not use the queue any more: its later operations, and those that wait, fail with `Closed`. Other
   * processes are not concerned. Happens by itself at the end of the scope; a second call does nothing.
   */
  readonly close: Effect.Effect<void>
  /**
   * Python waits here for its feeder thread. There is none: what was put is in the queue. Fails before `close`, as in Python.
   */
  readonly joinThread: Effect.Effect<void, InvalidState>
  /** Does nothing, as there is no feeder thread whose items could be lost. Here for those who port a program. */
  readonly cancelJoinThread: Effect.Effect<void>
}

/**
 * Any value that is a queue of this module.
 *
 * @category guards
 * @since 0.1.0
 */
export const isQueue = (u: unknown): u is Queue<unknown> => kind.is(u)

/**
 * How a queue is made.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<S extends Codec.Portable> {
  /** What the items are. */
  readonly item: S
  /** How many items the queue holds before `put` waits. Default, and for 0 and less: no limit. */
  readonly maxsize?: number | undefined
  /** How many bytes the queue holds before `put` waits; an item has 256 more than its encoding. Default: 512 MiB. */
  readonly maxBytes?: number | undefined
}

/**
 * The class of a queue as a service.
 *
 * @category models
 * @since 0.1.0
 */
export interface QueueClass<Self, Id extends string, A> extends Inheritable.Inheritable<Self, Queue<A>> {
  new(_: never): Context.ServiceClass.Shape<Id, Queue<A>>
  /** Creates the queue, in the hub of the process that builds the layer. */
  readonly layer: Layer.Layer<Self, never, Hub>
}

const kind = internal.kind("Queue", TypeId)

const spec = (options: Options<Codec.Portable>) => ({
  maxItems: options.maxsize ?? 0,
  maxBytes: options.maxBytes ?? internal.defaultMaxBytes,
  joinable: undefined
})

/**
 * Makes a tag for a queue, with its layer: the queue has this tag in every process that inherits it.
 *
 * **Example** (A queue from parent to child)
 *
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import * as Mp from "effect-multiprocessing"
 *
 * class Jobs extends Mp.Queue.Service<Jobs>()("app/Jobs", { item: Schema.Number, maxsize: 10 }) {}
 *
 * export const sum = Mp.Target.make(
 *   "sum",
 *   { module: import.meta.url, success: Schema.Number, inherits: [Jobs] },
 *   Effect.fnUntraced(function*() {
 *     const jobs = yield* Jobs
 *     return (yield* Effect.orDie(jobs.get())) + (yield* Effect.orDie(jobs.get()))
 *   })
 * )
 *
 * const program = Effect.gen(function*() {
 *   const jobs = yield* Jobs
 *   const process = yield* Mp.Process.spawn(sum)
 *   yield* jobs.put(1)
 *   yield* jobs.put(2)
 *   console.log(yield* process.join()) // => 3
 * })
 *
 * Mp.runMain(program.pipe(Effect.scoped, Effect.provide(Jobs.layer.pipe(Layer.provideMerge(Mp.layer)))))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const Service =
  <Self>() =>
  <const Id extends string, S extends Codec.Portable>(id: Id, options: Options<S>): QueueClass<Self, Id, S["Type"]> =>
    kind.service(id, { item: options.item, spec: spec(options) })

/**
 * Makes a queue that lives until the scope closes: for a number of queues that is known only at run time. Children get it as
 * part of a payload, by {@link handle}.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <S extends Codec.Portable>(
  options: Options<S> & { readonly name?: string | undefined }
): Effect.Effect<Queue<S["Type"]>, never, Hub | Scope.Scope> =>
  kind.make({ item: options.item, name: options.name, spec: spec(options) })

/**
 * The schema of a queue inside of a payload or a message: a handle on the wire, a live queue of the receiving process after
 * decoding.
 *
 * **Example** (As many queues as it takes)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import * as Mp from "effect-multiprocessing"
 *
 * const Outputs = Schema.Array(Mp.Queue.handle(Schema.String))
 *
 * export const greet = Mp.Target.make(
 *   "greet",
 *   { module: import.meta.url, payload: Schema.Struct({ outputs: Outputs }) },
 *   ({ outputs }) => Effect.orDie(Effect.forEach(outputs, (output, i) => output.put(`hello ${i}`), { discard: true }))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const outputs = yield* Effect.replicateEffect(Mp.Queue.make({ item: Schema.String }), 3)
 *   yield* Mp.Process.run(greet, { outputs })
 *   console.log(yield* outputs[2]!.get()) // => hello 2
 * })
 *
 * Mp.runMain(program.pipe(Effect.scoped, Effect.provide(Mp.layer)))
 * ```
 *
 * @category schemas
 * @since 0.1.0
 */
export const handle = <S extends Codec.Portable>(
  item: S
): Schema.Codec<Queue<S["Type"]>, typeof Handle.Encoded, Hub, Hub> => kind.handle(item)
