/**
 * A queue with nothing but `get`, `put` and `empty`: no bound, no timeouts, no counts.
 *
 * It keeps the same promises as `Queue`; choose it where Python code uses `SimpleQueue`, or where nothing more is needed.
 *
 * Python: `multiprocessing.SimpleQueue`.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Closed, DecodeError, EncodeError, HubLost } from "./Failure.ts"
import type { Handle, Hub } from "./Hub.ts"
import type * as Inheritable from "./Inheritable.ts"
import type * as Codec from "./internal/codec.ts"
import * as internal from "./internal/queue.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~effect-multiprocessing/SimpleQueue"

/**
 * A simple queue, as one process holds it.
 *
 * @category models
 * @since 0.1.0
 */
export interface SimpleQueue<in out A> {
  readonly [TypeId]: typeof TypeId
  readonly name: string
  /** Adds an item. When it returns, the item is in the queue. */
  readonly put: (item: A) => Effect.Effect<void, EncodeError | Closed | HubLost>
  /** Removes and returns the oldest item; waits while there is none. */
  readonly get: () => Effect.Effect<A, DecodeError | Closed | HubLost>
  /** There is nothing to get now. */
  readonly empty: Effect.Effect<boolean, Closed | HubLost>
  /** This process will not use the queue any more. A second call does nothing. */
  readonly close: Effect.Effect<void>
}

/**
 * Any value that is a queue of this module.
 *
 * @category guards
 * @since 0.1.0
 */
export const isSimpleQueue = (u: unknown): u is SimpleQueue<unknown> => kind.is(u)

/**
 * How a simple queue is made.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<S extends Codec.Portable> {
  /** What the items are. */
  readonly item: S
}

/**
 * The class of a simple queue as a service.
 *
 * @category models
 * @since 0.1.0
 */
export interface SimpleQueueClass<Self, Id extends string, A> extends Inheritable.Inheritable<Self, SimpleQueue<A>> {
  new(_: never): Context.ServiceClass.Shape<Id, SimpleQueue<A>>
  /** Creates the queue, in the hub of the process that builds the layer. */
  readonly layer: Layer.Layer<Self, never, Hub>
}

const kind = internal.kind("SimpleQueue", TypeId)

const spec = { maxItems: 0, maxBytes: internal.defaultMaxBytes, joinable: undefined } as const

/**
 * Makes a tag for a simple queue, with its layer.
 *
 * **Example** (Declaring a simple queue)
 *
 * ```ts
 * import { Schema } from "effect"
 * import * as Mp from "effect-multiprocessing"
 *
 * export class Lines extends Mp.SimpleQueue.Service<Lines>()("app/Lines", { item: Schema.String }) {}
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const Service = <Self>() =>
<const Id extends string, S extends Codec.Portable>(
  id: Id,
  options: Options<S>
): SimpleQueueClass<Self, Id, S["Type"]> => kind.service(id, { item: options.item, spec })

/**
 * Makes a simple queue that lives until the scope closes.
 *
 * **Example** (Within one process)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import * as Mp from "effect-multiprocessing"
 *
 * const program = Effect.gen(function*() {
 *   const lines = yield* Mp.SimpleQueue.make({ item: Schema.String })
 *   yield* lines.put("hello")
 *   return yield* lines.get()
 * })
 *
 * console.log(await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(Mp.layer)))) // => hello
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <S extends Codec.Portable>(
  options: Options<S> & { readonly name?: string | undefined }
): Effect.Effect<SimpleQueue<S["Type"]>, never, Hub | Scope.Scope> =>
  kind.make({ item: options.item, name: options.name, spec })

/**
 * The schema of a simple queue inside of a payload or a message.
 *
 * @category schemas
 * @since 0.1.0
 */
export const handle = <S extends Codec.Portable>(
  item: S
): Schema.Codec<SimpleQueue<S["Type"]>, typeof Handle.Encoded, Hub, Hub> => kind.handle(item)
