/**
 * A queue that knows when all of its items have been worked on.
 *
 * A consumer calls `taskDone` after each item; `join` waits until that has happened for every item that was ever put.
 *
 * **When a consumer dies** between `get` and `taskDone`, nobody would ever call it, and in Python `join` would hang. Here the
 * option `onConsumerDeath` decides: `"redeliver"` (the default) puts the item back in its place, so that it is worked on at
 * least once; `"done"` counts it as done, so that it is worked on at most once. A consumer that closes the queue counts as dead.
 *
 * Python: `multiprocessing.JoinableQueue`.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Closed, HubLost, InvalidState, TimedOut } from "./Failure.ts"
import type { Handle, Hub } from "./Hub.ts"
import type * as Inheritable from "./Inheritable.ts"
import type * as Codec from "./internal/codec.ts"
import * as internal from "./internal/queue.ts"
import type * as Queue from "./Queue.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~effect-multiprocessing/JoinableQueue"

/**
 * A joinable queue, as one process holds it.
 *
 * @category models
 * @since 0.1.0
 */
export interface JoinableQueue<in out A> extends Omit<Queue.Queue<A>, typeof Queue.TypeId> {
  readonly [TypeId]: typeof TypeId
  /**
   * One item that this process took has been worked on: its oldest. Fails with `InvalidState` when there are no unfinished
   * items.
   */
  readonly taskDone: Effect.Effect<void, InvalidState | Closed | HubLost>
  /** Waits until every item has been worked on. Items put meanwhile count too. */
  readonly join: {
    (): Effect.Effect<void, Closed | HubLost>
    (options: Queue.Timeout): Effect.Effect<void, TimedOut | Closed | HubLost>
  }
}

/**
 * Any value that is a queue of this module.
 *
 * @category guards
 * @since 0.1.0
 */
export const isJoinableQueue = (u: unknown): u is JoinableQueue<unknown> => kind.is(u)

/**
 * How a joinable queue is made.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<S extends Codec.Portable> extends Queue.Options<S> {
  /** What happens to the unfinished items of a consumer that dies. Default: `"redeliver"`. */
  readonly onConsumerDeath?: "redeliver" | "done" | undefined
}

/**
 * The class of a joinable queue as a service.
 *
 * @category models
 * @since 0.1.0
 */
export interface JoinableQueueClass<Self, Id extends string, A>
  extends Inheritable.Inheritable<Self, JoinableQueue<A>>
{
  new(_: never): Context.ServiceClass.Shape<Id, JoinableQueue<A>>
  /** Creates the queue, in the hub of the process that builds the layer. */
  readonly layer: Layer.Layer<Self, never, Hub>
}

const kind = internal.kind("JoinableQueue", TypeId, { keepsItems: true })

const spec = (options: Options<Codec.Portable>) => ({
  maxItems: options.maxsize ?? 0,
  maxBytes: options.maxBytes ?? internal.defaultMaxBytes,
  joinable: options.onConsumerDeath ?? "redeliver"
})

/**
 * Makes a tag for a joinable queue, with its layer.
 *
 * **Example** (Waiting until the work is done)
 *
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import * as Mp from "effect-multiprocessing"
 *
 * class Jobs extends Mp.JoinableQueue.Service<Jobs>()("app/Jobs", { item: Schema.String }) {}
 *
 * export const worker = Mp.Target.make(
 *   "worker",
 *   { module: import.meta.url, inherits: [Jobs] },
 *   Effect.fnUntraced(function*() {
 *     const jobs = yield* Jobs
 *     while (true) {
 *       const job = yield* jobs.get()
 *       console.log(`working on ${job}`)
 *       yield* jobs.taskDone
 *     }
 *   }, Effect.orDie)
 * )
 *
 * const program = Effect.gen(function*() {
 *   const jobs = yield* Jobs
 *   yield* Mp.Process.spawn(worker, undefined, { daemon: true })
 *   yield* jobs.put("one")
 *   yield* jobs.join()
 *   console.log("all done")
 *   // => working on one
 *   // => all done
 * })
 *
 * Mp.runMain(program.pipe(Effect.scoped, Effect.provide(Jobs.layer.pipe(Layer.provideMerge(Mp.layer)))))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const Service = <Self>() =>
<const Id extends string, S extends Codec.Portable>(
  id: Id,
  options: Options<S>
): JoinableQueueClass<Self, Id, S["Type"]> => kind.service(id, { item: options.item, spec: spec(options) })

/**
 * Makes a joinable queue that lives until the scope closes.
 *
 * **Example** (Within one process)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import * as Mp from "effect-multiprocessing"
 *
 * const program = Effect.gen(function*() {
 *   const jobs = yield* Mp.JoinableQueue.make({ item: Schema.String })
 *   yield* jobs.put("one")
 *   yield* jobs.get()
 *   yield* jobs.taskDone
 *   yield* jobs.join()
 *   return "done"
 * })
 *
 * console.log(await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(Mp.layer)))) // => done
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <S extends Codec.Portable>(
  options: Options<S> & { readonly name?: string | undefined }
): Effect.Effect<JoinableQueue<S["Type"]>, never, Hub | Scope.Scope> =>
  kind.make({ item: options.item, name: options.name, spec: spec(options) })

/**
 * The schema of a joinable queue inside of a payload or a message.
 *
 * @category schemas
 * @since 0.1.0
 */
export const handle = <S extends Codec.Portable>(
  item: S
): Schema.Codec<JoinableQueue<S["Type"]>, typeof Handle.Encoded, Hub, Hub> => kind.handle(item)
