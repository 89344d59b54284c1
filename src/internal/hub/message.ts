import { readNumber, writeNumber } from "../transport/frames.ts"

/**
 * What a hub and its clients say to each other. Every message has the same five fields, so that there is one codec, and
 * no byte sequence of sufficient length that it can't read: what a message means is checked by the kernel.
 *
 * | byte | field |
 * | --- | --- |
 * | 0 | `op` |
 * | 1 to 4 | `request`: chosen by the client, unique among its open requests |
 * | 5 to 8 | `ref`: the client's own number for an object that it holds, like a file descriptor |
 * | 9 | `flag` |
 * | 10 … | `bytes` |
 */
export interface Message {
  readonly op: Op
  readonly request: number
  readonly ref: number
  readonly flag: number
  readonly bytes: Uint8Array
}

/** What a message asks or answers. */
export type Op = number

/** From a client to the hub. */
export const Request = {
  /** Redeem the ticket in `bytes`: the object becomes `ref`. Answer: Done, Failed. */
  Attach: 1,
  /**
   * Make a ticket for `ref`: good for one use, or with `flag` 1 for as many as there are readers of the message that it travels
   * in. Answer: Ticket, Failed.
   */
  HandOver: 2,
  /** Cancel the ticket in `bytes`, if it is this client's. No answer. */
  Revoke: 3,
  /** Let go of `ref`. No answer. */
  Detach: 4,
  /** Put `bytes` into `ref`; `flag` as in {@link PutFlag}. Answer: Done, Failed. */
  Put: 5,
  /** Take from `ref`; `flag` as in {@link GetFlag}. Answer: Item (then Accept or Return it), Failed. */
  Get: 6,
  /** The item that answered `request` was given to the user. No answer. */
  Accept: 7,
  /** Nobody waits for `request` any more: cancel it, or put the item that answered it back in its place. No answer. */
  Return: 8,
  /** Give up `request`. Answer: Failed with Cancelled, unless the request was answered before. */
  Cancel: 9,
  /** Tell when a Get on `ref` would be answered; `flag` 1: answer now. Answer: Done, Failed. */
  Poll: 10,
  /** How full is `ref`? Answer: Sizes. */
  Inspect: 11,
  /** Shut the queue down; `flag` 1: and drop what is in it. Answer: Done. */
  ShutDown: 12,
  /** One item was worked on. Answer: Done, Failed. */
  TaskDone: 13,
  /** Tell when every item was worked on; `flag` 1: answer now. Answer: Done, Failed. */
  Join: 14,
  /** The ticket in `bytes` is this client's from now on. Answer: Done, Failed. */
  Adopt: 15,
  /** Everything before this was read. Answer: Done. */
  Ping: 16,
  /** Items of `ref` were claimed in shared memory, and the hub wished to know. No answer. See `itemRing.ts`. */
  Claimed: 17,
  /** Offer in shared memory, in place of the hub, what this client puts into `ref` from now on. Answer: Pen, Failed. See `itemRing.ts`. */
  TakePen: 18,
  /** This client offers nothing more with the Pen that answered `request`. Said once of each. No answer. */
  PutDownPen: 19
} as const

/** Bits of the flag of a Get. */
export const GetFlag = {
  /** Only what is there now. */
  nowait: 1,
  /** An item without tickets that is there now need not be accepted: its Item has `flag` 1. */
  accepted: 2,
  /** Those that follow may be claimed in shared memory. */
  shared: 4
} as const

/** Does its answer depend on what others have put? */
export const looks = (op: Op): boolean =>
  op === Request.Get || op === Request.Poll || op === Request.Inspect || op === Request.ShutDown || op === Request.Join

/** Bits of the flag of a Put. */
export const PutFlag = {
  /** Only if there is room now. */
  nowait: 1,
  /** `bytes` begin with the tickets inside of the message: see `attachments.ts`. */
  attachments: 2,
  /** Room was reserved for it: there is no answer. See `credit.ts`. */
  onCredit: 4
} as const

/** From the hub to a client. */
export const Reply = {
  Done: 32,
  /** Of `ref`; `flag` 1: it need not be accepted. */
  Item: 33,
  /** `flag` is a {@link Refusal}. */
  Failed: 34,
  Ticket: 35,
  /** `ref` is the number of items that a Get could take, `flag` 1 if a Put would wait. */
  Sizes: 36,
  /**
   * The next items of `ref` lie in memory whose name is in `bytes`, with room for `request` bytes of them, and may be claimed there by the number
   * in `flag`, which is 0 for all where it does not matter who has what. See `itemRing.ts`.
   */
  Shared: 37,
  /** The memory whose name is in `bytes`, with room for `ref` bytes of items, is this client's to offer in, if it has put nothing since it asked. */
  Pen: 38,
  /** The Pen of `ref` that answered `request` has been taken back: it should be put down. */
  Recalled: 39
} as const

/** Why a request failed. */
export const Refusal = {
  /** No item, or no room, now. */
  WouldBlock: 1,
  ShutDown: 2,
  EndOfFile: 3,
  BrokenPipe: 4,
  Cancelled: 5,
  TaskDoneTooOften: 6,
  /** The ticket is unknown: never issued, redeemed before, or revoked. */
  UnknownTicket: 7,
  /** The reference is not held by this client, or not of this kind. */
  UnknownReference: 8
} as const

/** Bytes before the payload. */
export const headerSize = 10

const none = new Uint8Array(0)

export const make = (op: Op, request: number, ref: number, flag: number, bytes: Uint8Array = none): Message => ({
  op,
  request,
  ref,
  flag,
  bytes
})

/**
 * The bytes of a message for a kernel, which keeps them, while an encoder may use its buffer again; behind those of a `head`, if there is
 * one. The `slice` of a `Buffer` does not copy.
 */
export const copy = (bytes: Uint8Array, head?: Uint8Array): Uint8Array => {
  if (head === undefined) return new Uint8Array(bytes)
  const all = new Uint8Array(head.length + bytes.length)
  all.set(head)
  all.set(bytes, head.length)
  return all
}

/** Writes the header of a message. */
export const writeHeader = (message: Message, target: Buffer, offset: number): void => {
  target[offset] = message.op
  writeNumber(target, offset + 1, message.request)
  writeNumber(target, offset + 5, message.ref)
  target[offset + 9] = message.flag
}

/**
 * Reads the message between two places of a buffer; `undefined` if there are too few bytes for one. `bytes` is a view into it.
 */
export const read = (source: Buffer, start = 0, end = source.length): Message | undefined =>
  end - start < headerSize ? undefined : {
    op: source[start]!,
    request: readNumber(source, start + 1),
    ref: readNumber(source, start + 5),
    flag: source[start + 9]!,
    // Not a Buffer: users may get to see it, and what they get is the same whether the hub is in this process or in another.
    bytes: end - start === headerSize
      ? none
      : new Uint8Array(source.buffer, source.byteOffset + start + headerSize, end - start - headerSize)
  }
