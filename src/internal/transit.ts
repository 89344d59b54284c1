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
import type { Attachment } from "./hub/attachments.ts"
import type { Client } from "./hub/client.ts"
import type { Reference } from "./hub/reference.ts"

/** How objects inside of a value travel. */
export interface Transit {
  /**
   * While a value is encoded: what keeps its tickets alive until they are redeemed. While it is decoded: what the live objects are
   * released with.
   */
  readonly scope: Scope.Scope
  /** Collects the tickets inside of a message that is encoded. A payload, which is decoded once, has none. */
  readonly attachments?: Array<Attachment>
  /** Collects the references that were made while a message is decoded. */
  readonly received?: Array<Reference>
  /** The connection that a message takes. Its tickets of the same hub go without an address. */
  readonly via?: Client
  /** The process that gets a payload lives in this one, and has the same hub. */
  readonly local?: boolean
}

/** Nothing, where objects can't travel. */
export const CurrentTransit: Context.Reference<Transit | undefined> = Context.Reference<Transit | undefined>(
  "effect-multiprocessing/internal/Transit",
  { defaultValue: () => undefined }
)

const forbidden = (message: string, value: unknown, options: SchemaAST.ParseOptions) =>
  new SchemaIssue.InvalidValue({ message }, value, options)

const inTransit = <A, E extends { readonly message: string }, R>(
  f: (transit: Transit) => Effect.Effect<A, E, R | Scope.Scope>,
  value: unknown,
  options: SchemaAST.ParseOptions
): Effect.Effect<A, SchemaIssue.Issue, Exclude<R, Scope.Scope>> =>
  Effect.flatMap(
    CurrentTransit,
    (transit) =>
      transit === undefined
        ? Effect.fail(
          forbidden("queues and connections can only travel in messages and in payloads of processes", value, options)
        )
        : Effect.mapError(Scope.provide(f(transit), transit.scope), (error) => forbidden(error.message, value, options))
  )

/** Turns a reference into the handle that redeems it. */
const toHandle = (reference: Reference, { attachments, local = false, via }: Omit<Transit, "scope">) =>
  Effect.map(
    reference.handOver({
      reusable: attachments !== undefined,
      relative: (local && reference.client.address === "") || via === reference.client
    }),
    ({ hub, token }): Handle => {
      attachments?.push({ hub, token })
      return { hub, token, name: reference.name }
    }
  )

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
        ({ received, via }) =>
          Effect.flatMap(Hub, (hub) =>
            Effect.map(hub.attach(handle, via), (reference) => {
              received?.push(reference)
              return options.fromReference(reference, hub)
            })),
        handle,
        parseOptions
      )
    ),
    encode: SchemaGetter.transformEffect((value: A, parseOptions) =>
      inTransit((transit) => toHandle(options.referenceOf(value), transit), value, parseOptions)
    )
  }))

/** How a shared object is inherited. */
export const inheritance = <Shape>(
  referenceOf: (service: Shape) => Reference,
  fromReference: (reference: Reference, hub: Hub["Service"]) => Shape
): Inheritable.Inheritable<any, Shape>[typeof Inheritable.TypeId] => ({
  handOver: Effect.fnUntraced(function*(service) {
    const reference = referenceOf(service)
    const handle = yield* toHandle(reference, (yield* CurrentTransit) ?? {})
    return yield* Codec.encode(Handle, handle, reference.name, "inherit")
  }),
  receive: Effect.fnUntraced(function*(bytes) {
    const hub = yield* Hub
    const handle = yield* Codec.decode(Handle, bytes, "inherited object", "inherit")
    return fromReference(yield* hub.attach(handle), hub)
  })
})
