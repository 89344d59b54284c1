/**
 * Queues and connections as parts of payloads: on the wire a handle, in a process a live object.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"
import * as Scope from "effect/Scope"
import { Handle, Hub } from "../Hub.ts"
import type * as Inheritable from "../Inheritable.ts"
import * as Codec from "./codec.ts"
import type { Reference } from "./hub/reference.ts"

/**
 * While a value is encoded: what keeps its handles alive until they are redeemed. While it is decoded: what the live objects
 * are released with. Nothing, where objects can't travel.
 */
export const TransitScope: Context.Reference<Scope.Scope | undefined> = Context.Reference<Scope.Scope | undefined>(
  "effect-multiprocessing/internal/TransitScope",
  { defaultValue: () => undefined }
)

const forbidden = (message: string, value: unknown, options: SchemaAST.ParseOptions) =>
  new SchemaIssue.InvalidValue({ message }, value, options)

const inTransit = <A, E extends { readonly message: string }, R>(
  effect: Effect.Effect<A, E, R | Scope.Scope>,
  value: unknown,
  options: SchemaAST.ParseOptions
): Effect.Effect<A, SchemaIssue.Issue, Exclude<R, Scope.Scope>> =>
  Effect.flatMap(
    TransitScope,
    (scope) =>
      scope === undefined
        ? Effect.fail(forbidden("queues and connections can only travel in the payload of a process", value, options))
        : Effect.mapError(
          Scope.provide(effect, scope),
          (error) => forbidden(error.message, value, options)
        )
  )

/** Turns a reference into the handle that redeems it. */
export const toHandle = (reference: Reference) =>
  Effect.map(reference.handOver, ({ hub, token }): Handle => ({ hub, token, name: reference.name }))

/** The schema of an object that travels as a handle. */
export const handleSchema = <A>(options: {
  readonly identifier: string
  readonly is: (value: unknown) => value is A
  readonly referenceOf: (value: A) => Reference
  readonly fromReference: (reference: Reference, hub: Hub["Service"]) => A
}): Schema.Codec<A, typeof Handle.Encoded, Hub, Hub> =>
  Handle.pipe(Schema.decodeTo(Schema.declare(options.is, { identifier: options.identifier }), {
    decode: SchemaGetter.transformEffect((handle: Handle, parseOptions) =>
      inTransit(
        Effect.flatMap(Hub, (hub) =>
          Effect.map(hub.attach(handle), (reference) => options.fromReference(reference, hub))),
        handle,
        parseOptions
      )
    ),
    encode: SchemaGetter.transformEffect((value: A, parseOptions) =>
      inTransit(toHandle(options.referenceOf(value)), value, parseOptions)
    )
  }))

/** How a shared object is inherited. */
export const inheritance = <Shape>(
  referenceOf: (service: Shape) => Reference,
  fromReference: (reference: Reference, hub: Hub["Service"]) => Shape
): Inheritable.Inheritable<any, Shape>[typeof Inheritable.TypeId] => ({
  handOver: Effect.fnUntraced(function*(service) {
    const reference = referenceOf(service)
    const handle = yield* toHandle(reference)
    return yield* Codec.encode(Handle, handle, reference.name, "inherit")
  }),
  receive: Effect.fnUntraced(function*(bytes) {
    const hub = yield* Hub
    const handle = yield* Codec.decode(Handle, bytes, "inherited object", "inherit")
    return fromReference(yield* hub.attach(handle), hub)
  })
})
