/**
 * What a hub needs of a transport: bytes in order both ways, and to know that the other side is gone.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Pollable } from "./poller.ts"

/** Takes bytes in parts, each where it should be. See `FrameDecoder`. */
export interface Collector {
  /** Where the next bytes should be put; then {@link fill} says how many. */
  readonly destination: Buffer | undefined
  readonly fill: (count: number) => void
  /** Of so many bytes, how many to give by `onData`; none: a long frame {@link begin}s, whose length is the next number. */
  readonly before: (available: number, lengthAt: (offset: number) => number) => number
  readonly begin: (length: number, available: number) => void
}

/** What a connection tells its owner. */
export interface DuplexEvents {
  readonly onData: (chunk: Buffer) => void
  /** What the owner makes of the bytes, where it would like to have long ones in their place at once. */
  readonly collector?: () => Collector | undefined
  /** Nothing more comes, and nothing more can be sent. Called once. */
  readonly onClose: (reason: string) => void
}

/** Memory that several processes see. */
export interface Segment {
  readonly memory: ArrayBufferLike
  /** It is not used any more in this process. */
  readonly release: () => void
}

/** One that others can open, as long as it has its name. */
export interface NamedSegment extends Segment {
  readonly name: string
  /** Who has opened it keeps it. */
  readonly unlink: () => void
}

/** One end of a connection. */
export interface Duplex {
  /**
   * Hands bytes to the operating system, in order, as far as it takes them now; the rest follows by itself. Of `bytes` only the first
   * `length`, all by default; the buffer may be used again. Then what is `lent`: it must not change until all is handed over, or
   * until {@link own}. What is `quiet` does not wake the other side, as something that does will follow, or {@link ring}.
   */
  readonly write: (bytes: Buffer, length?: number, lent?: Buffer, quiet?: boolean) => void
  /** Does the other side sleep, and has not been told of what was written quietly? */
  readonly owesBell: () => boolean
  /** Then tells it. */
  readonly ring: () => void
  /** Copies what is lent: its buffers may be used again. */
  readonly own: () => void
  /**
   * Both sides have proved who they are: from now on, bytes may go another way. `rest` came behind the handshake, and is given
   * back by `onData` as far as it is for the owner.
   */
  readonly authenticated: (side: "hub" | "client", rest: Buffer) => void
  /** Calls back when everything that was written has been handed over: at once if it has. */
  readonly whenFlushed: (callback: () => void) => void
  /** Is there room, so that a little more would be handed over at once? `undefined`: it can't be known. */
  readonly hasRoom: () => boolean | undefined
  /** Words of memory that both sides see, once there are any. */
  readonly words: () => Int32Array | undefined
  /** Opens memory that the other side has made. `undefined`: it can't be reached from here. */
  readonly open: (name: string, size: number) => Segment | undefined
  /** Ends the connection after what was written has been handed over. */
  readonly end: () => void
  /** Ends the connection now. */
  readonly destroy: () => void
}

/** What is given to {@link Duplex.write}, in a buffer of its own. */
export const copied = (bytes: Buffer, length = bytes.length, lent?: Buffer): Buffer =>
  Buffer.concat(lent === undefined ? [bytes.subarray(0, length)] : [bytes.subarray(0, length), lent])

/** Why a transport could not listen or connect. */
export class TransportError extends Error {
  override readonly name = "TransportError"
  /** The other side was too busy: it is worth another try. */
  readonly passing: boolean

  constructor(message: string, options?: { readonly passing: boolean }) {
    super(message)
    this.passing = options?.passing ?? false
  }
}

/** Sockets, rings, or the network of a simulation. */
export interface Transport {
  /** Takes in what others have written and nobody has told of yet. */
  readonly poll: () => void
  /** Calls back when something was taken in that nobody has asked for. Gives what ends that. */
  readonly onFound: (listener: () => void) => () => void
  /** A message of so many bytes has come to this process, and will be garbage some time. */
  readonly cameIn: (bytes: number) => void
  /** Memory for a long message, of which nobody else has a part. What is in it is undefined. */
  readonly allocate: (size: number) => Buffer<ArrayBuffer>
  /** After so many messages of a kind, more are expected, and what makes them cheaper is worth its price. */
  readonly expectAfter: number
  /** Looks there for something, as long as it comes soon. */
  readonly watch: (pollable: Pollable) => void
  readonly unwatch: (pollable: Pollable) => void
  /** Makes memory for all who connect. `undefined`: there is none. */
  readonly share: (size: number) => NamedSegment | undefined
  /** Accepts connections until the scope closes. Gives the address that others connect to. */
  readonly listen: (
    onConnection: (duplex: Duplex) => DuplexEvents
  ) => Effect.Effect<string, TransportError, Scope.Scope>
  readonly connect: (
    address: string,
    events: (duplex: Duplex) => DuplexEvents
  ) => Effect.Effect<Duplex, TransportError>
}
