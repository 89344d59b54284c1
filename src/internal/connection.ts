/**
 * The ends of pipes, over references to them.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import type * as Connection from "../Connection.ts"
import {
  BrokenPipe,
  BufferTooShort,
  type Closed,
  type DecodeError,
  EndOfFile,
  type HubLost,
  InvalidArgument,
  TimedOut,
  Unsupported
} from "../Failure.ts"
import type { Hub } from "../Hub.ts"
import * as Codec from "./codec.ts"
import type { Lease } from "./hub/client.ts"
import * as Message from "./hub/message.ts"
import type { Meaning, Reference } from "./hub/reference.ts"
import * as Mail from "./mail.ts"
import { type Patience, patience } from "./patience.ts"
import { handleSchema } from "./transit.ts"
import { maxMessageSize } from "./transport/frames.ts"

const TypeId: typeof Connection.TypeId = "~effect-multiprocessing/Connection"

/** What goes through an end; `undefined` for the direction that it does not have. */
export interface Directions {
  readonly send: Codec.Portable | undefined
  readonly receive: Codec.Portable | undefined
}

const isNatural = (n: number) => Number.isInteger(n) && n >= 0

export class ConnectionImpl {
  readonly [TypeId] = TypeId
  readonly name: string
  readonly reference: Reference
  private readonly outgoing: Codec.Codec<unknown> | undefined
  private readonly incoming: Codec.Codec<unknown> | undefined
  private readonly hub: Hub["Service"]
  /** Made once, as most programs use nothing else. */
  private readonly recvAny: Effect.Effect<unknown, TimedOut | EndOfFile | DecodeError | Closed | HubLost>

  constructor(reference: Reference, directions: Directions, hub: Hub["Service"]) {
    this.reference = reference
    this.name = reference.name
    this.hub = hub
    this.outgoing = directions.send && Codec.make(directions.send, this.name, hub)
    this.incoming = directions.receive && Codec.make(directions.receive, this.name, hub)
    this.recvAny = this.recvWith(undefined)
  }

  get fileno() {
    return Effect.as(this.reference.whenOpen, this.reference.number)
  }
  get closed() {
    return Effect.sync(() => this.reference.isClosed)
  }
  get close() {
    return this.reference.close
  }
  toJSON() {
    return { _id: "Connection", name: this.name, closed: this.reference.isClosed }
  }
  [NodeInspectSymbol]() {
    return this.toJSON()
  }

  // ---------------------------------------------------------------------------------------------- sending

  readonly send = (message: unknown) =>
    this.outgoing === undefined
      ? this.wrongDirection("send")
      : Mail.send(this.outgoing, this.reference, message, "send", this.sendMeaning, undefined)

  private readonly sendMeaning: Meaning<void, BrokenPipe, never> = {
    onReply: () => Effect.void,
    onRefusal: (refusal) =>
      refusal === Message.Refusal.BrokenPipe ? Effect.fail(new BrokenPipe({ connection: this.name })) : undefined
  }

  readonly sendBytes = (
    bytes: Uint8Array,
    range?: { readonly offset?: number | undefined; readonly size?: number | undefined }
  ): Effect.Effect<void, InvalidArgument | BrokenPipe | Closed | HubLost> =>
    Effect.suspend((): Effect.Effect<void, InvalidArgument | BrokenPipe | Closed | HubLost> => {
      if (this.outgoing === undefined) return this.wrongDirection("sendBytes")
      const offset = range?.offset ?? 0
      if (!isNatural(offset) || offset > bytes.length) {
        return this.invalid("sendBytes", `offset ${offset} is not within the ${bytes.length} bytes`)
      }
      const size = range?.size ?? bytes.length - offset
      if (!isNatural(size) || offset + size > bytes.length) {
        return this.invalid("sendBytes", `size ${size} from offset ${offset} is not within the ${bytes.length} bytes`)
      }
      if (size > maxMessageSize) return this.invalid("sendBytes", Mail.tooLarge(size))
      return this.reference.request(Message.Request.Put, this.sendMeaning, {
        bytes: bytes.subarray(offset, offset + size)
      })
    })

  // ---------------------------------------------------------------------------------------------- receiving

  readonly recv = (options?: Connection.Timeout) =>
    options?.timeout === undefined ? this.recvAny : this.recvWith(patience(options.timeout))

  private recvWith(wait: Patience) {
    return this.receiveMessage(
      "recv",
      wait,
      (bytes, lease) => Mail.receive(this.incoming!, this.hub, this.reference, bytes, lease, "recv"),
      this.incoming?.isPlain
    )
  }

  readonly recvBytes = (options?: { readonly maxLength: number }) => {
    const room = options?.maxLength ?? Infinity
    return room === Infinity || isNatural(room)
      ? this.receiveMessage(
        "recvBytes",
        undefined,
        (bytes, lease) => {
          lease.accept()
          return bytes.length > room ? this.tooShort(bytes, room) : Effect.succeed(bytes)
        }
      )
      : this.invalid("recvBytes", `maxLength ${room} is not a number of bytes`)
  }

  /** The next message as bytes if there is one now. */
  readonly takeBytes: Effect.Effect<Uint8Array | undefined, Closed | HubLost> = Effect.suspend(() =>
    Effect.catchTags(
      this.receiveMessage("takeBytes", "nowait", (bytes, lease): Effect.Effect<Uint8Array | undefined> => {
        lease.accept()
        return Effect.succeed(bytes)
      }),
      { TimedOut: () => Effect.void, EndOfFile: () => Effect.void }
    )
  ) as Effect.Effect<Uint8Array | undefined, Closed | HubLost>

  readonly recvBytesInto = (buffer: ArrayBufferView, offset = 0) =>
    isNatural(offset) && offset <= buffer.byteLength
      ? this.receiveMessage("recvBytesInto", undefined, (bytes, lease) => {
        lease.accept()
        const room = buffer.byteLength - offset
        if (bytes.length > room) return this.tooShort(bytes, room)
        new Uint8Array(buffer.buffer, buffer.byteOffset + offset, room).set(bytes)
        return Effect.succeed(bytes.length)
      })
      : this.invalid("recvBytesInto", `offset ${offset} is not within the buffer of ${buffer.byteLength} bytes`)

  readonly poll = (options?: Connection.Timeout) =>
    this.incoming === undefined
      ? this.wrongDirection("poll")
      : this.reference.request<boolean>(Message.Request.Poll, {
        onReply: () => Effect.succeed(true),
        // At its end of file a connection is readable: `recv` tells it at once.
        onRefusal: (refusal) => Effect.succeed(refusal === Message.Refusal.EndOfFile)
      }, { patience: patience(options?.timeout ?? 0) })

  get stream() {
    return Stream.fromPull(Effect.succeed(
      Effect.map(this.recv(), (message): readonly [unknown] => [message]).pipe(
        Effect.catchTag("TimedOut", Effect.die),
        Effect.catchTag("EndOfFile", () => Cause.done())
      )
    ))
  }

  private receiveMessage<A, E>(
    operation: string,
    wait: Patience,
    read: (bytes: Uint8Array, lease: Lease) => Effect.Effect<A, E>,
    eager: () => boolean = () => true
  ) {
    if (this.incoming === undefined) return this.wrongDirection(operation)
    return this.reference.request<A, E | TimedOut | EndOfFile>(Message.Request.Get, {
      onReply: (reply, lease) => read(reply.bytes, lease),
      onRefusal: (refusal) => {
        switch (refusal) {
          case Message.Refusal.WouldBlock:
          case Message.Refusal.Cancelled:
            return Effect.fail(new TimedOut({ operation: `${this.name}: ${operation}` }))
          case Message.Refusal.EndOfFile:
            return Effect.fail(new EndOfFile({ connection: this.name }))
        }
      }
    }, { patience: wait, eager })
  }

  private invalid(operation: string, problem: string) {
    return Effect.fail(new InvalidArgument({ object: this.name, operation, problem }))
  }

  private tooShort(bytes: Uint8Array, room: number) {
    return Effect.fail(new BufferTooShort({ connection: this.name, bytes, room }))
  }

  /** The types do not allow this: a defect, but one that says what is wrong. */
  private wrongDirection(operation: string) {
    return Effect.die(
      new Unsupported({
        operation: `${this.name}: ${operation}`,
        problem: `this end of a one-way pipe only ${this.incoming === undefined ? "sends" : "receives"}`
      })
    )
  }
}

/** The schema of an end as part of a payload or a message. */
export const handle = (directions: Directions): any =>
  handleSchema({
    identifier: "Connection",
    is: (value: unknown): value is ConnectionImpl => Predicate.hasProperty(value, TypeId),
    referenceOf: (connection) => connection.reference,
    fromReference: (reference, hub) => new ConnectionImpl(reference, directions, hub)
  })
