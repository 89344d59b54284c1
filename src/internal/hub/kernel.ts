/**
 * The hub's state machine: which client holds which object, the tickets on their way to new holders, and what each request
 * does. No I/O, and no time but a way to be called back: it receives messages and the news that a client is gone, and answers through `Peer.send`, now
 * or later. One message is one atomic step, so nothing a client does or fails to do leaves an object half changed.
 *
 * A client can only name objects by its own small numbers, which it gets by redeeming a ticket: 16 random bytes, good for
 * one use. A ticket counts as a holder, so that an object can't end between hand-over and arrival.
 */
import type * as Effect from "effect/Effect"
import type { Transport } from "../transport/transport.ts"
import * as Credit from "./credit.ts"
import type { GetOutcome, Item, Mailbox, PutOutcome, Reader, Writer } from "./mailbox.ts"
import * as Message from "./message.ts"
import {
  type Holding,
  type Inbox,
  inboxOf,
  makeObject,
  type ObjectOptions,
  type ObjectSpec,
  other,
  outboxOf,
  type Peer,
  type PipeObject,
  type QueueObject,
  type SharedObject,
  type Side,
  wordsOf
} from "./objects.ts"

interface Ticket {
  readonly object: SharedObject
  readonly side: Side
  /** Good for any number of uses, until it is dropped. */
  readonly reusable: boolean
  /** Whose end ends the ticket; a message once it has been put, which drops its tickets by itself. */
  owner: Peer | undefined
}

/** What travels with an item. */
export interface Attached {
  /** Tickets of this hub. They belong to the message from now on. */
  readonly tokens: ReadonlyArray<Uint8Array>
  /** Called once, when the message is gone for good, or was not let in. */
  readonly gone: (() => void) | undefined
}

const refusals: Record<Exclude<PutOutcome, "Done"> | GetOutcome | "WouldBlock", number> = {
  WouldBlock: Message.Refusal.WouldBlock,
  ShutDown: Message.Refusal.ShutDown,
  BrokenPipe: Message.Refusal.BrokenPipe,
  EndOfFile: Message.Refusal.EndOfFile
}

/** How many items a holder may put without being answered. */
const itemsWindow = 256

/** How many bytes: enough that long messages follow each other, and not all of the room. */
const bytesWindow = (room: number): number => Math.min(8 * 1024 * 1024, Math.floor(room / 2))

/**
 * And for no more messages than these, if they are like the last one: what writers have sent should not pile up. Together, but each
 * has enough to go on with while the hub looks after others.
 */
const messagesWindow = 4096
const leastMessages = 512

/** Items that may wait for the end of a batch before they are offered. */
const maxUnfed = 32

/** How many units one of so many writers may put without being answered. */
const windowOf = (mailbox: Mailbox, lastPut: number, writers: number): number =>
  mailbox.perItem
    ? itemsWindow
    : Math.min(
      bytesWindow(mailbox.maxBytes),
      Math.max(leastMessages, Math.floor(messagesWindow / writers)) * Credit.roomOf(lastPut)
    )

const key = (token: Uint8Array): string =>
  Buffer.from(token.buffer, token.byteOffset, token.byteLength).toString("latin1")

export class Kernel {
  private readonly tickets = new Map<string, Ticket>()
  private readonly makeToken: () => Uint8Array
  private readonly transport: ObjectOptions["transport"] & Pick<Transport, "expectAfter">
  /** Into these was put since they last offered what they have to those who read them in shared memory. */
  private readonly unfed: Array<Inbox> = []
  /** How many items that were. */
  private unfedItems = 0
  private batches = 0

  constructor(options: {
    readonly makeToken: () => Uint8Array
    readonly transport: ObjectOptions["transport"] & Pick<Transport, "expectAfter">
  }) {
    this.makeToken = options.makeToken
    this.transport = options.transport
  }

  /** A client arrived. */
  addPeer(
    send: (message: Message.Message) => void,
    words: () => Int32Array | undefined = () => undefined
  ): Peer {
    return { send, words, holdings: new Map(), open: new Map(), tickets: new Set(), gone: false }
  }

  /** A client is gone, in whatever way: all that it held is let go. */
  removePeer(peer: Peer): void {
    if (peer.gone) return
    peer.gone = true
    for (const ref of peer.holdings.keys()) this.detach(peer, ref)
    for (const token of peer.tickets) this.revoke(peer, token)
  }

  /** Makes an object; the peer holds each of its sides under the given numbers. */
  create(peer: Peer, spec: ObjectSpec, refs: ReadonlyArray<number>): void {
    const object = makeObject(spec, {
      transport: this.transport,
      accepted: (object, front, item, reader) => {
        if (reader !== undefined) this.take(reader, item)
        this.acceptOne(object, front, item, reader !== undefined)
      },
      released: (object) => this.topUp(object)
    })
    const sides: ReadonlyArray<Side> = spec.kind === "queue" ? [0] : [0, 1]
    for (const side of sides) this.hold(peer, refs[side]!, object, side)
  }

  /**
   * Receives several messages. What one client puts is offered to those who read in shared memory some items at a time: each offer has all
   * processors fetch the same few bytes again.
   */
  batch(receive: () => void): void {
    this.batches++
    try {
      receive()
    } finally {
      if (--this.batches === 0) this.feedAll()
    }
  }

  private feedSoon(front: Inbox): void {
    if (this.batches === 0) return front.feed()
    if (this.unfed.at(-1) !== front) this.unfed.push(front)
    if (++this.unfedItems >= maxUnfed) this.feedAll()
  }

  private feedAll(): void {
    this.unfedItems = 0
    for (let front = this.unfed.pop(); front !== undefined; front = this.unfed.pop()) front.feed()
  }

  /**
   * Carries out one message. `false`: the client does not follow the protocol and must be dropped. `attached` is what a Put message
   * carries besides its bytes.
   */
  receive(peer: Peer, message: Message.Message, attached?: Attached): boolean {
    const { bytes, flag, op, ref, request } = message
    switch (op) {
      case Message.Request.Revoke: {
        this.revoke(peer, key(bytes))
        return true
      }
      case Message.Request.Detach: {
        this.detach(peer, ref)
        return true
      }
      case Message.Request.Accept: {
        const open = peer.open.get(request)
        if (open === undefined || !("lease" in open)) return false
        this.close(peer, request)
        this.accept(open.holding.object, open.front, open.lease)
        open.front.feed()
        return true
      }
      case Message.Request.Return: {
        const open = peer.open.get(request)
        if (open === undefined) return true
        if ("lease" in open) {
          this.close(peer, request)
          const { taken } = open.holding
          const index = taken.lastIndexOf(open.lease)
          if (index >= 0) taken.splice(index, 1)
          open.front.giveBack(open.lease)
          this.drop(open.holding.object)
          open.front.feed()
        } else {
          open.cancel()
        }
        return true
      }
      case Message.Request.Cancel: {
        const open = peer.open.get(request)
        if (open === undefined || "lease" in open) return true
        open.cancel()
        this.refuse(peer, request, Message.Refusal.Cancelled)
        return true
      }
    }
    if (op === Message.Request.Put && (flag & Message.PutFlag.onCredit) !== 0) return this.putOnCredit(peer, ref, bytes)
    if (op === Message.Request.Claimed) {
      const holding = peer.holdings.get(ref)
      if (holding !== undefined) inboxOf(holding)?.feed()
      return true
    }
    if (op === Message.Request.PutDownPen) {
      const holding = peer.holdings.get(ref)
      if (holding !== undefined) outboxOf(holding)?.putDown(holding, request)
      return true
    }
    if (peer.open.has(request)) return false
    if (op === Message.Request.Attach) return this.attach(peer, request, ref, bytes)
    if (op === Message.Request.Adopt) return this.adopt(peer, request, bytes)
    if (op === Message.Request.Ping) {
      this.done(peer, request)
      return true
    }
    if (op !== Message.Request.TakePen && (op < Message.Request.Attach || op > Message.Request.Join)) return false
    const holding = peer.holdings.get(ref)
    if (holding === undefined) {
      attached?.gone?.()
      this.refuse(peer, request, Message.Refusal.UnknownReference)
      return true
    }
    switch (op) {
      case Message.Request.HandOver:
        return this.handOver(peer, request, holding, flag === 1)
      case Message.Request.Put:
        return this.put(peer, request, holding, (flag & Message.PutFlag.nowait) !== 0, bytes, attached)
      case Message.Request.Get:
        return this.get(peer, request, holding, flag)
      case Message.Request.Poll:
        return this.poll(peer, request, holding, flag === 1)
      case Message.Request.TakePen:
        return this.lend(peer, request, holding)
      default:
        return this.queueRequest(peer, message, holding)
    }
  }

  private queueRequest(peer: Peer, { flag, op, request }: Message.Message, holding: Holding): boolean {
    const object = holding.object
    if (object.kind !== "queue") {
      this.refuse(peer, request, Message.Refusal.UnknownReference)
      return true
    }
    switch (op) {
      case Message.Request.Inspect: {
        const { available, mailbox } = object.front
        peer.send(Message.make(Message.Reply.Sizes, request, available, mailbox.full ? 1 : 0))
        return true
      }
      case Message.Request.ShutDown: {
        const { front } = object
        front.recall()
        front.mailbox.endWriters("ShutDown")
        this.reclaimAll(object)
        front.endReaders("ShutDown")
        if (flag === 1) {
          object.dropping = true
          this.drop(object)
        }
        this.done(peer, request)
        return true
      }
      case Message.Request.TaskDone: {
        if (this.taskDoneNow(peer, holding.ref)) this.done(peer, request)
        else this.refuse(peer, request, Message.Refusal.TaskDoneTooOften)
        return true
      }
      default: {
        if (object.unfinished === 0) {
          this.done(peer, request)
          return true
        }
        if (flag === 1) {
          this.refuse(peer, request, Message.Refusal.WouldBlock)
          return true
        }
        const joiner = () => {
          this.close(peer, request)
          this.done(peer, request)
        }
        object.joiners.add(joiner)
        this.await(peer, request, holding, () => object.joiners.delete(joiner))
        return true
      }
    }
  }

  // ---------------------------------------------------------------------------------------------- holders

  private hold(peer: Peer, ref: number, object: SharedObject, side: Side): void {
    const holding: Holding = {
      object,
      side,
      requests: new Set(),
      taken: [],
      peer,
      ref,
      reader: undefined,
      credit: 0,
      enough: Infinity,
      waits: 0,
      lastPut: 0
    }
    peer.holdings.set(ref, holding)
    if (object.kind === "pipe") object.holders[side]++
    else object.holdings.add(holding)
  }

  private attach(peer: Peer, request: number, ref: number, token: Uint8Array): boolean {
    if (peer.holdings.has(ref)) return false
    const name = key(token)
    const ticket = this.tickets.get(name)
    if (ticket === undefined) {
      this.refuse(peer, request, Message.Refusal.UnknownTicket)
      return true
    }
    this.hold(peer, ref, ticket.object, ticket.side)
    if (!ticket.reusable) this.dropTicket(name, ticket)
    this.done(peer, request)
    return true
  }

  private handOver(peer: Peer, request: number, { object, side }: Holding, reusable: boolean): boolean {
    const token = this.makeToken()
    const name = key(token)
    this.tickets.set(name, { object, side, reusable, owner: peer })
    peer.tickets.add(name)
    if (object.kind === "pipe") object.holders[side]++
    else object.tickets++
    peer.send(Message.make(Message.Reply.Ticket, request, 0, 0, token))
    return true
  }

  private adopt(peer: Peer, request: number, token: Uint8Array): boolean {
    const name = key(token)
    const ticket = this.tickets.get(name)
    if (ticket === undefined || !ticket.reusable || ticket.owner === undefined) {
      this.refuse(peer, request, Message.Refusal.UnknownTicket)
      return true
    }
    this.own(name, ticket, peer)
    this.done(peer, request)
    return true
  }

  private own(name: string, ticket: Ticket, owner: Peer | undefined): void {
    ticket.owner?.tickets.delete(name)
    ticket.owner = owner
    owner?.tickets.add(name)
  }

  private revoke(peer: Peer, name: string): void {
    const ticket = this.tickets.get(name)
    if (ticket !== undefined && ticket.owner === peer) this.dropTicket(name, ticket)
  }

  private dropTicket(name: string, ticket: Ticket): void {
    this.tickets.delete(name)
    ticket.owner?.tickets.delete(name)
    if (ticket.object.kind === "pipe") return this.releaseEnd(ticket.object, ticket.side)
    ticket.object.tickets--
    this.releaseQueue(ticket.object)
  }

  /** Nobody can reach the queue any more: what is left in it is dropped, with the tickets that it carries. */
  private releaseQueue(queue: QueueObject): void {
    if (queue.holdings.size > 0 || queue.tickets > 0) return
    queue.front.close()
  }

  private detach(peer: Peer, ref: number): void {
    const holding = peer.holdings.get(ref)
    if (holding === undefined) return
    peer.holdings.delete(ref)
    const object = holding.object
    const front = inboxOf(holding)
    front?.leave(holding)
    const unfinished = holding.taken.filter(({ leased }) => !leased)
    for (const request of holding.requests) {
      const open = peer.open.get(request)!
      peer.open.delete(request)
      if ("lease" in open) open.front.giveBack(open.lease)
      else open.cancel()
    }
    outboxOf(holding)?.abandon(holding)
    this.reclaim(holding)
    object.creditors.delete(holding)
    // What it had taken from its word, and not written before its end.
    outboxOf(holding)?.mailbox.unreserve(holding.credit)
    holding.credit = 0
    if (object.kind === "pipe") return this.releaseEnd(object, holding.side)
    object.holdings.delete(holding)
    if (object.joinable === "done") this.finish(object, unfinished.length)
    else for (const item of unfinished) object.front.restore(item)
    this.drop(object)
    object.front.feed()
    this.releaseQueue(object)
  }

  private releaseEnd(pipe: PipeObject, side: Side): void {
    pipe.holders[side]--
    if (pipe.holders[side] > 0) return
    const mine = pipe.inbox[side]
    mine?.recall()
    mine?.mailbox.endWriters("BrokenPipe")
    this.reclaimAll(pipe)
    mine?.close()
    pipe.inbox[other(side)]?.endReaders("EndOfFile")
  }

  // ---------------------------------------------------------------------------------------------- items

  /**
   * Puts the bytes at once, or, if they may change, a copy of them, if there is room and nobody waits for it. `false`: it must be asked for
   * by a message.
   */
  putNow(peer: Peer, ref: number, bytes: Uint8Array, isOwned: boolean): boolean {
    const holding = peer.holdings.get(ref)
    const front = holding && outboxOf(holding)
    front?.recallFor(holding!)
    if (front?.mailbox.canPut(bytes.length) !== true) return false
    this.countPut(holding!)
    front.mailbox.tryPut(isOwned ? bytes : Message.copy(bytes))
    front.feed()
    return true
  }

  /** Takes the next item for good, if there is one that carries no tickets. `undefined`: it must be asked for by a message. */
  takeNow(peer: Peer, ref: number): Uint8Array | undefined {
    const holding = peer.holdings.get(ref)
    const front = holding && inboxOf(holding)
    if (front === undefined) return undefined
    const claimed = front.claimHere()
    if (front.isLent) return claimed
    const item = front.take()
    if (typeof item !== "object") return undefined
    if (item.gone !== undefined) {
      front.giveBack(item)
      return undefined
    }
    this.take(holding!, item)
    this.accept(holding!.object, front, item)
    front.feed()
    return item.bytes
  }

  /** Returns when {@link takeNow} may give an item, or it must be asked for by a message. `undefined`: it must now. */
  soon(peer: Peer, ref: number): Effect.Effect<void> | undefined {
    const holding = peer.holdings.get(ref)
    return holding && inboxOf(holding)?.soonHere()
  }

  private countPut({ object }: Holding): void {
    if (object.kind === "queue") object.unfinished++
  }

  private put(
    peer: Peer,
    request: number,
    holding: Holding,
    nowait: boolean,
    bytes: Uint8Array,
    attached: Attached | undefined
  ): boolean {
    const { object } = holding
    const front = outboxOf(holding)
    if (front === undefined) {
      attached?.gone?.()
      this.refuse(peer, request, Message.Refusal.UnknownReference)
      return true
    }
    const gone = attached && this.enclose(peer, attached)
    if (gone === false) {
      this.refuse(peer, request, Message.Refusal.UnknownTicket)
      return true
    }
    const answer = (outcome: PutOutcome | "WouldBlock") => {
      if (outcome !== "Done") {
        gone?.()
        return this.refuse(peer, request, refusals[outcome])
      }
      this.countPut(holding)
      holding.lastPut = bytes.length
      this.grant(holding)
      this.done(peer, request)
    }
    front.recallFor(holding)
    const { mailbox } = front
    let outcome = mailbox.tryPut(bytes, gone)
    if (outcome === "WouldBlock") {
      // What was taken has left its room; and what others could have put, and did not, is for the one who wants to.
      front.settle()
      this.reclaimAll(object)
      outcome = mailbox.tryPut(bytes, gone)
    }
    if (outcome !== "WouldBlock" || nowait) {
      answer(outcome)
      front.feed()
      return true
    }
    const writer: Writer = {
      bytes,
      gone,
      done: (outcome) => {
        this.close(peer, request)
        answer(outcome)
      }
    }
    this.await(peer, request, holding, () => {
      if (mailbox.cancelWriter(writer)) gone?.()
    })
    mailbox.put(writer)
    front.feed()
    return true
  }

  // ---------------------------------------------------------------------------------------------- credit

  /** A message for which there is room. `false`: the client has spent more than it had. */
  private putOnCredit(peer: Peer, ref: number, bytes: Uint8Array): boolean {
    const holding = peer.holdings.get(ref)
    const front = holding && outboxOf(holding)
    const cost = front && Credit.costOf(bytes.length, front.mailbox.perItem)
    if (cost === undefined || cost > holding!.credit) return false
    front!.recallFor(holding!)
    holding!.credit -= cost
    holding!.lastPut = bytes.length
    this.countPut(holding!)
    front!.mailbox.putReserved(bytes, cost)
    this.drop(holding!.object)
    this.feedSoon(front!)
    this.grant(holding!)
    return true
  }

  /** Reserves room for what this holder will put next. */
  private grant(holding: Holding): void {
    if (holding.credit > holding.enough) return
    const { mailbox } = outboxOf(holding)!
    const { creditors } = holding.object
    const writers = creditors.has(holding) ? creditors.size : creditors.size + 1
    const window = windowOf(mailbox, holding.lastPut, writers)
    holding.enough = window / 2
    if (holding.credit > holding.enough || mailbox.isBehind) return
    const words = wordsOf(holding)
    if (words === undefined || holding.peer.gone) return
    creditors.add(holding)
    const units = Math.min(window - holding.credit, Math.ceil(mailbox.reservable / (2 * creditors.size - 1)))
    if (units <= 0) return
    mailbox.reserve(units)
    holding.credit += units
    Credit.give(words, holding.ref, units, mailbox.perItem)
  }

  /** There is room again. */
  private topUp(object: SharedObject): void {
    for (const holding of object.creditors) this.grant(holding)
  }

  /** Takes back what this holder has not spent. */
  private reclaim(holding: Holding): void {
    const words = wordsOf(holding)
    if (words === undefined || holding.credit === 0) return
    // The client may have written anything there.
    const units = Math.min(holding.credit, Credit.reclaim(words, holding.ref))
    holding.credit -= units
    outboxOf(holding)!.mailbox.unreserve(units)
  }

  private reclaimAll(object: SharedObject): void {
    for (const holding of object.creditors) this.reclaim(holding)
  }

  /** Makes the message the owner of its tickets. `false`: one of them is not there. */
  private enclose(peer: Peer, { gone, tokens }: Attached): false | (() => void) {
    const names = tokens.map(key)
    const enclosed = names.map((name) => this.tickets.get(name))
    if (enclosed.some((ticket) => ticket === undefined || ticket.owner !== peer || !ticket.reusable)) {
      gone?.()
      return false
    }
    for (const [i, name] of names.entries()) this.own(name, enclosed[i]!, undefined)
    return () => {
      gone?.()
      for (const [i, name] of names.entries()) {
        if (this.tickets.has(name)) this.dropTicket(name, enclosed[i]!)
      }
    }
  }

  private get(peer: Peer, request: number, holding: Holding, flag: number): boolean {
    const front = inboxOf(holding)
    if (front === undefined) {
      this.refuse(peer, request, Message.Refusal.UnknownReference)
      return true
    }
    const lease = (item: Item) => {
      this.take(holding, item)
      holding.requests.add(request)
      peer.open.set(request, { holding, front, lease: item })
      peer.send(Message.make(Message.Reply.Item, request, holding.ref, 0, item.bytes))
    }
    const canShare = (flag & Message.GetFlag.shared) !== 0 && peer.words() !== undefined
    const outcome = front.take()
    if (typeof outcome === "object") {
      // Before the answer, so that they are there when the client asks for the next one.
      if (canShare) front.share(holding)
      front.feed()
      if ((flag & Message.GetFlag.accepted) !== 0 && outcome.gone === undefined) {
        this.take(holding, outcome)
        this.accept(holding.object, front, outcome)
        peer.send(Message.make(Message.Reply.Item, request, holding.ref, 1, outcome.bytes))
      } else {
        lease(outcome)
      }
      return true
    }
    if (outcome !== "WouldBlock" || (flag & Message.GetFlag.nowait) !== 0) {
      this.refuse(peer, request, refusals[outcome])
      return true
    }
    // Who waits and waits could look for what comes, and be spared the messages.
    if (canShare && ++holding.waits > this.transport.expectAfter) front.share(holding, true)
    this.awaitReader(peer, request, holding, front.mailbox, lease)
    return true
  }

  /** This holder has the item. It learns of acceptances and of claims on different ways: what counts is the order in which items were given. */
  private take(holding: Holding, item: Item): void {
    const { object } = holding
    if (object.kind === "queue" && object.joinable !== undefined) holding.taken.push(item)
  }

  /** The item has been given to user code, and it is known whose. There is room in its place. */
  private accept(object: SharedObject, front: Inbox, item: Item): void {
    this.acceptOne(object, front, item, true)
    this.topUp(object)
  }

  /** The same for one of several, of which it may not be known whose it is. */
  private acceptOne(object: SharedObject, { mailbox }: Inbox, item: Item, isKnown: boolean): void {
    mailbox.accept(item, isKnown && object.kind === "queue" && object.joinable === "redeliver")
  }

  private poll(peer: Peer, request: number, holding: Holding, nowait: boolean): boolean {
    const front = inboxOf(holding)
    if (front === undefined) {
      this.refuse(peer, request, Message.Refusal.UnknownReference)
      return true
    }
    const state = front.peek()
    if (state === "Ready") this.done(peer, request)
    else if (state !== "WouldBlock" || nowait) this.refuse(peer, request, refusals[state])
    else this.awaitReader(peer, request, holding, front.mailbox, undefined)
    return true
  }

  private awaitReader(
    peer: Peer,
    request: number,
    holding: Holding,
    mailbox: Mailbox,
    take: ((item: Item) => void) | undefined
  ): void {
    const reader: Reader = {
      take: take && ((item) => {
        this.close(peer, request)
        take(item)
      }),
      done: (outcome) => {
        this.close(peer, request)
        if (outcome === "Ready") this.done(peer, request)
        else this.refuse(peer, request, refusals[outcome])
      }
    }
    this.await(peer, request, holding, () => mailbox.cancelReader(reader))
    mailbox.wait(reader)
  }

  // ---------------------------------------------------------------------------------------------- the pen

  /** Lets a holder offer what it puts. It must be able to open the memory. */
  private lend(peer: Peer, request: number, holding: Holding): boolean {
    const memory = peer.words() === undefined ? undefined : outboxOf(holding)?.lend(holding, request)
    if (memory === undefined) this.refuse(peer, request, Message.Refusal.WouldBlock)
    else peer.send(Message.make(Message.Reply.Pen, request, memory.capacity, 0, Buffer.from(memory.name)))
    return true
  }

  // ---------------------------------------------------------------------------------------------- joinable queues

  /** One item was worked on. `false`: there is none, or this is no queue that counts them. */
  taskDoneNow(peer: Peer, ref: number): boolean {
    const holding = peer.holdings.get(ref)
    if (holding?.object.kind !== "queue" || holding.object.joinable === undefined) return false
    const { object } = holding
    if (object.unfinished === 0) return false
    object.front.settle()
    this.settleTaken(object, holding)
    this.finish(object, 1)
    return true
  }

  /** The item that a `taskDone` is about: the holder's own oldest, else the oldest that anybody took. */
  private settleTaken(object: QueueObject, holding: Holding): void {
    const first = ({ taken }: Holding) => taken.find(({ leased }) => !leased)
    let from = holding
    let item = first(holding)
    if (item === undefined) {
      for (const candidate of object.holdings) {
        const other = first(candidate)
        if (other === undefined || (item !== undefined && item.seq < other.seq)) continue
        from = candidate
        item = other
      }
    }
    if (item === undefined) return
    from.taken.splice(from.taken.indexOf(item), 1)
    if (object.joinable === "redeliver") item.gone?.()
  }

  /** What is left in a queue that was shut down at once counts as done. */
  private drop(object: SharedObject): void {
    if (object.kind === "queue" && object.dropping) this.finish(object, object.front.clear())
  }

  private finish(object: QueueObject, count: number): void {
    // `taskDone` may have been called for items that nobody had taken.
    object.unfinished = Math.max(0, object.unfinished - count)
    if (object.unfinished > 0) return
    for (const joiner of object.joiners) {
      object.joiners.delete(joiner)
      joiner()
    }
  }

  // ---------------------------------------------------------------------------------------------- requests

  private await(peer: Peer, request: number, holding: Holding, cancel: () => void): void {
    holding.requests.add(request)
    peer.open.set(request, {
      holding,
      cancel: () => {
        cancel()
        this.close(peer, request)
      }
    })
  }

  private close(peer: Peer, request: number): void {
    const open = peer.open.get(request)
    if (open === undefined) return
    peer.open.delete(request)
    open.holding.requests.delete(request)
  }

  private done(peer: Peer, request: number): void {
    if (!peer.gone) peer.send(Message.make(Message.Reply.Done, request, 0, 0))
  }

  private refuse(peer: Peer, request: number, refusal: number): void {
    if (!peer.gone) peer.send(Message.make(Message.Reply.Failed, request, 0, refusal))
  }
}
