/**
 * Connections whose bytes go through shared memory, once both sides have proved who they are. The connection below becomes their
 * doorbell, and their sign of life: what a dead peer had written is still read.
 *
 * A client that has shared memory asks for a segment, by four bytes that no frame begins with. The hub offers one by name; the client takes
 * it or declines. From then on each byte on the connection below means "look". Where there is no shared memory, or one side can't
 * open it, the connection below goes on to carry everything.
 */
import * as Effect from "effect/Effect"
import { lengthSize } from "./frames.ts"
import type { Allocate } from "./longBlocks.ts"
import type { Pollable, Poller } from "./poller.ts"
import { RingReader, ringSize, RingWriter } from "./ring.ts"
import type { Duplex, DuplexEvents, NamedSegment, Segment, Transport } from "./transport.ts"

/** Words behind the two rings, for whoever owns the connection. */
const wordCount = 1024

/** Bytes of a segment. */
const segmentSize = (capacity: number): number => 2 * ringSize(capacity) + 4 * wordCount

/** A ring of less is not worth the trouble. */
const smallest = 64 * 1024

/** More than any message without a payload takes. */
const little = 256

/** Where memory that processes share comes from, and what else the system is asked for. */
export interface SharedMemory {
  readonly isAvailable: () => boolean
  /** Lets other processes of this processor run, if there are any. */
  readonly yieldProcessor: () => void
  /** Allocates a long block of this process that will be written to soon: of what such blocks have left, in as few pages as possible. */
  readonly allocateLong: Allocate
  /** `undefined`: there is none. */
  readonly create: (size: number) => NamedSegment | undefined
  readonly open: (name: string, size: number) => Segment | undefined
}

/** Bytes of memory that may be shared with all who connect: it counts as memory of the machine, used or not. */
const maxShared = 256 * 1024 * 1024

const doorbell = Buffer.from([1])
const none = Buffer.alloc(0)
/** As a length, it is beyond the longest frame. */
const request = Buffer.from("ring")
const accepted = 1
const declined = 0

type State = "handshake" | "unknown" | "offering" | "awaitingOffer" | "ring" | "plain" | "closed"

class RingDuplex implements Duplex, Pollable {
  private readonly below: Duplex
  private readonly shared: SharedMemory
  private readonly poller: Options["poller"]
  private capacity: number
  events!: DuplexEvents
  private state: State = "handshake"
  private offer: ReturnType<SharedMemory["create"]>
  private segment: Segment | undefined
  private sharedWords: Int32Array | undefined
  private writer!: RingWriter
  private reader!: RingReader
  /** Written, and not yet handed over. */
  private pending: Array<Buffer> = []
  /** Some of it belongs to somebody else. */
  private lent = false
  private flushed: Array<() => void> = []
  private ending = false
  private polling = false
  /** The beginning of a request or an offer. */
  private received: Buffer = none

  constructor(below: Duplex, shared: SharedMemory, poller: Options["poller"], capacity: number) {
    this.below = below
    this.shared = shared
    this.poller = poller
    this.capacity = capacity
  }

  // ---------------------------------------------------------------------------------------------- above

  authenticated(side: "hub" | "client", rest: Buffer): void {
    if (side === "hub") this.state = "unknown"
    else if (this.shared.isAvailable()) {
      this.state = "awaitingOffer"
      this.below.write(request)
    } else {
      this.state = "plain"
    }
    if (rest.length > 0) this.onData(rest)
  }

  write(bytes: Buffer, length = bytes.length, lent?: Buffer, quiet = false): void {
    if (this.isPlain) return this.below.write(bytes, length, lent)
    if (this.state === "closed") return
    const written = this.writeNow(bytes, length)
    if (written < length) this.pending.push(Buffer.from(bytes.subarray(written, length)))
    if (lent !== undefined) {
      const written = this.writeNow(lent, lent.length)
      if (written < lent.length) {
        this.pending.push(lent.subarray(written))
        this.lent = true
      }
    }
    if (this.state !== "ring") return
    if (this.pending.length > 0) this.push()
    else if (!quiet) this.ring()
    this.poller.wake(this)
  }

  owesBell(): boolean {
    return this.state === "ring" && this.writer.hasSleeper
  }

  ring(): void {
    if (this.state === "ring" && this.writer.takeSleeper()) this.below.write(doorbell)
  }

  /** Writes the first bytes, as far as that can be done now, and says how many. */
  private writeNow(bytes: Buffer, length: number): number {
    return this.state === "ring" && this.pending.length === 0 ? this.writer.write(bytes, length) : 0
  }

  own(): void {
    if (this.isPlain) return this.below.own()
    if (!this.lent) return
    this.lent = false
    this.pending = this.pending.map((chunk) => Buffer.from(chunk))
  }

  whenFlushed(callback: () => void): void {
    if (this.isPlain) return this.below.whenFlushed(callback)
    if (this.pending.length === 0) callback()
    else this.flushed.push(callback)
  }

  end(): void {
    this.ending = true
    if (this.pending.length === 0) this.below.end()
  }

  destroy(): void {
    this.below.destroy()
  }

  hasRoom(): boolean | undefined {
    if (this.isPlain) return this.below.hasRoom()
    return this.state === "ring" && this.pending.length === 0 && this.writer.hasRoom(little)
  }

  words(): Int32Array | undefined {
    return this.sharedWords
  }

  open(name: string, size: number): Segment | undefined {
    return this.state === "ring" ? this.shared.open(name, size) : undefined
  }

  private get isPlain(): boolean {
    return this.state === "plain" || this.state === "handshake"
  }

  // ---------------------------------------------------------------------------------------------- below

  onData(chunk: Buffer): void {
    switch (this.state) {
      case "unknown":
        return this.onFirst(chunk)
      case "offering":
        return this.onAnswer(chunk)
      case "awaitingOffer":
        return this.onOffer(chunk)
      case "ring":
        this.poll()
        return this.poller.wake(this, true)
      case "closed":
        return
      default:
        return this.events.onData(chunk)
    }
  }

  onClose(reason: string): void {
    // What the other side wrote before its end.
    if (this.state === "ring") this.receiveAll()
    this.state = "closed"
    this.poller.forget(this)
    this.events.onClose(reason)
    this.offer?.unlink()
    this.offer?.release()
    this.segment?.release()
    this.offer = this.segment = this.sharedWords = undefined
  }

  private onFirst(chunk: Buffer): void {
    const first = this.received = Buffer.concat([this.received, chunk])
    if (first.length < request.length) return
    this.received = none
    if (first.subarray(0, request.length).equals(request)) this.onRequest(first.subarray(request.length))
    else this.goPlain(first)
  }

  private onRequest(rest: Buffer): void {
    for (;; this.capacity /= 2) {
      this.offer = this.shared.create(segmentSize(this.capacity))
      if (this.offer !== undefined || this.capacity <= smallest) break
    }
    const name = Buffer.from(this.offer?.name ?? "")
    const header = Buffer.alloc(6)
    header.writeUInt16BE(name.length, 0)
    header.writeUInt32BE(this.capacity, 2)
    this.below.write(Buffer.concat([header, name]))
    if (this.offer === undefined) return this.goPlain(rest)
    this.state = "offering"
    if (rest.length > 0) this.onAnswer(rest)
  }

  private onOffer(chunk: Buffer): void {
    const offer = this.received = Buffer.concat([this.received, chunk])
    if (offer.length < 6) return
    const nameLength = offer.readUInt16BE(0)
    if (offer.length < 6 + nameLength) return
    const rest = offer.subarray(6 + nameLength)
    if (nameLength === 0) return this.goPlain(rest)
    const capacity = offer.readUInt32BE(2)
    const segment = this.shared.open(offer.toString("utf8", 6, 6 + nameLength), segmentSize(capacity))
    this.below.write(Buffer.from([segment === undefined ? declined : accepted]))
    if (segment === undefined) return this.goPlain(rest)
    this.goRing(segment, ringSize(capacity), 0, capacity)
  }

  private onAnswer(chunk: Buffer): void {
    const offer = this.offer!
    this.offer = undefined
    // Whoever can has opened it: from now on it has no name, and nothing is left behind when both are dead.
    offer.unlink()
    if (chunk[0] === accepted) return this.goRing(offer, 0, ringSize(this.capacity), this.capacity)
    offer.release()
    this.goPlain(chunk.subarray(1))
  }

  private goPlain(rest: Buffer): void {
    this.state = "plain"
    const { flushed, pending } = this
    this.pending = []
    this.flushed = []
    // The one below copies.
    for (const chunk of pending) this.below.write(chunk)
    for (const callback of flushed) this.below.whenFlushed(callback)
    if (this.ending) this.below.end()
    if (rest.length > 0) this.events.onData(rest)
  }

  private goRing(segment: Segment, write: number, read: number, capacity: number): void {
    this.state = "ring"
    this.segment = segment
    this.sharedWords = new Int32Array(segment.memory, 2 * ringSize(capacity), wordCount)
    this.writer = new RingWriter(segment.memory, write, capacity)
    this.reader = new RingReader(segment.memory, read, capacity)
    this.push()
    this.poller.wake(this)
  }

  // ---------------------------------------------------------------------------------------------- polled

  poll(): boolean {
    // What is delivered just now may want to know whether there is more elsewhere.
    if (this.state !== "ring" || this.polling) return false
    this.polling = true
    const received = this.receiveAll()
    this.polling = false
    const pushed = this.pending.length > 0 && this.isRing() && this.push()
    return received || pushed
  }

  sleep(): boolean {
    if (this.state !== "ring") return true
    return (this.pending.length === 0 || this.writer.awaitRoom()) && this.reader.sleep()
  }

  /** What was delivered meanwhile may have ended the connection. */
  private isRing(): boolean {
    return this.state === "ring"
  }

  /** Takes all that is there now, in parts where the owner wants it in different places. `false`: there is nothing. */
  private receiveAll(): boolean {
    let left: number
    try {
      left = this.reader.available
    } catch {
      this.below.destroy()
      return false
    }
    const received = left > 0
    while (left > 0 && this.isRing()) {
      const count = this.receive(left)
      left -= count
    }
    return received
  }

  /** Takes some of the bytes that are there, and gives how many. */
  private receive(available: number): number {
    const { reader } = this
    const collector = this.events.collector?.()
    const place = collector?.destination
    if (collector !== undefined && place !== undefined) {
      const count = reader.readInto(place, available)
      this.wakeWriter()
      collector.fill(count)
      return count
    }
    const count = collector === undefined ? available : collector.before(available, reader.numberAt)
    if (collector !== undefined && count === 0) {
      collector.begin(reader.numberAt(0), available - lengthSize)
      reader.skip(lengthSize)
      return lengthSize
    }
    const bytes = reader.read(count)!
    this.wakeWriter()
    this.events.onData(bytes)
    return count
  }

  private wakeWriter(): void {
    if (this.reader.takeWaiter()) this.below.write(doorbell)
  }

  /** Hands over what there is room for. `false`: there is none. */
  private push(): boolean {
    let done = 0
    let written = 0
    for (const chunk of this.pending) {
      const count = this.writer.write(chunk)
      written += count
      if (count < chunk.length) {
        if (count > 0) this.pending[done] = chunk.subarray(count)
        break
      }
      done++
    }
    // Not by a new list: this one may be old for V8, and would keep what was in it.
    this.pending.splice(0, done)
    this.ring()
    if (this.pending.length > 0) return written > 0
    this.lent = false
    const { flushed } = this
    this.flushed = []
    for (const callback of flushed) callback()
    if (this.ending) this.below.end()
    return true
  }
}

/** How to use it. */
export interface Options {
  readonly shared: SharedMemory
  readonly poller: Pick<Poller, "wake" | "forget" | "pollAll" | "onFound">
  /** See {@link Transport}. */
  readonly expectAfter?: number | undefined
  /** Bytes that each direction holds, or less where memory is short: a power of two. */
  readonly capacity: number
}

/** A transport over another one. */
export const over = (below: Transport, { capacity, expectAfter = 32, poller, shared }: Options): Transport => {
  const wrap = (duplex: Duplex, onConnection: (duplex: Duplex) => DuplexEvents) => {
    const ring = new RingDuplex(duplex, shared, poller, capacity)
    ring.events = onConnection(ring)
    return ring
  }
  let sharedBytes = 0
  const eventsOf = (ring: RingDuplex): DuplexEvents => ({
    onData: (chunk) => ring.onData(chunk),
    onClose: (reason) => ring.onClose(reason)
  })
  return {
    poll: () => poller.pollAll(),
    onFound: (listener) => poller.onFound(listener),
    cameIn: below.cameIn,
    expectAfter,
    watch: (pollable) => poller.wake(pollable),
    unwatch: (pollable) => poller.forget(pollable),
    allocate: (size) => shared.allocateLong(size, below.allocate),
    share: (size) => {
      const segment = sharedBytes + size > maxShared ? undefined : shared.create(size)
      if (segment === undefined) return undefined
      sharedBytes += size
      const release = () => {
        sharedBytes -= size
        segment.release()
      }
      return { ...segment, release }
    },
    listen: (onConnection) => below.listen((duplex) => eventsOf(wrap(duplex, onConnection))),
    connect: (address, events) => {
      let ring: RingDuplex
      return Effect.map(
        below.connect(address, (duplex) => {
          ring = wrap(duplex, events)
          return eventsOf(ring)
        }),
        () => ring
      )
    }
  }
}
