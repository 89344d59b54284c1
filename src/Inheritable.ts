/**
 * Services that a child process gets from its parent.
 *
 * A target lists the services that it inherits. Inside its `run` exactly those are available; in the parent, they are required
 * by whoever starts it. In between, an inheritable service knows how to become a handle in the parent, and a service again in
 * the child: a queue becomes a ticket of its hub, a {@link Value} becomes its bytes.
 *
 * Python: what `fork` copies, or what is pickled with the arguments of a process.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Closed, DecodeError, EncodeError, HubLost } from "./Failure.ts"
import type { Hub } from "./Hub.ts"
import * as Codec from "./internal/codec.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~effect-multiprocessing/Inheritable"

/**
 * A service whose instance a child rebuilds from what its parent hands over.
 *
 * @category models
 * @since 0.1.0
 */
export interface Inheritable<in out Self, in out Shape> extends Context.Service<Self, Shape> {
  readonly [TypeId]: {
    /** In the parent: the bytes that make the service again. What they refer to stays alive until the scope closes. */
    readonly handOver: (service: Shape) => Effect.Effect<Uint8Array, Closed | HubLost | EncodeError, Scope.Scope>
    /** In the child: the service, until the scope closes. */
    readonly receive: (bytes: Uint8Array) => Effect.Effect<Shape, Closed | HubLost | DecodeError, Hub | Scope.Scope>
  }
}

/**
 * Any inheritable service.
 *
 * @category models
 * @since 0.1.0
 */
export type Any = Context.Service<any, any> & Pick<Inheritable<any, any>, typeof TypeId>

/**
 * The services that a list of inheritable services stands for.
 *
 * @category utility types
 * @since 0.1.0
 */
export type Services<I extends ReadonlyArray<Any>> = I[number]["Identifier"]

/** @internal In the parent: what each of the services hands over, in their order. */
export const handOverAll = (
  services: ReadonlyArray<Any>,
  context: Context.Context<never>
): Effect.Effect<Array<Uint8Array>, Closed | HubLost | EncodeError, Scope.Scope> =>
  Effect.forEach(services, (service) => service[TypeId].handOver(Context.getUnsafe(context, service)))

/** @internal In the child: the services again. */
export const receiveAll = Effect.fnUntraced(function*(
  services: ReadonlyArray<Any>,
  inherited: ReadonlyArray<Uint8Array>
): Effect.fn.Return<Context.Context<never>, Closed | HubLost | DecodeError, Hub | Scope.Scope> {
  let context: Context.Context<never> = Context.empty()
  for (const [i, service] of services.entries()) {
    const shape = yield* service[TypeId].receive(inherited[i]!)
    context = Context.add(context, service, shape)
  }
  return context
})

/** @internal */
export const makeClass = <Self, Shape, Statics extends object>(
  id: string,
  inheritance: Inheritable<Self, Shape>[typeof TypeId],
  statics: (tag: Context.Service<Self, Shape>) => Statics
): Inheritable<Self, Shape> & Statics => {
  const tag = Context.Service<Self, Shape>()(id) as unknown as Inheritable<Self, Shape>
  return Object.assign(tag, { [TypeId]: inheritance }, statics(tag))
}

/**
 * Class of a {@link Value}.
 *
 * @category models
 * @since 0.1.0
 */
export interface ValueClass<Self, Id extends string, A> extends Inheritable<Self, A> {
  new(_: never): Context.ServiceClass.Shape<Id, A>
  /** Provides a value to inherit. */
  readonly layer: (value: A) => Layer.Layer<Self>
}

/**
 * A plain value that a child inherits, such as configuration. It travels by its schema, when the child is started: the child
 * has a copy.
 *
 * **Example** (Configuration for a child)
 *
 * ```ts
 * import { Schema } from "effect"
 * import * as Mp from "effect-multiprocessing"
 *
 * class Settings extends Mp.Inheritable.Value<Settings>()("app/Settings", Schema.Struct({ retries: Schema.Int })) {}
 *
 * export const layer = Settings.layer({ retries: 3 })
 *
 * export const worker = Mp.Target.make(
 *   "worker",
 *   { module: import.meta.url, success: Schema.Int, inherits: [Settings] },
 *   () => Settings.useSync((settings) => settings.retries)
 * )
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const Value = <Self>() =>
<const Id extends string, S extends Schema.ConstraintCodec<unknown, unknown>>(
  id: Id,
  schema: S
): ValueClass<Self, Id, S["Type"]> => {
  return makeClass<Self, S["Type"], { readonly layer: (value: S["Type"]) => Layer.Layer<Self> }>(
    id,
    {
      handOver: (value) => Codec.encode(schema, value, id, "inherit"),
      receive: (bytes) => Codec.decode(schema, bytes, id, "inherit")
    },
    (tag) => ({ layer: (value) => Layer.succeed(tag)(value) })
  ) as ValueClass<Self, Id, S["Type"]>
}
