/**
 * The items of a mailbox, and the first of them in memory that its readers share (see `itemRing.ts`), so that a `get` in another process is no
 * round trip. No I/O.
 */
import type * as Effect from "effect/Effect"
import * as MutableList from "effect/MutableList"
import type { NamedSegment, Transport } from "../transport/transport.ts"
import * as Credit from "./credit.ts"
import { anyone, ItemRingReader, ItemRingWriter, maxOffered, maxReader, sizeOf } from "./itemRing.ts"
import { Lookout, looksAtOnce } from "./lookout.ts"
import type { GetOutcome, Item, Mailbox } from "./mailbox.ts"
import * as Message from "./message.ts"

/** Where shared memory comes from, and what is done for those who read there. */
export type FrontTransport = Pick<Transport, "share" | "cameIn" | "watch" | "unwatch">

/** Who reads. */
export interface FrontReader {
  /** What it calls the object. */
  readonly ref: number
  readonly peer: { readonly send: (message: Message.Message) => void; readonly gone: boolean }
  /** Its number among those who claim items in shared memory, or {@link anyone}; `undefined`: it does not. */
  reader: number | undefined
}

export interface FrontOptions<R extends FrontReader> {
  readonly transport: FrontTransport
  /** Does it matter who has taken what? */
  readonly tellsApart: boolean
  /** An item that was offered has been given to user code, of this reader, if that matters and is known. */
  readonly accepted: (item: Item, reader: R | undefined) => void
  /** Some have been, and there is room in their place. */
  readonly released: () => void
}

/** Bytes of items in a ring, and the longest item for which there is none that is larger. */
const tiny = { capacity: 16 * 1024, maxItem: 1024 }
const small = { capacity: 128 * 1024, maxItem: 8 * 1024 }
const large = { capacity: 4 * 1024 * 1024, maxItem: 4 * 1024 * 1024 }

/** The pen is lent as long as no more items are unread. */
const maxUnread = 4

/** One who claims items, and the fibers that look for some. */
export interface SharedReader {
  readonly ring: ItemRingReader
  readonly lookout: Lookout
}

export const sharedReader = (
  memory: ArrayBufferLike,
  number: number,
  watch: Transport["watch"]
): SharedReader => {
  const ring = new ItemRingReader(memory, number)
  return { ring, lookout: new Lookout(() => !ring.isExpecting, watch, looksAtOnce) }
}

interface Ring {
  readonly writer: ItemRingWriter
  readonly segment: NamedSegment
  readonly maxItem: number
  /** For those who read in the process of the hub, while the pen is lent. */
  readonly here: SharedReader
}

export class Front<R extends FrontReader> {
  readonly mailbox: Mailbox
  private readonly options: FrontOptions<R>
  private ring: Ring | undefined
  /** What was offered, in order, as far as the hub knows not claimed. All of it is older than what is in the mailbox. */
  private readonly offered = MutableList.make<Item>()
  /** Those who can claim. */
  private readonly readers = new Set<R>()
  /** The same by number, where it matters who has taken what. */
  private readonly numbered: Array<R | undefined> = [undefined]
  /**
   * Who was lent the pen of the ring, by which request. When it has been recalled, its holder may still be writing what it can't offer any more:
   * until it says that it has put the pen down, nothing is offered.
   */
  private pen: { readonly holder: R; readonly request: number; state: "lent" | "recalled" } | undefined
  /** Somebody reads in the process of the hub. */
  private isReadHere = false
  /** There is no memory to share, or a reader has written nonsense into it. */
  private isUnusable = false

  constructor(mailbox: Mailbox, options: FrontOptions<R>) {
    this.mailbox = mailbox
    this.options = options
  }

  /** Items that a reader could take now. */
  get available(): number {
    this.settle()
    return this.mailbox.available + this.offered.length
  }

  /** Takes the next item, wherever it is, or says why not. It is leased. */
  take(): Item | GetOutcome | "WouldBlock" {
    return this.claim(1) > 0 ? this.first() : this.mailbox.tryTake()
  }

  /** What a take would give now. */
  peek(): "Ready" | GetOutcome | "WouldBlock" {
    return this.available > 0 ? "Ready" : this.mailbox.peek()
  }

  /** This reader could claim what comes next, if there is more, or more is expected. */
  share(reader: R, isExpecting = false): void {
    const { mailbox, ring } = this
    const length = mailbox.next?.bytes.length
    if (length === undefined) {
      if (ring === undefined && isExpecting) this.open(tiny)
    } else if (
      (ring === undefined || length > ring.maxItem || ring.maxItem === tiny.maxItem) && length <= large.capacity
    ) {
      this.open(length > small.maxItem ? large : small)
    }
    if (this.ring === undefined || reader.reader !== undefined) return
    const number = this.options.tellsApart ? this.numberFor(reader) : anyone
    if (number === undefined) return
    this.readers.add(reader)
    reader.reader = number
    const { segment, writer } = this.ring
    reader.peer.send(
      Message.make(Message.Reply.Shared, writer.capacity, reader.ref, number, Buffer.from(segment.name))
    )
  }

  /** `undefined`: there are too many. */
  private numberFor(reader: R): number | undefined {
    const { numbered } = this
    let number = anyone + 1
    while (numbered[number] !== undefined) number++
    if (number > maxReader) return undefined
    numbered[number] = reader
    return number
  }

  private open({ capacity, maxItem }: typeof small): void {
    if (this.isUnusable) return
    this.takeBack()
    this.forget()
    const { share, watch } = this.options.transport
    const segment = share(sizeOf(capacity))
    if (segment === undefined) {
      this.isUnusable = true
      return
    }
    const here = sharedReader(segment.memory, anyone, watch)
    this.ring = { writer: new ItemRingWriter(segment.memory), segment, maxItem, here }
  }

  /** Offers what there is room for. */
  feed(): void {
    if (this.ring === undefined || this.readers.size === 0 || this.isLent) return
    const { mailbox, offered } = this
    const { writer } = this.ring
    do {
      if (!this.settle()) return
      if (this.pen === undefined) this.offerAll(writer)
    } while (!writer.wishFor(this.wish))
    if (this.pen !== undefined) return
    // What is next, if it could not be offered to readers who have all that was, must be asked for.
    writer.expect(!mailbox.isEnding && (mailbox.next === undefined || offered.length > 0))
  }

  private offerAll(writer: ItemRingWriter): void {
    const { mailbox, offered } = this
    for (let next = mailbox.next; next !== undefined; next = mailbox.next) {
      // What carries tickets must be asked for.
      if (next.gone !== undefined || !writer.offer(next.bytes)) break
      MutableList.append(offered, mailbox.tryTake() as Item)
    }
  }

  /** What is left may be taken, then readers end so. */
  endReaders(outcome: GetOutcome): void {
    this.settle()
    this.mailbox.endReaders(outcome)
    this.feed()
  }

  // ---------------------------------------------------------------------------------------------- the pen

  /** Lends the pen to one who puts, and gives the memory. `undefined`: the hub needs it. */
  lend(holder: R, request: number): { readonly name: string; readonly capacity: number } | undefined {
    const { mailbox, options, pen, readers } = this
    if (pen !== undefined || options.tellsApart || !mailbox.isQuiet) return undefined
    if (readers.size === 0 && !this.isReadHere) return undefined
    this.settle()
    // Where readers do not keep up, many items at a time are cheaper.
    if (mailbox.available + this.offered.length > maxUnread) return undefined
    // Who has the pen can't know how much room there is.
    const capacity = this.ring?.writer.capacity ?? small.capacity
    if (mailbox.reservable < capacity + maxOffered * Credit.itemOverhead) return undefined
    if (this.ring === undefined) this.open(small)
    const { ring } = this
    if (ring === undefined) return undefined
    // What was put before is offered before.
    this.offerAll(ring.writer)
    if (mailbox.available > 0) return undefined
    ring.writer.lend()
    this.pen = { holder, request, state: "lent" }
    return { name: ring.segment.name, capacity: ring.writer.capacity }
  }

  get isLent(): boolean {
    return this.pen?.state === "lent"
  }

  /** While the pen is lent, the next item for one who reads in the process of the hub. */
  claimHere(): Uint8Array | undefined {
    this.isReadHere = true
    if (!this.isLent) return undefined
    const bytes = this.ring!.here.ring.claim()
    if (bytes !== undefined) this.options.transport.cameIn(bytes.length)
    return bytes
  }

  /** See {@link Lookout.soon}. `undefined` also while the pen is not lent. */
  soonHere(): Effect.Effect<void> | undefined {
    return this.isLent ? this.ring!.here.lookout.soon() : undefined
  }

  /** Takes the pen back, if it is lent, before anything else is done here; and tells its holder, who may have nothing to put. */
  recall(): void {
    const { mailbox, offered, pen, ring } = this
    if (pen?.state !== "lent") return
    pen.state = "recalled"
    const { holder, request } = pen
    if (!holder.peer.gone) holder.peer.send(Message.make(Message.Reply.Recalled, request, holder.ref, 0))
    const { length } = offered
    const items = ring!.writer.recall(this.onClaimed)
    const wasReleased = offered.length < length
    if (items === undefined) this.giveUp()
    for (const bytes of items ?? []) {
      mailbox.putReserved(bytes, 0)
      MutableList.append(offered, mailbox.tryTake() as Item)
    }
    if (wasReleased) this.options.released()
  }

  /** The same before something is put. If the holder itself puts it by a message, it has put the pen down, or will not take it. */
  recallFor(holder: R): void {
    if (this.pen === undefined) return
    this.recall()
    if (this.pen?.holder === holder) this.pen = undefined
  }

  /** It does not write any more with the pen that it was lent by this request. */
  putDown(holder: R, request: number): void {
    if (this.pen?.holder !== holder || this.pen.request !== request) return
    this.recall()
    this.pen = undefined
    this.feed()
  }

  /** It is gone, and has not said that it does not write any more. */
  abandon(holder: R): void {
    if (this.pen?.holder !== holder) return
    this.takeBack()
    this.forget()
  }

  // ---------------------------------------------------------------------------------------------- claims

  /** How few items may be left before the hub wants to know. */
  private get wish(): number {
    const { mailbox, offered } = this
    if (mailbox.isShort) return offered.length
    return mailbox.available > 0 ? Math.ceil(offered.length / 2) : 0
  }

  /** Takes note of what was claimed. `false`: nothing can be any more. */
  settle(): boolean {
    this.recall()
    if (this.ring === undefined) return false
    const { length } = this.offered
    if (length === 0) return true
    const isValid = this.ring.writer.settle(this.onClaimed)
    if (!isValid) this.giveUp()
    if (this.offered.length < length) this.options.released()
    return isValid
  }

  /** Somebody has written nonsense. */
  private giveUp(): void {
    this.isUnusable = true
    this.forget()
  }

  private readonly onClaimed = (number: number): void => {
    this.options.accepted(this.first(), this.numbered[number])
  }

  /** Of those that were offered. */
  private first(): Item {
    return MutableList.take(this.offered) as Item
  }

  /** As many as are left of so many. */
  private claim(count: number): number {
    this.recall()
    const { length } = this.offered
    if (this.ring === undefined || length === 0) return 0
    const taken = this.ring.writer.take(count, this.onClaimed)
    if (this.offered.length < length) this.options.released()
    return taken
  }

  /** Takes back what is not claimed. */
  private takeBack(): void {
    for (let left = this.claim(Infinity); left > 0; left--) this.mailbox.giveBack(this.first())
  }

  /** An item goes back to its place, before all that are younger. */
  giveBack(item: Item): void {
    this.takeBack()
    this.mailbox.giveBack(item)
  }

  /** The same for one that was accepted and kept. */
  restore(item: Item): void {
    this.takeBack()
    this.mailbox.restore(item)
  }

  /** This reader claims nothing any more. */
  leave(reader: R): void {
    this.settle()
    this.readers.delete(reader)
    if (reader.reader !== undefined) this.numbered[reader.reader] = undefined
  }

  /** Drops what is left; gives the number of dropped items. */
  clear(): number {
    this.takeBack()
    return this.mailbox.clear()
  }

  /** Drops what is left, and offers nothing any more. Who still has the memory finds nothing there. */
  close(): void {
    this.clear()
    this.forget()
  }

  private forget(): void {
    const { ring } = this
    this.ring = undefined
    this.pen = undefined
    if (ring !== undefined) {
      ring.writer.expect(false)
      this.options.transport.unwatch(ring.here.lookout)
      ring.segment.unlink()
      ring.segment.release()
      ring.here.lookout.wake()
    }
    for (const reader of this.readers) reader.reader = undefined
    this.readers.clear()
    this.numbered.length = 1
  }
}
