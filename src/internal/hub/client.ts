/**
 * One process's side of its connection to one hub: open requests, and what becomes of their answers.
 *
 * The rule that keeps items from being lost or doubled: the hub leases an item to a request, and the client accepts it in
 * the same synchronous step that hands it to the fiber. An item whose fiber no longer waits goes back.
 *
 * The acceptance must have left this process before the item reaches user code, or killing the process afterwards would make the hub deliver
 * the item a second time. A write leaves at once if the operating system has room for it. It surely has if the hub has read all but a little of
 * what was written before, and an answer tells just that: the hub read everything up to its request. Where too much was written
 * since, the client asks the hub how far it has come before it accepts.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { HubLost } from "../../Failure.ts"
import * as Credit from "./credit.ts"
import { type SharedReader, sharedReader } from "./front.ts"
import { sizeOf } from "./itemRing.ts"
import type { Link, OpenLink, PutNow } from "./link.ts"
import * as Message from "./message.ts"
import { Pen } from "./pen.ts"

/** How much may be unread by the hub when an acceptance is written: far less than any socket takes. */
const maxUnread = { bytes: 8 * 1024, messages: 64 }

interface Entry {
  readonly op: Message.Op
  readonly request: number
  readonly ref: number
  /** Where its request stands in what was sent: an answer says that the hub has come this far. */
  readonly sentBytes: number
  readonly sentMessages: number
  readonly deliver: (answer: Answer) => void
  /** The answer, if it came at once. Then there is no other. */
  readonly answer: Message.Message | undefined
  /** It is a Get of another process, and an item may be on its way to this one because of it, or back. */
  isUnderWay: boolean
}

/** Of requests that are about no object. */
const noReference = 0

const none = new Uint8Array(0)

const plainly: PutNow = {}

/** The item that answered a request: until one of these is called, it is leased. */
export interface Lease {
  /** It is accepted already: the rest must not be interrupted. */
  readonly isAccepted: boolean
  /** It is given to the user, in this very step. */
  readonly accept: () => void
  /** It is not. */
  readonly giveBack: () => void
}

/** An item that the hub has done with. */
export const accepted: Lease = { isAccepted: true, accept: () => {}, giveBack: () => {} }

/** The answer to a request, or why there is none. */
export type Answer = Message.Message | HubLost | "Detached"

/** What an operation asks, and what its answer means. */
export interface Operation<A, E, R = never> {
  readonly op: Message.Op
  readonly ref: number
  readonly flag: number
  readonly bytes: Uint8Array
  /** An item needs no acceptance where it comes with the return of the call. */
  readonly eager?: boolean | undefined
  /** Runs in one step with the decision to use the answer. */
  readonly settle: (answer: Answer, item: Lease) => Effect.Effect<A, E, R>
}

export class Client {
  /** Where the hub is; the empty string for the hub of this process. */
  readonly address: string
  private readonly link: Link
  private readonly entries = new Map<number, Entry>()
  /** By object. */
  private readonly shared = new Map<number, SharedReader & { readonly release: () => void }>()
  /** By object that is put into. */
  private readonly pens = new Map<number, Pen>()
  /** How many Gets are under way, by object. */
  private readonly gets = new Map<number, number>()
  private readonly onLost: ((reason: string) => void) | undefined
  /** Who waits for what was sent to leave, to be told that it never will. */
  private readonly flushing = new Set<() => void>()
  private creditSuspended = 0
  private sentBytes = 0
  private sentMessages = 0
  private nextRequest = 1
  private nextRef = 1
  private lost: HubLost | undefined

  constructor(options: {
    readonly address: string
    readonly open: OpenLink
    readonly onLost?: ((reason: string) => void) | undefined
  }) {
    this.address = options.address
    this.onLost = options.onLost
    this.link = options.open({
      onMessage: (message) => this.receive(message),
      onLost: (reason) => this.fail(reason)
    })
  }

  /** A number for an object that this client is about to hold. */
  allocateRef(): number {
    return this.nextRef++
  }

  /** Carries out an operation. Interruption gives the request up: its item, if one comes, goes back. */
  perform<A, E, R>(operation: Operation<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.callback<A, E, R>((resume) => {
      const entry = this.open(
        operation,
        (answer) => resume(Effect.suspend(() => this.settle(operation, entry, answer)))
      )
      if (entry.answer !== undefined) return resume(this.settle(operation, entry, entry.answer))
      return Effect.sync(() => this.abandon(entry))
    })
  }

  /**
   * The same with a deadline. When it passes, the request is cancelled, and the answer decides: what had happened before
   * the hub saw the cancellation counts.
   */
  performWithin<A, E, R>(
    operation: Operation<A, E, R>,
    deadline: Effect.Effect<void>,
    context: Context.Context<never>
  ): Effect.Effect<A, E, R> {
    return Effect.callback<A, E, R>((resume) => {
      const entry = this.open(operation, (answer) => {
        timer.interruptUnsafe()
        resume(Effect.suspend(() => this.settle(operation, entry, answer)))
      })
      if (entry.answer !== undefined) return resume(this.settle(operation, entry, entry.answer))
      const timer = Effect.runForkWith(context)(
        Effect.andThen(deadline, Effect.sync(() => this.cancel(entry)))
      )
      return Effect.sync(() => {
        timer.interruptUnsafe()
        this.abandon(entry)
      })
    })
  }

  /**
   * Puts without an answer, if there is room for it: in a hub of this process, or reserved in that of another. From when the effect
   * returns on, the item will be delivered, whatever happens to this process. `undefined`: it must be asked.
   */
  putNow(ref: number, bytes: Uint8Array, how: PutNow = plainly): Effect.Effect<void, HubLost> | undefined {
    if (this.link.near !== undefined) return this.link.near.put(ref, bytes, how) ? Effect.void : undefined
    const { head, quiet } = how
    if (this.lost !== undefined || this.creditSuspended > 0) return undefined
    const { transport } = this.link
    const words = this.link.words()
    if (words === undefined || transport === undefined || ref >= Credit.slots) return undefined
    let pen = this.pens.get(ref)
    if (pen === undefined) this.pens.set(ref, pen = new Pen(transport))
    else if (pen.offer(bytes, head)) return Effect.void
    const size = bytes.length + (head === undefined ? 0 : head.length)
    if (!Credit.take(words, ref, size)) return undefined
    this.putDown(ref, pen)
    const message = Message.make(Message.Request.Put, 0, ref, Message.PutFlag.onCredit, bytes)
    this.count(message)
    if (head !== undefined) this.sentBytes += head.length
    this.link.send(message, head, quiet)
    if (pen.mustAsk()) this.askForPen(ref, pen)
    this.link.flush()
    return this.link.hasRoom() === true ? Effect.void : this.flushed
  }

  /** Has the hub's process been left to sleep though it should know of something that was put quietly? */
  get owesBell(): boolean {
    return this.link.owesBell()
  }

  /** Then wakes it. */
  ring(): void {
    this.link.ring()
  }

  private askForPen(ref: number, pen: Pen): void {
    this.open({ op: Message.Request.TakePen, ref, flag: 0, bytes: none }, (answer) => {
      const isLent = typeof answer === "object" && "op" in answer && answer.op === Message.Reply.Pen
      if (!isLent) pen.refused()
      else if (
        !pen.take(
          answer.request,
          Buffer.from(answer.bytes).toString(),
          (name) => this.link.open(name, sizeOf(answer.ref))
        )
      ) {
        this.sayPutDown(ref, answer.request)
      }
      // Who goes on may put, and ask again.
      pen.lookout.wake()
    })
  }

  private sayPutDown(ref: number, request: number): void {
    this.send(Message.Request.PutDownPen, request, ref, 0)
  }

  private putDownOf({ ref, request }: Message.Message): void {
    const pen = this.pens.get(ref)
    if (pen?.isLentBy(request) !== true) return
    this.putDown(ref, pen)
    this.link.flush()
  }

  /** Offers nothing more: something follows that goes by the hub. */
  private putDown(ref: number, pen = this.pens.get(ref)): void {
    const request = pen?.putDown()
    if (request !== undefined) this.sayPutDown(ref, request)
  }

  private dropPen(ref: number): void {
    const pen = this.pens.get(ref)
    if (pen === undefined) return
    this.pens.delete(ref)
    this.link.transport?.unwatch(pen.lookout)
    pen.release()
  }

  /** Lets go of an object. Its pending operations end with `Detached`. */
  detach(ref: number): void {
    if (this.lost !== undefined) return
    this.unshare(ref)
    this.putDown(ref)
    this.dropPen(ref)
    this.gets.delete(ref)
    this.link.own()
    this.send(Message.Request.Detach, 0, ref, 0)
    this.suspendCredit()
    for (const entry of this.entries.values()) {
      if (entry.ref !== ref) continue
      this.entries.delete(entry.request)
      entry.deliver("Detached")
    }
  }

  /** Cancels a ticket that was not redeemed. */
  revoke(token: Uint8Array): void {
    if (this.lost === undefined) this.send(Message.Request.Revoke, 0, 0, 0, token)
  }

  /** Becomes the owner of a ticket. */
  adopt(token: Uint8Array): Effect.Effect<void, HubLost> {
    return this.perform({
      op: Message.Request.Adopt,
      ref: noReference,
      flag: 0,
      bytes: token,
      settle: (answer) => {
        if (answer instanceof HubLost) return Effect.fail(answer)
        return typeof answer === "object" && answer.op === Message.Reply.Done
          ? Effect.void
          : Effect.fail(new HubLost({ hub: this.address, reason: "the object is gone" }))
      }
    })
  }

  close(): void {
    this.link.close()
    this.fail("closed")
  }

  // ---------------------------------------------------------------------------------------------- items in shared memory

  /**
   * The next item, if the hub of this process has it, or that of another has offered it to all readers and this one is the first. It is then
   * given to the user: nothing is left to be accepted.
   */
  takeNow(ref: number): Uint8Array | undefined {
    if (this.link.near !== undefined) return this.link.near.take(ref)
    const ring = this.readerOf(ref)?.ring
    if (ring === undefined) return undefined
    const bytes = ring.claim()
    if (bytes !== undefined) this.link.transport?.cameIn(bytes.length)
    if (bytes !== undefined && ring.mustTell()) {
      this.send(Message.Request.Claimed, 0, ref, 0)
      this.link.flush()
    }
    return bytes
  }

  /** Returns when {@link takeNow} may give an item, or the hub must be asked. `undefined`: it must be asked now. */
  soon(ref: number): Effect.Effect<void> | undefined {
    return this.link.near === undefined ? this.readerOf(ref)?.lookout.soon() : this.link.near.soon(ref)
  }

  /** Returns when it is known whether {@link putNow} may do without the hub. `undefined`: it is, or that is not worth a wait. */
  penSoon(ref: number): Effect.Effect<void> | undefined {
    return this.pens.get(ref)?.lookout.soon()
  }

  /** None while an older item may be on its way to this client, or back from it. */
  private readerOf(ref: number): SharedReader | undefined {
    const shared = this.shared.get(ref)
    // Without words, the connection is gone.
    return shared === undefined || this.gets.has(ref) || this.link.words() === undefined ? undefined : shared
  }

  /** Tells that an item was worked on, if the hub is in this process, and there was one. `false`: it must be asked. */
  taskDoneNow(ref: number): boolean {
    return this.link.near?.taskDone(ref) === true
  }

  /** How many items of another hub {@link takeNow} would give, if nobody else takes any. */
  countNow(ref: number): number {
    return this.readerOf(ref)?.ring.length ?? 0
  }

  private share({ bytes, flag, ref, request }: Message.Message): void {
    this.unshare(ref)
    // It comes with the answer to a Get. Without one, this client has let go of the object.
    if (!this.gets.has(ref)) return
    const { transport } = this.link
    const segment = this.link.open(Buffer.from(bytes).toString(), sizeOf(request))
    if (segment === undefined || transport === undefined) return
    const reader = sharedReader(segment.memory, flag, transport.watch)
    this.shared.set(ref, {
      ...reader,
      release: () => {
        transport.unwatch(reader.lookout)
        segment.release()
      }
    })
  }

  private unshare(ref: number): void {
    const shared = this.shared.get(ref)
    if (shared === undefined) return
    this.shared.delete(ref)
    shared.release()
    shared.lookout.wake()
  }

  /** Perhaps nobody is left now who reads what this process sends: the hub must have seen it before anything else is sent unasked. */
  private suspendCredit(): void {
    // Without words there is no credit.
    if (this.link.words() === undefined) return
    this.creditSuspended++
    this.ping(() => {
      this.creditSuspended--
    })
  }

  /** Asks a hub that is not near how far it has come. */
  private ping(deliver: (answer: Answer) => void): Entry {
    return this.open({ op: Message.Request.Ping, ref: noReference, flag: 0, bytes: none }, deliver)
  }

  /** Waits until everything that was sent has left this process. */
  private readonly flushed: Effect.Effect<void, HubLost> = Effect.callback((resume) => {
    const lost = () => resume(Effect.fail(this.lost!))
    if (this.lost !== undefined) return lost()
    this.flushing.add(lost)
    this.link.whenFlushed(() => {
      this.flushing.delete(lost)
      resume(Effect.void)
    })
    return Effect.sync(() => {
      this.flushing.delete(lost)
      this.link.own()
    })
  })

  private settle<A, E, R>(operation: Operation<A, E, R>, entry: Entry, answer: Answer): Effect.Effect<A, E, R> {
    this.setUnderWay(entry, false)
    if (typeof answer === "object" && "op" in answer && answer.op === Message.Reply.Item && answer.flag === 1) {
      return operation.settle(answer, accepted)
    }
    return operation.settle(answer, {
      isAccepted: false,
      accept: () => {
        this.send(Message.Request.Accept, entry.request, noReference, 0)
        this.link.flush()
      },
      giveBack: () => this.abandon(entry)
    })
  }

  private send(op: Message.Op, request: number, ref: number, flag: number, bytes?: Uint8Array): void {
    this.link.send(this.count(Message.make(op, request, ref, flag, bytes)))
  }

  private count(message: Message.Message): Message.Message {
    this.sentBytes += Message.headerSize + message.bytes.length
    this.sentMessages++
    return message
  }

  private open(
    { bytes, eager, flag, op, ref }: Omit<Operation<unknown, unknown, unknown>, "settle">,
    deliver: (answer: Answer) => void
  ): Entry {
    if (op === Message.Request.Put) this.putDown(ref)
    const request = this.allocateRequest()
    if (this.lost !== undefined) {
      const lost = this.lost
      queueMicrotask(() => deliver(lost))
      return this.entry(op, request, ref, deliver, undefined)
    }
    const answer = this.link.ask(this.count(Message.make(op, request, ref, flag, bytes)), eager === true)
    const entry = this.entry(op, request, ref, deliver, answer)
    if (answer === undefined) {
      this.entries.set(request, entry)
      this.setUnderWay(entry, true)
    }
    return entry
  }

  private entry(
    op: Message.Op,
    request: number,
    ref: number,
    deliver: Entry["deliver"],
    answer: Message.Message | undefined
  ): Entry {
    return {
      op,
      request,
      ref,
      sentBytes: this.sentBytes,
      sentMessages: this.sentMessages,
      deliver,
      answer,
      isUnderWay: false
    }
  }

  private setUnderWay(entry: Entry, isUnderWay: boolean): void {
    if (entry.op !== Message.Request.Get || entry.isUnderWay === isUnderWay) return
    entry.isUnderWay = isUnderWay
    const count = (this.gets.get(entry.ref) ?? 0) + (isUnderWay ? 1 : -1)
    if (count > 0) this.gets.set(entry.ref, count)
    else this.gets.delete(entry.ref)
  }

  private allocateRequest(): number {
    do {
      this.nextRequest = this.nextRequest === 0xffff_ffff ? 1 : this.nextRequest + 1
    } while (this.entries.has(this.nextRequest))
    return this.nextRequest
  }

  /**
   * The fiber waits no more. The hub learns of it before it sees any later request, and nothing is claimed until it has, so that an item
   * which is on its way goes back before another one can be taken in its place.
   */
  private abandon(entry: Entry): void {
    this.entries.delete(entry.request)
    this.link.own()
    if (this.lost !== undefined) return
    this.send(Message.Request.Return, entry.request, noReference, 0)
    if (entry.op !== Message.Request.Get || this.link.words() === undefined) return
    this.setUnderWay(entry, true)
    this.ping(() => this.setUnderWay(entry, false))
  }

  /** The fiber waits for the answer, but no longer for more than that. */
  private cancel(entry: Entry): void {
    if (this.entries.get(entry.request) === entry) this.send(Message.Request.Cancel, entry.request, noReference, 0)
  }

  private receive(message: Message.Message): void {
    if (message.op === Message.Reply.Shared) return this.share(message)
    if (message.op === Message.Reply.Recalled) return this.putDownOf(message)
    const entry = this.entries.get(message.request)
    if (entry === undefined) {
      // The answer to an abandoned request. An item is back in its place; a ticket must not be left behind.
      if (message.op === Message.Reply.Ticket) this.revoke(message.bytes)
      return
    }
    if (message.op === Message.Reply.Item) return this.receiveItem(entry, message, entry)
    this.entries.delete(entry.request)
    entry.deliver(message)
  }

  /** Delivers an item as soon as its acceptance can leave at once. Until then it is leased, and may still be given up. */
  private receiveItem(entry: Entry, message: Message.Message, read: Entry): void {
    this.link.whenFlushed(() => {
      if (this.entries.get(entry.request) !== entry) return
      const unreadBytes = this.sentBytes - read.sentBytes
      const unreadMessages = this.sentMessages - read.sentMessages
      const isLittle = unreadBytes <= maxUnread.bytes && unreadMessages <= maxUnread.messages
      if (this.link.hasRoom() === true || isLittle) {
        this.entries.delete(entry.request)
        return entry.deliver(message)
      }
      const ping = this.ping((answer) => {
        if (answer !== "Detached" && "op" in answer) this.receiveItem(entry, message, ping)
      })
    })
  }

  private fail(reason: string): void {
    if (this.lost !== undefined) return
    const lost = this.lost = new HubLost({ hub: this.address === "" ? "of this process" : this.address, reason })
    const entries = Array.from(this.entries.values())
    this.entries.clear()
    for (const ref of this.shared.keys()) this.unshare(ref)
    for (const ref of this.pens.keys()) this.dropPen(ref)
    for (const entry of entries) entry.deliver(lost)
    for (const tell of this.flushing) tell()
    this.flushing.clear()
    this.onLost?.(reason)
  }
}
