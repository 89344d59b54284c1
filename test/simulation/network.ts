/**
 * A network, a clock and processes that exist only in a seeded sequence of events.
 *
 * Every delivery, every timer and every death is an event at a virtual time. One event runs, then everything that it caused, then the
 * next. So a run is determined by its seed.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import {
  copied,
  type Duplex,
  type DuplexEvents,
  type Transport,
  TransportError
} from "../../src/internal/transport/transport.ts"
import type { Random } from "../support/random.ts"

interface Event {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** A process, as far as the network knows it. */
export interface Node {
  readonly name: string
  alive: boolean
  /** Called before and after something that arrived is handled. */
  onArrival: (() => void) | undefined
  /** Ends its connections as the operating system would. */
  readonly ends: Set<End>
}

/** One direction of a connection is what its receiver has not read yet. */
interface End {
  readonly node: Node
  events: DuplexEvents | undefined
  peer: End
  /** Bytes that the process has written and the operating system has not taken: lost when it dies. */
  backlog: Array<Buffer>
  flushed: Array<() => void>
  /** Bytes that the operating system holds until the other process reads them. */
  carried: number
  /** When the last chunk on its way arrives: chunks do not overtake each other. */
  lastArrival: number
  closed: boolean
}

/** What the operating system takes of a connection before its other side reads. */
const socketBuffer = 16 * 1024

/** What is left of it is not used up to the last byte: the operating system counts more than the bytes. */
const room = (end: End): number => end.carried > socketBuffer - 3000 ? 0 : socketBuffer - end.carried

const never: never = undefined as never

export class Network {
  readonly random: Random
  now = 0
  steps = 0
  private readonly queue: Array<Event> = []
  private order = 0
  private readonly listeners = new Map<
    string,
    { readonly node: Node; readonly accept: (duplex: Duplex) => DuplexEvents }
  >()

  constructor(random: Random) {
    this.random = random
  }

  /** Runs something after so many milliseconds. Gives what cancels it. */
  schedule(delay: number, run: () => void): () => void {
    return this.scheduleAt(this.now + delay, run)
  }

  private scheduleAt(at: number, run: () => void): () => void {
    const event: Event = { at, order: this.order++, run }
    let low = 0
    let high = this.queue.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.queue[middle]!
      // The latest first: the next event is the last one.
      if (other.at > event.at || (other.at === event.at && other.order > event.order)) low = middle + 1
      else high = middle
    }
    this.queue.splice(low, 0, event)
    return () => {
      const index = this.queue.indexOf(event)
      if (index >= 0) this.queue.splice(index, 1)
    }
  }

  /** Runs all events, and what they cause; gives `false` if that does not end. */
  async run(limit: number): Promise<boolean> {
    await settle()
    for (let event = this.queue.pop(); event !== undefined; event = this.queue.pop()) {
      if (++this.steps > limit) return false
      this.now = event.at
      event.run()
      await settle()
    }
    return true
  }

  node(name: string): Node {
    return { name, alive: true, onArrival: undefined, ends: new Set() }
  }

  /** The process is gone at this instant, in the middle of whatever it did. */
  kill(node: Node): void {
    if (!node.alive) return
    node.alive = false
    for (const [address, listener] of this.listeners) {
      if (listener.node === node) this.listeners.delete(address)
    }
    for (const end of Array.from(node.ends)) {
      // The operating system may have taken a part of what was waiting: a torn frame.
      const waiting = Buffer.concat(end.backlog)
      if (waiting.length > 0) this.carry(end, waiting.subarray(0, this.random.int(waiting.length)))
      end.backlog = []
      this.close(end)
    }
  }

  readonly clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => this.now,
    currentTimeMillis: Effect.sync(() => this.now),
    currentTimeNanosUnsafe: () => BigInt(Math.floor(this.now * 1e6)),
    currentTimeNanos: Effect.sync(() => BigInt(Math.floor(this.now * 1e6))),
    monotonicTimeNanosUnsafe: () => BigInt(Math.floor(this.now * 1e6)),
    monotonicTimeNanos: Effect.sync(() => BigInt(Math.floor(this.now * 1e6))),
    sleep: (duration) =>
      Effect.callback<void>((resume) => {
        const cancel = this.schedule(Duration.toMillis(duration), () => resume(Effect.void))
        return Effect.sync(cancel)
      })
  }

  transport(node: Node): Transport {
    return {
      poll: () => {},
      onFound: () => () => {},
      cameIn: () => {},
      expectAfter: Infinity,
      watch: () => {},
      unwatch: () => {},
      allocate: Buffer.allocUnsafeSlow,
      share: () => undefined,
      listen: (accept) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            const address = `sim://${node.name}`
            this.listeners.set(address, { node, accept })
            return address
          }),
          (address) => Effect.sync(() => this.listeners.delete(address))
        ),
      connect: (address, events) =>
        Effect.callback<Duplex, TransportError>((resume) => {
          this.schedule(this.latency(), () => {
            if (!node.alive) return
            const listener = this.listeners.get(address)
            if (listener === undefined) return resume(Effect.fail(new TransportError(`nobody listens at ${address}`)))
            const near = this.end(node)
            const far = this.end(listener.node)
            near.peer = far
            far.peer = near
            far.events = listener.accept(this.duplex(far))
            const duplex = this.duplex(near)
            near.events = events(duplex)
            resume(Effect.succeed(duplex))
          })
        })
    }
  }

  private latency(): number {
    // Mostly quick; sometimes so slow that everything else overtakes.
    return this.random.chance(0.05) ? this.random.next() * 50 : this.random.next()
  }

  private end(node: Node): End {
    const end: End = {
      node,
      events: undefined,
      peer: never,
      backlog: [],
      flushed: [],
      carried: 0,
      lastArrival: 0,
      closed: false
    }
    node.ends.add(end)
    return end
  }

  private duplex(end: End): Duplex {
    return {
      owesBell: () => false,
      ring: () => {},
      own: () => {},
      write: (written, length, lent) => {
        if (end.closed || !end.node.alive) return
        const bytes = copied(written, length, lent)
        if (end.backlog.length > 0) {
          end.backlog.push(bytes)
          return
        }
        const taken = Math.min(bytes.length, room(end))
        this.carry(end, bytes.subarray(0, taken))
        if (taken < bytes.length) end.backlog.push(bytes.subarray(taken))
      },
      authenticated: (_, rest) => {
        if (rest.length > 0) end.events!.onData(rest)
      },
      hasRoom: () => undefined,
      words: () => undefined,
      open: () => undefined,
      whenFlushed: (callback) => {
        if (end.backlog.length === 0) callback()
        else end.flushed.push(callback)
      },
      end: () => {
        if (end.backlog.length > 0) end.flushed.push(() => this.close(end))
        else this.close(end)
      },
      destroy: () => this.close(end)
    }
  }

  /** The other process has read: there is room again. */
  private drain(end: End): void {
    if (end.closed || !end.node.alive || end.backlog.length === 0) return
    const bytes = Buffer.concat(end.backlog)
    const taken = Math.min(bytes.length, room(end))
    end.backlog = taken < bytes.length ? [bytes.subarray(taken)] : []
    this.carry(end, bytes.subarray(0, taken))
    if (taken < bytes.length) return
    const flushed = end.flushed
    end.flushed = []
    for (const callback of flushed) callback()
  }

  /** The operating system has the bytes: they arrive, cut in other places. */
  private carry(end: End, bytes: Buffer): void {
    for (let offset = 0; offset < bytes.length;) {
      const left = Math.min(bytes.length - offset, 4096)
      const size = this.random.chance(0.8) ? left : 1 + this.random.int(left)
      const chunk = Buffer.from(bytes.subarray(offset, offset + size))
      offset += size
      end.carried += chunk.length
      this.arrive(end, (peer) => {
        end.carried -= chunk.length
        this.drain(end)
        peer.node.onArrival?.()
        if (peer.node.alive) peer.events?.onData(chunk)
        peer.node.onArrival?.()
      })
    }
  }

  private arrive(end: End, deliver: (peer: End) => void): void {
    end.lastArrival = Math.max(end.lastArrival, this.now + this.latency())
    this.scheduleAt(end.lastArrival, () => {
      if (end.peer.node.alive && !end.peer.closed) deliver(end.peer)
    })
  }

  private close(end: End): void {
    if (end.closed) return
    end.closed = true
    end.node.ends.delete(end)
    if (end.node.alive) this.schedule(0, () => end.events?.onClose("closed"))
    this.arrive(end, (peer) => this.close(peer))
  }
}

/** Everything that can run without another event has run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
