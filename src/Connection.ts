/**
 * The ends of a pipe: messages by schema, in order, each to exactly one receiver.
 *
 * An end may be held by several processes at once. Every message goes whole to exactly one of the receivers; messages of several
 * senders never mix. When the last process that held the other end has closed it or died, what it had sent can still be received,
 * then `recv` fails with `EndOfFile`; `send` fails with `BrokenPipe` at once.
 *
 * **Bounds.** A pipe holds up to 16 MiB a direction (or one message, if that is larger) that nobody has received yet; then `send`
 * waits. A message takes its own bytes and 256 more.
 *
 * Python: `multiprocessing.connection.Connection`.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type {
  BrokenPipe,
  BufferTooShort,
  Closed,
  DecodeError,
  EncodeError,
  EndOfFile,
  HubLost,
  InvalidArgument,
  TimedOut
} from "./Failure.ts"
import type { Handle, Hub } from "./Hub.ts"
import type * as Codec from "./internal/codec.ts"
import * as internal from "./internal/connection.ts"
import { patience } from "./internal/patience.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~effect-multiprocessing/Connection"

/**
 * How long to wait. Zero and less: not at all.
 *
 * @category models
 * @since 0.1.0
 */
export interface Timeout {
  readonly timeout?: Duration.Input | undefined
}

/**
 * What every end of a pipe can do.
 *
 * @category models
 * @since 0.1.0
 */
export interface End {
  readonly [TypeId]: typeof TypeId
  readonly name: string
  /**
   * A number that no other open connection of this process has: 3 or more. It is no descriptor of the operating system, because all
   * connections between two processes share one socket.
   *
   * Python: `fileno()`.
   */
  readonly fileno: Effect.Effect<number, Closed>
  /** Was it closed in this process? */
  readonly closed: Effect.Effect<boolean>
  /** Lets go of this end in this process. Happens by itself at the end of the scope; a second call does nothing. */
  readonly close: Effect.Effect<void>
}

/**
 * An end that sends.
 *
 * @category models
 * @since 0.1.0
 */
export interface Sender<in A> extends End {
  /** Sends a message; waits while the pipe is full. When it returns, the message will be delivered, whatever happens to this process. */
  readonly send: (message: A) => Effect.Effect<void, BrokenPipe | EncodeError | Closed | HubLost>
  /**
   * Sends bytes as a message: all, or `size` of them from `offset`.
   *
   * Python: `send_bytes(buffer, offset, size)`; `InvalidArgument` is its `ValueError`.
   */
  readonly sendBytes: (
    bytes: Uint8Array,
    range?: { readonly offset?: number | undefined; readonly size?: number | undefined }
  ) => Effect.Effect<void, InvalidArgument | BrokenPipe | Closed | HubLost>
}

/**
 * An end that receives.
 *
 * @category models
 * @since 0.1.0
 */
export interface Receiver<out A> extends End {
  /**
   * Receives the next message; waits for it. With a timeout, fails with `TimedOut` when it passes. An interrupted `recv` leaves the
   * message in the pipe.
   */
  readonly recv: {
    (): Effect.Effect<A, EndOfFile | DecodeError | Closed | HubLost>
    (options: Timeout): Effect.Effect<A, TimedOut | EndOfFile | DecodeError | Closed | HubLost>
  }
  /**
   * Would `recv` return, or fail with `EndOfFile`, without waiting? Takes nothing. Waits for that up to the timeout; by default
   * it does not wait. `Duration.infinity` waits without limit.
   *
   * Python: `poll(timeout=0.0)`.
   */
  readonly poll: (options?: Timeout) => Effect.Effect<boolean, Closed | HubLost>
  /**
   * Receives a message as bytes. A message longer than `maxLength` fails with `BufferTooShort`, which has it.
   *
   * Python: `recv_bytes(maxlength)`, which makes the connection unreadable in that case. Here it stays usable.
   */
  readonly recvBytes: {
    (): Effect.Effect<Uint8Array, EndOfFile | Closed | HubLost>
    (
      options: { readonly maxLength: number }
    ): Effect.Effect<Uint8Array, InvalidArgument | BufferTooShort | EndOfFile | Closed | HubLost>
  }
  /**
   * Receives a message as bytes into a buffer, from the byte `offset` on, and gives its length. A message that does not fit fails with
   * `BufferTooShort`, which has it.
   *
   * Python: `recv_bytes_into(buffer, offset)`.
   */
  readonly recvBytesInto: (
    buffer: ArrayBufferView,
    offset?: number
  ) => Effect.Effect<number, InvalidArgument | BufferTooShort | EndOfFile | Closed | HubLost>
  /** The messages, as they come, until the other end is gone. */
  readonly stream: Stream.Stream<A, DecodeError | Closed | HubLost>
}

/**
 * An end that sends and receives.
 *
 * @category models
 * @since 0.1.0
 */
export interface Connection<in Send, out Receive> extends Sender<Send>, Receiver<Receive> {}

/**
 * Any value that is an end of a pipe.
 *
 * @category guards
 * @since 0.1.0
 */
export const isConnection = (u: unknown): u is End => Predicate.hasProperty(u, TypeId)

/**
 * The schema of an end inside of a payload or a message: a handle on the wire, a live connection of the receiving process after
 * decoding. The sender keeps its own; close it if the end is to belong to the receiver alone.
 *
 * @category schemas
 * @since 0.1.0
 */
export const handle = <
  S extends Codec.Portable | undefined = undefined,
  R extends Codec.Portable | undefined = undefined
>(options: {
  /** What is sent through this end; leave it out for an end that only receives. */
  readonly send?: S
  /** What is received through this end; leave it out for an end that only sends. */
  readonly receive?: R
}): Schema.Codec<EndOf<S, R>, typeof Handle.Encoded, Hub, Hub> =>
  internal.handle({ send: options.send, receive: options.receive })

/**
 * An end with these directions.
 *
 * @category utility types
 * @since 0.1.0
 */
export type EndOf<S extends Codec.Portable | undefined, R extends Codec.Portable | undefined> = S extends Codec.Portable
  ? R extends Codec.Portable ? Connection<S["Type"], R["Type"]> : Sender<S["Type"]>
  : R extends Codec.Portable ? Receiver<R["Type"]>
  : End

/**
 * What {@link wait} can wait for: an end that receives, or an effect that completes when something has happened, such as the
 * `sentinel` of a process. The effect is run anew, and interrupted when the wait is over.
 *
 * @category models
 * @since 0.1.0
 */
export type Waitable = Receiver<unknown> | Effect.Effect<unknown, unknown>

const readiness = (waitable: Waitable): Effect.Effect<void> =>
  isConnection(waitable)
    // Closed or lost: an operation would return without waiting.
    ? Effect.ignore(waitable.poll({ timeout: Duration.infinity }))
    : Effect.asVoid(Effect.exit(waitable))

/**
 * Waits until at least one of the objects is ready, and gives all that are ready then, in the order given. Takes nothing from them.
 * With a timeout, gives none when it passes; zero and less only look.
 *
 * A receiver is ready when `recv` would not wait; so is one at its end of file. Of an empty list nothing can ever be ready: without
 * a timeout that waits for ever, as in Python.
 *
 * Python: `multiprocessing.connection.wait(object_list, timeout=None)`.
 *
 * **Example** (The first of two pipes that has a message)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import * as Mp from "effect-multiprocessing"
 *
 * const program = Effect.gen(function*() {
 *   const [a] = yield* Mp.Pipe.make({ message: Schema.String })
 *   const [b, c] = yield* Mp.Pipe.make({ message: Schema.String })
 *   yield* c.send("hello")
 *   const ready = yield* Mp.wait([a, b], { timeout: "1 second" })
 *   return ready.length === 1 && ready[0] === b
 * })
 *
 * console.log(await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(Mp.layer)))) // => true
 * ```
 *
 * @category waiting
 * @since 0.1.0
 */
export const wait = Effect.fnUntraced(function*<const W extends ReadonlyArray<Waitable>>(
  objects: W,
  options?: Timeout
): Effect.fn.Return<Array<W[number]>> {
  return yield* Effect.scoped(Effect.gen(function*() {
    const fibers: Array<Fiber.Fiber<void>> = []
    for (const object of objects) {
      fibers.push(yield* Effect.forkScoped(readiness(object), { startImmediately: true }))
    }
    const wait = patience(options?.timeout)
    if (wait !== "nowait") {
      const first = Effect.raceAllFirst<Effect.Effect<unknown>>([Effect.never, ...fibers.map(Fiber.await)])
      yield* wait === undefined ? first : Effect.raceFirst(first, Effect.sleep(wait))
    }
    // What is ready together with the first is known a round trip later at the latest.
    yield* Effect.forEach(objects, (object) => isConnection(object) ? Effect.exit(object.poll()) : Effect.void, {
      concurrency: "unbounded",
      discard: true
    })
    return Arr.filter(objects, (_, i) => {
      const exit = fibers[i]!.pollUnsafe()
      return exit !== undefined && Exit.isSuccess(exit)
    })
  }))
})
