/**
 * Pipes between processes: two ends, messages by schema.
 *
 * A pipe is a pair of tags, `left` and `right`, so that a child inherits one of them and its parent keeps the other. What the ends do is
 * in `Connection`.
 *
 * - `{ message }`: both ends send and receive messages of one schema, as Python's `Pipe()`.
 * - `{ leftToRight, rightToLeft }`: both ends send and receive, each direction with its own schema.
 * - `{ message, duplex: false }`: `left` only receives, `right` only sends, as Python's `Pipe(duplex=False)`.
 *
 * Python: `multiprocessing.Pipe(duplex=True)`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Connection, Receiver, Sender } from "./Connection.ts"
import { Hub } from "./Hub.ts"
import * as Inheritable from "./Inheritable.ts"
import type * as Codec from "./internal/codec.ts"
import { ConnectionImpl, type Directions } from "./internal/connection.ts"
import { inheritance } from "./internal/transit.ts"

/**
 * How much a pipe holds in each direction before `send` waits.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaultMaxBytes = 16 * 1024 * 1024

/**
 * What goes through a pipe.
 *
 * @category models
 * @since 0.1.0
 */
export type Options = TwoWay | OneWay | Typed

interface Common {
  /** How many bytes each direction holds before `send` waits; a message has 256 more than its own. Default: 16 MiB. */
  readonly maxBytes?: number | undefined
}

/**
 * Both ends send and receive messages of one schema.
 *
 * @category models
 * @since 0.1.0
 */
export interface TwoWay extends Common {
  readonly message: Codec.Portable
  readonly duplex?: true | undefined
}

/**
 * `left` only receives, `right` only sends.
 *
 * @category models
 * @since 0.1.0
 */
export interface OneWay extends Common {
  readonly message: Codec.Portable
  readonly duplex: false
}

/**
 * Both ends send and receive, each direction with its own schema.
 *
 * @category models
 * @since 0.1.0
 */
export interface Typed extends Common {
  readonly leftToRight: Codec.Portable
  readonly rightToLeft: Codec.Portable
}

/**
 * What the left end of a pipe can do.
 *
 * @category utility types
 * @since 0.1.0
 */
export type Left<O> = O extends { readonly message: infer M extends Codec.Portable; readonly duplex: false } ?
  Receiver<M["Type"]>
  : O extends { readonly message: infer M extends Codec.Portable } ? Connection<M["Type"], M["Type"]>
  : O extends
    { readonly leftToRight: infer S extends Codec.Portable; readonly rightToLeft: infer R extends Codec.Portable }
    ? Connection<S["Type"], R["Type"]>
  : never

/**
 * What the right end of a pipe can do.
 *
 * @category utility types
 * @since 0.1.0
 */
export type Right<O> = O extends { readonly message: infer M extends Codec.Portable; readonly duplex: false } ?
  Sender<M["Type"]>
  : O extends { readonly message: infer M extends Codec.Portable } ? Connection<M["Type"], M["Type"]>
  : O extends
    { readonly leftToRight: infer S extends Codec.Portable; readonly rightToLeft: infer R extends Codec.Portable }
    ? Connection<R["Type"], S["Type"]>
  : never

/**
 * The service that one end of a pipe is, in types.
 *
 * @category models
 * @since 0.1.0
 */
export interface Side<Self, S extends "left" | "right"> {
  readonly pipe: Self
  readonly side: S
}

/**
 * The class of a pipe as two services.
 *
 * @category models
 * @since 0.1.0
 */
export interface PipeClass<Self, Id extends string, L, R> {
  new(_: never): Context.ServiceClass.Shape<Id, readonly [left: L, right: R]>
  readonly left: Inheritable.Inheritable<Side<Self, "left">, L>
  readonly right: Inheritable.Inheritable<Side<Self, "right">, R>
  /** Creates the pipe, in the hub of the process that builds the layer, and provides both ends. */
  readonly layer: Layer.Layer<Side<Self, "left"> | Side<Self, "right">, never, Hub>
}

const directions = (options: Options): { readonly left: Directions; readonly right: Directions } => {
  if ("leftToRight" in options) {
    const { leftToRight, rightToLeft } = options
    return { left: { send: leftToRight, receive: rightToLeft }, right: { send: rightToLeft, receive: leftToRight } }
  }
  const { message } = options
  return options.duplex === false
    ? { left: { send: undefined, receive: message }, right: { send: message, receive: undefined } }
    : { left: { send: message, receive: message }, right: { send: message, receive: message } }
}

const makeEnds = Effect.fnUntraced(function*(name: string, options: Options) {
  const hub = yield* Hub
  const { left, right } = directions(options)
  const [leftReference, rightReference] = yield* hub.create([`${name}.left`, `${name}.right`], {
    kind: "pipe",
    duplex: left.send !== undefined,
    maxBytes: options.maxBytes ?? defaultMaxBytes
  })
  return [new ConnectionImpl(leftReference!, left, hub), new ConnectionImpl(rightReference!, right, hub)] as const
})

/**
 * Makes the two tags of a pipe, with their layer.
 *
 * **Example** (Questions and answers)
 *
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import * as Mp from "effect-multiprocessing"
 *
 * class Link extends Mp.Pipe.Service<Link>()("app/Link", { leftToRight: Schema.Number, rightToLeft: Schema.String }) {}
 *
 * export const answer = Mp.Target.make(
 *   "answer",
 *   { module: import.meta.url, inherits: [Link.right] },
 *   Effect.fnUntraced(function*() {
 *     const link = yield* Link.right
 *     yield* link.send(`the answer is ${yield* link.recv()}`)
 *   }, Effect.orDie)
 * )
 *
 * const program = Effect.gen(function*() {
 *   const link = yield* Link.left
 *   yield* Mp.Process.spawn(answer)
 *   yield* link.send(42)
 *   console.log(yield* link.recv()) // => the answer is 42
 * })
 *
 * Mp.runMain(program.pipe(Effect.scoped, Effect.provide(Link.layer.pipe(Layer.provideMerge(Mp.layer)))))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const Service =
  <Self>() =>
  <const Id extends string, const O extends Options>(id: Id, options: O): PipeClass<Self, Id, Left<O>, Right<O>> => {
    const ends = directions(options)
    const side = (name: "left" | "right") =>
      Inheritable.makeClass<Side<Self, typeof name>, ConnectionImpl, object>(
        `${id}.${name}`,
        inheritance(
          (connection: ConnectionImpl) => connection.reference,
          (reference, hub) => new ConnectionImpl(reference, ends[name], hub)
        ),
        () => ({})
      )
    const left = side("left")
    const right = side("right")
    const layer = Layer.effectContext(
      Effect.map(makeEnds(id, options), ([l, r]) => Context.make(left, l).pipe(Context.add(right, r)))
    )
    function PipeClass() {}
    return Object.assign(PipeClass, { left, right, layer }) as any
  }

/**
 * Makes a pipe that lives until the scope closes: for a number of pipes that is known only at run time. Children get an end as part of
 * a payload, by `Connection.handle`.
 *
 * **Example** (Both ends in one process)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import * as Mp from "effect-multiprocessing"
 *
 * const program = Effect.gen(function*() {
 *   const [left, right] = yield* Mp.Pipe.make({ message: Schema.Number })
 *   yield* left.send(1)
 *   yield* left.close
 *   return [yield* right.recv(), yield* Effect.flip(right.recv())]
 * })
 *
 * const [message, end] = await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(Mp.layer)))
 * console.log(message, end instanceof Mp.EndOfFile) // => 1 true
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <const O extends Options>(
  options: O & { readonly name?: string | undefined }
): Effect.Effect<readonly [left: Left<O>, right: Right<O>], never, Hub | Scope.Scope> =>
  makeEnds(options.name ?? "Pipe", options) as any
