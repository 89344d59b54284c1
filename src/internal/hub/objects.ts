/**
 * What a hub keeps: queues and pipes, who holds them, and who reads and writes them. Data only; the kernel changes it.
 */
import * as Credit from "./credit.ts"
import { Front, type FrontOptions, type FrontReader } from "./front.ts"
import { type Item, Mailbox } from "./mailbox.ts"
import type * as Message from "./message.ts"

/** What happens to the items that a consumer took and did not finish when it dies. */
export type OnConsumerDeath = "redeliver" | "done"

/** What to create. */
export type ObjectSpec =
  | {
    readonly kind: "queue"
    readonly maxItems: number
    readonly maxBytes: number
    /** Counts unfinished items, for `taskDone` and `join`. */
    readonly joinable: OnConsumerDeath | undefined
  }
  | { readonly kind: "pipe"; readonly duplex: boolean; readonly maxBytes: number }

/** What can be read. */
export type Inbox = Front<Holding>

/** The two sides of an object. A queue has only the first. */
export type Side = 0 | 1

export interface QueueObject {
  readonly kind: "queue"
  readonly front: Inbox
  readonly joinable: OnConsumerDeath | undefined
  readonly holdings: Set<Holding>
  tickets: number
  /** Holders that put on credit. */
  readonly creditors: Set<Holding>
  readonly joiners: Set<() => void>
  unfinished: number
  /** Was it shut down at once? Then nothing that comes back stays: nobody would take it, and `join` would wait for ever. */
  dropping: boolean
}

export interface PipeObject {
  readonly kind: "pipe"
  /** What each side reads; `undefined` where it only sends. */
  readonly inbox: readonly [Inbox | undefined, Inbox | undefined]
  /** Holders of each side, tickets included. */
  readonly holders: [number, number]
  readonly creditors: Set<Holding>
}

export type SharedObject = QueueObject | PipeObject

export interface Holding extends FrontReader {
  readonly object: SharedObject
  readonly side: Side
  /** Requests by this holder that are not answered yet, and leases. */
  readonly requests: Set<number>
  /** Items of a joinable queue that it has, in the order in which they were given to it, and that are not done. */
  readonly taken: Array<Item>
  readonly peer: Peer
  readonly ref: number
  /** Units of room that are reserved for its puts: those that it has not spent, and those whose messages are on their way. */
  credit: number
  /** With more credit than this, it needs none: what was enough when that was last looked at. */
  enough: number
  /** How many of its Gets had to wait, as far as that matters. */
  waits: number
  /** Bytes of its last put. */
  lastPut: number
}

export type OpenRequest =
  | { readonly holding: Holding; readonly cancel: () => void }
  | { readonly holding: Holding; readonly front: Inbox; readonly lease: Item }

/** One client, as the kernel sees it. */
export interface Peer {
  readonly send: (message: Message.Message) => void
  /** The words for credit, once there are any. Then it can open memory of this hub, too. */
  readonly words: () => Int32Array | undefined
  readonly holdings: Map<number, Holding>
  readonly open: Map<number, OpenRequest>
  readonly tickets: Set<string>
  gone: boolean
}

export const other = (side: Side): Side => side === 0 ? 1 : 0

/** The words of its client, if there is one for this object. */
export const wordsOf = ({ peer, ref }: Holding): Int32Array | undefined => ref < Credit.slots ? peer.words() : undefined

/** Where its puts go. */
export const outboxOf = ({ object, side }: Holding): Inbox | undefined =>
  object.kind === "queue" ? object.front : object.inbox[other(side)]

/** Where its gets come from. */
export const inboxOf = ({ object, side }: Holding): Inbox | undefined =>
  object.kind === "queue" ? object.front : object.inbox[side]

export interface ObjectOptions {
  readonly transport: FrontOptions<Holding>["transport"]
  readonly accepted: (object: SharedObject, front: Inbox, item: Item, reader: Holding | undefined) => void
  readonly released: (object: SharedObject) => void
}

export const makeObject = (spec: ObjectSpec, options: ObjectOptions): SharedObject => {
  const front = (maxItems: number): Inbox => {
    const front: Inbox = new Front(new Mailbox({ maxItems, maxBytes: spec.maxBytes }), {
      transport: options.transport,
      tellsApart: spec.kind === "queue" && spec.joinable !== undefined,
      accepted: (item, reader) => options.accepted(object, front, item, reader),
      released: () => options.released(object)
    })
    return front
  }
  const object: SharedObject = spec.kind === "queue"
    ? {
      kind: "queue",
      front: front(spec.maxItems),
      joinable: spec.joinable,
      holdings: new Set(),
      tickets: 0,
      creditors: new Set(),
      joiners: new Set(),
      unfinished: 0,
      dropping: false
    }
    : {
      kind: "pipe",
      inbox: [front(0), spec.duplex ? front(0) : undefined],
      holders: [0, 0],
      creditors: new Set()
    }
  return object
}
