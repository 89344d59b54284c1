/**
 * What a hub keeps: queues and pipes, who holds them, and who reads and writes them. Data only; the kernel changes it.
 */
import * as Credit from "./credit.ts"
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

/** The two sides of an object. A queue has only the first. */
export type Side = 0 | 1

/**
 * Who reads a mailbox. Only one reader has items ahead, so that items are given in their order, whoever gets them. While it takes them
 * quickly, the others wait for their turn; if it does not, they are taken back.
 */
export interface Reading {
  /** Who asked last. */
  reader: Holding | undefined
  /** Who waits for the turn. Only while the reader has items ahead. */
  readonly parked: Set<ParkedGet>
  /** What the reader had claimed at the last look, and how many looks ago it had claimed less. */
  claimed: number
  idleLooks: number
  /** How often the turn has passed to another one. */
  turns: number
}

export interface ParkedGet {
  readonly peer: Peer
  readonly request: number
  readonly holding: Holding
  readonly flag: number
}

export const makeReading = (): Reading => ({ reader: undefined, parked: new Set(), claimed: 0, idleLooks: 0, turns: 0 })

export interface QueueObject {
  readonly kind: "queue"
  readonly mailbox: Mailbox
  readonly joinable: OnConsumerDeath | undefined
  readonly holdings: Set<Holding>
  tickets: number
  /** Holders that put on credit. */
  readonly creditors: Set<Holding>
  /** By side; a queue has only the first. */
  readonly reading: readonly [Reading, Reading]
  readonly joiners: Set<() => void>
  unfinished: number
  /** Was it shut down at once? Then nothing that comes back stays: nobody would take it, and `join` would wait for ever. */
  dropping: boolean
}

export interface PipeObject {
  readonly kind: "pipe"
  /** What each side reads; `undefined` where it only sends. */
  readonly inbox: readonly [Mailbox | undefined, Mailbox | undefined]
  /** Holders of each side, tickets included. */
  readonly holders: [number, number]
  readonly creditors: Set<Holding>
  /** By side; a queue has only the first. */
  readonly reading: readonly [Reading, Reading]
}

export type SharedObject = QueueObject | PipeObject

export interface Holding {
  readonly object: SharedObject
  readonly side: Side
  /** Requests by this holder that are not answered yet, and leases. */
  readonly requests: Set<number>
  /** Items of a joinable queue that were accepted and are not done. */
  readonly taken: Array<Item>
  readonly peer: Peer
  readonly ref: number
  /** Items that were sent ahead to it, in order, as far as the hub knows not claimed. They are older than all that is in the mailbox. */
  readonly ahead: Array<Item>
  /** Bytes of these. */
  aheadBytes: number
  /** It was sent items ahead in this turn, and they were not taken back. */
  wasFed: boolean
  /** What the word of {@link ahead} said when it was last read. */
  generation: number
  claimed: number
  /** Units of room that are reserved for its puts: those that it has not spent, and those whose messages are on their way. */
  credit: number
}

export type OpenRequest =
  | { readonly holding: Holding; readonly cancel: () => void }
  | { readonly holding: Holding; readonly mailbox: Mailbox; readonly lease: Item }

/** One client, as the kernel sees it. */
export interface Peer {
  readonly send: (message: Message.Message) => void
  /** The words for credit and claims, once there are any. */
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
export const outboxOf = ({ object, side }: Holding): Mailbox | undefined =>
  object.kind === "queue" ? object.mailbox : object.inbox[other(side)]

export const readingOf = ({ object, side }: Holding): Reading => object.reading[object.kind === "queue" ? 0 : side]

export const inboxOf = (holding: Holding): Mailbox | undefined =>
  holding.object.kind === "queue" ? holding.object.mailbox : holding.object.inbox[holding.side]

export const makeObject = (spec: ObjectSpec): SharedObject => {
  const maxBytes = spec.maxBytes
  return spec.kind === "queue"
    ? {
      kind: "queue",
      mailbox: new Mailbox({ maxItems: spec.maxItems, maxBytes }),
      joinable: spec.joinable,
      holdings: new Set(),
      tickets: 0,
      creditors: new Set(),
      reading: [makeReading(), makeReading()],
      joiners: new Set(),
      unfinished: 0,
      dropping: false
    }
    : {
      kind: "pipe",
      inbox: [
        new Mailbox({ maxItems: 0, maxBytes }),
        spec.duplex ? new Mailbox({ maxItems: 0, maxBytes }) : undefined
      ],
      holders: [0, 0],
      creditors: new Set(),
      reading: [makeReading(), makeReading()]
    }
}
