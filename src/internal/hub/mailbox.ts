/**
 * A first-in-first-out buffer with waiting readers and writers: the state machine behind queues and pipes. No I/O.
 *
 * - An item that is given to a reader is **leased**: it is gone from the buffer, but still takes its room, until the reader
 *   accepts it (handed it to user code) or returns it (the reader's fiber was interrupted, or its process died). A returned
 *   item goes back to its place in the order, because places are sequence numbers.
 * - Room is counted in items and in bytes, of which an item takes some more than it has, as it does in memory: many small ones would fill
 *   that too. An item larger than the room for bytes is let in when the buffer is empty, so that every item gets through.
 * - Room can be **reserved** for items that come later, without waiting.
 * - Readers and writers wait in the order in which they came.
 */
import * as MutableList from "effect/MutableList"
import * as Credit from "./credit.ts"

/** One item; `seq` is its place in the order. */
export interface Item {
  readonly seq: number
  readonly bytes: Uint8Array
  /** The room that it takes, in bytes. */
  readonly size: number
  /** Called once, when the item is gone for good: accepted, or dropped. */
  readonly gone: (() => void) | undefined
  /** It was given to a reader, who has neither accepted nor returned it. */
  leased: boolean
}

/** How a waiting writer ends. */
export type PutOutcome = "Done" | "ShutDown" | "BrokenPipe"
/** How a waiting reader ends without an item. */
export type GetOutcome = "ShutDown" | "EndOfFile"

export interface Writer {
  readonly bytes: Uint8Array
  /** Called once, when the item is gone for good. Not if it was never let in. */
  readonly gone?: (() => void) | undefined
  readonly done: (outcome: PutOutcome) => void
}

export interface Reader {
  /** `undefined`: this reader only wants to know that it could take. */
  readonly take: ((item: Item) => void) | undefined
  /** There is something to take (only without `take`), or there will never be. */
  readonly done: (outcome: GetOutcome | "Ready") => void
}

export interface MailboxOptions {
  /** Number of items; 0: no limit. */
  readonly maxItems: number
  readonly maxBytes: number
}

/** What lies here for long makes garbage collectors slow: with more items than this, writers should wait for readers. */
const manyItems = 2048

export class Mailbox {
  private readonly options: MailboxOptions
  private readonly fresh = MutableList.make<Item>()
  /** Items that came back, in order. They are older than every fresh one. */
  private readonly returned: Array<Item> = []
  private readonly writers = new Set<Writer>()
  private readonly readers = new Set<Reader>()
  /** How many items are leased. */
  private leased = 0
  private items = 0
  private bytes = 0
  private readonly reserved = { items: 0, bytes: 0 }
  private nextSeq = 0
  /** The number of the next item when one went for good. */
  private lastGone = -Infinity
  private writersEnd: Exclude<PutOutcome, "Done"> | undefined
  private readersEnd: GetOutcome | undefined

  constructor(options: MailboxOptions) {
    this.options = options
  }

  /** What a reader would take now. */
  get next(): Item | undefined {
    const { head } = this.fresh
    return this.returned.length > 0 ? this.returned[0] : this.fresh.length > 0 ? head!.array[head!.offset] : undefined
  }

  /** How many items a reader could take now. */
  get available(): number {
    return this.fresh.length + this.returned.length
  }

  /** A writer would wait now. */
  get full(): boolean {
    return this.perItem && this.items >= this.options.maxItems
  }

  private hasRoom(size: number): boolean {
    if (this.perItem && this.items + this.reserved.items >= this.options.maxItems) return false
    return (this.items === 0 && this.reserved.bytes === 0) ||
      this.bytes + this.reserved.bytes + Credit.roomOf(size) <= this.options.maxBytes
  }

  get maxBytes(): number {
    return this.options.maxBytes
  }

  /** Room is needed, or will be soon: whoever takes something should say so at once. */
  get isShort(): boolean {
    return this.perItem || this.writers.size > 0 || 4 * this.bytes > this.options.maxBytes
  }

  /** Is room counted in items? */
  get perItem(): boolean {
    return this.options.maxItems > 0
  }

  /** Writers are far ahead of somebody who reads. Nobody does if none has gone while many were put. */
  get isBehind(): boolean {
    return this.available > manyItems && this.nextSeq - this.lastGone < 8 * manyItems
  }

  /** Nothing more may come, except what comes back. */
  get isEnding(): boolean {
    return this.readersEnd !== undefined
  }

  /** Nobody waits, there is much room, and nothing has ended. */
  get isQuiet(): boolean {
    return this.readers.size === 0 && !this.isShort && this.writersEnd === undefined && !this.isEnding
  }

  /** Nothing that was reserved is outstanding. */
  get unreserved(): boolean {
    return this.reserved.items === 0 && this.reserved.bytes === 0
  }

  /** Units of room that could be reserved now: items, or bytes. */
  get reservable(): number {
    if (this.writersEnd !== undefined || this.writers.size > 0) return 0
    const bytes = this.options.maxBytes - this.bytes - this.reserved.bytes
    if (!this.perItem) return Math.max(0, bytes)
    const items = this.options.maxItems - this.items - this.reserved.items
    return Math.max(0, Math.min(items, Math.floor(bytes / Credit.roomOf(Credit.maxItemSize))))
  }

  reserve(units: number): void {
    this.reserved.bytes += this.perItem ? units * Credit.roomOf(Credit.maxItemSize) : units
    if (this.perItem) this.reserved.items += units
  }

  unreserve(units: number): void {
    if (units === 0) return
    this.reserve(-units)
    this.settle()
  }

  /**
   * Puts an item for which so many units were reserved. It is let in also when nothing may be put any more, as its writer was told so
   * before; only if nobody is left to read it, it is dropped.
   */
  putReserved(bytes: Uint8Array, units: number): void {
    this.reserve(-units)
    if (this.writersEnd !== "BrokenPipe") this.admit(bytes, undefined)
    this.settle()
  }

  /** Could an item of this size be put at once? */
  canPut(size: number): boolean {
    return this.writersEnd === undefined && this.writers.size === 0 && this.hasRoom(size)
  }

  /** Puts at once, or says that the writer would wait. */
  tryPut(bytes: Uint8Array, gone?: () => void): PutOutcome | "WouldBlock" {
    if (!this.canPut(bytes.length)) return this.writersEnd ?? "WouldBlock"
    this.admit(bytes, gone)
    this.settle()
    return "Done"
  }

  /** Puts when there is room. */
  put(writer: Writer): void {
    if (this.writersEnd !== undefined) return writer.done(this.writersEnd)
    this.writers.add(writer)
    this.settle()
  }

  /** Takes at once, or says why not. The item is leased. */
  tryTake(): Item | GetOutcome | "WouldBlock" {
    const item = this.shift()
    if (item !== undefined) return this.lease(item)
    return this.exhausted ? this.readersEnd! : "WouldBlock"
  }

  /** What a take would give now. */
  peek(): "Ready" | GetOutcome | "WouldBlock" {
    if (this.available > 0) return "Ready"
    return this.exhausted ? this.readersEnd! : "WouldBlock"
  }

  /** Takes, or reports, when there is something. */
  wait(reader: Reader): void {
    this.readers.add(reader)
    this.settle()
  }

  /** The reader has handed the item to user code. With `keep`, it may still be restored, and is not gone for good. */
  accept(item: Item, keep = false): void {
    if (!this.endLease(item)) return
    this.release(item)
    if (!keep) item.gone?.()
    this.settle()
  }

  /** The item goes back to its place. */
  giveBack(item: Item): void {
    if (!this.endLease(item)) return
    this.insert(item)
    this.settle()
  }

  /**
   * An item that was accepted and kept comes back, because who took it died before it was worked on. It may exceed the room.
   */
  restore(item: Item): void {
    this.items++
    this.bytes += item.size
    this.insert(item)
    this.settle()
  }

  cancelWriter(writer: Writer): boolean {
    const found = this.writers.delete(writer)
    if (found) this.settle()
    return found
  }

  cancelReader(reader: Reader): boolean {
    return this.readers.delete(reader)
  }

  /** Nobody may put any more; writers that wait end so too. */
  endWriters(outcome: Exclude<PutOutcome, "Done">): void {
    this.writersEnd = outcome
    for (const writer of this.writers) {
      this.writers.delete(writer)
      writer.done(outcome)
    }
    this.settle()
  }

  /** What is left may be taken, then readers end so. */
  endReaders(outcome: GetOutcome): void {
    this.readersEnd = outcome
    this.settle()
  }

  /** Drops what is left; gives the number of dropped items. */
  clear(): number {
    let dropped = 0
    for (let item = this.shift(); item !== undefined; item = this.shift()) {
      this.release(item)
      item.gone?.()
      dropped++
    }
    this.settle()
    return dropped
  }

  /** Nothing is left and nothing can come: neither from a writer nor back from another reader. */
  private get exhausted(): boolean {
    return this.readersEnd !== undefined && this.available === 0 && this.leased === 0 && this.writers.size === 0 &&
      this.unreserved
  }

  private admit(bytes: Uint8Array, gone: (() => void) | undefined): void {
    this.items++
    // From what it is now: an owner may give back the memory of what was taken.
    const size = Credit.roomOf(bytes.length)
    this.bytes += size
    MutableList.append(this.fresh, { seq: this.nextSeq++, bytes, size, gone, leased: false })
  }

  private lease(item: Item): Item {
    item.leased = true
    this.leased++
    return item
  }

  /** `false`: it was not leased. */
  private endLease(item: Item): boolean {
    if (!item.leased) return false
    item.leased = false
    this.leased--
    return true
  }

  private release(item: Item): void {
    this.items--
    this.bytes -= item.size
    this.lastGone = this.nextSeq
  }

  private shift(): Item | undefined {
    if (this.returned.length > 0) return this.returned.shift()
    return this.fresh.length > 0 ? MutableList.take(this.fresh) as Item : undefined
  }

  private insert(item: Item): void {
    let index = this.returned.length
    while (index > 0 && this.returned[index - 1]!.seq > item.seq) index--
    this.returned.splice(index, 0, item)
  }

  /** Moves everything that can move: writers in, items out. */
  private settle(): void {
    if (this.writers.size > 0) {
      for (const writer of this.writers) {
        if (!this.hasRoom(writer.bytes.length)) break
        this.writers.delete(writer)
        this.admit(writer.bytes, writer.gone)
        writer.done("Done")
      }
    }
    if (this.readers.size === 0) return
    if (this.available > 0) {
      for (const reader of this.readers) {
        this.readers.delete(reader)
        if (reader.take === undefined) {
          reader.done("Ready")
        } else {
          reader.take(this.lease(this.shift()!))
        }
        if (this.available === 0) break
      }
    } else if (this.exhausted) {
      for (const reader of this.readers) {
        this.readers.delete(reader)
        reader.done(this.readersEnd!)
      }
    }
  }
}
