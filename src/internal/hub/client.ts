/**
 * One process's side of its connection to one hub: open requests, and what becomes of their answers.
 *
 * The rule that keeps items from being lost or doubled: the hub leases an item to a request, and the client accepts it in
 * the same synchronous step that hands it to the fiber. An item whose fiber no longer waits is returned. The acceptance
 * has left this process before the item reaches user code, so that killing the process afterwards can't make the hub
 * deliver the item a second time.
 */
import * as Effect from "effect/Effect"
import { HubLost } from "../../Failure.ts"
import type { Link, OpenLink } from "./link.ts"
import * as Message from "./message.ts"

interface Entry {
  readonly request: number
  readonly ref: number
  readonly deliver: (answer: Answer) => void
}

/** The item that answered a request: until one of these is called, it is leased. */
export interface Lease {
  /** It is given to the user, in this very step. */
  readonly accept: () => void
  /** It is not. */
  readonly giveBack: () => void
}

/** The answer to a request, or why there is none. */
export type Answer = Message.Message | HubLost | "Detached"

/** What an operation asks, and what its answer means. */
export interface Operation<A, E, R = never> {
  readonly op: Message.Op
  readonly ref: number
  readonly flag: number
  readonly bytes: Uint8Array
  /** Runs in one step with the decision to use the answer. */
  readonly settle: (answer: Answer, item: Lease) => Effect.Effect<A, E, R>
}

export class Client {
  /** Where the hub is; the empty string for the hub of this process. */
  readonly address: string
  private readonly link: Link
  private readonly entries = new Map<number, Entry>()
  private readonly onLost: ((reason: string) => void) | undefined
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
      return Effect.sync(() => this.abandon(entry))
    })
  }

  /**
   * The same with a deadline. When it passes, the request is cancelled, and the answer decides: what had happened before
   * the hub saw the cancellation counts.
   */
  performWithin<A, E, R>(operation: Operation<A, E, R>, wait: Effect.Effect<void>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      let answer: Answer | undefined
      let waiter: (() => void) | undefined
      const entry = this.open(operation, (reply) => {
        answer = reply
        waiter?.()
      })
      const answered = Effect.callback<void>((resume) => {
        if (answer !== undefined) return resume(Effect.void)
        waiter = () => resume(Effect.void)
        return Effect.sync(() => {
          waiter = undefined
        })
      })
      return Effect.raceFirst(answered, wait).pipe(
        Effect.andThen(Effect.suspend(() => {
          if (answer !== undefined) return Effect.void
          this.send(Message.Request.Cancel, entry.request, 0, 0)
          return answered
        })),
        Effect.onInterrupt(() => Effect.sync(() => this.abandon(entry))),
        Effect.andThen(Effect.suspend(() => this.settle(operation, entry, answer!)))
      )
    })
  }

  /** Lets go of an object. Its pending operations end with `Detached`. */
  detach(ref: number): void {
    if (this.lost !== undefined) return
    this.send(Message.Request.Detach, 0, ref, 0)
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
      ref: 0,
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

  private settle<A, E, R>(operation: Operation<A, E, R>, entry: Entry, answer: Answer): Effect.Effect<A, E, R> {
    return operation.settle(answer, {
      accept: () => {
        this.send(Message.Request.Accept, entry.request, 0, 0)
        this.link.flush()
      },
      giveBack: () => this.abandon(entry)
    })
  }

  private send(op: Message.Op, request: number, ref: number, flag: number, bytes?: Uint8Array): void {
    this.link.send(Message.make(op, request, ref, flag, bytes))
  }

  private open(
    { bytes, flag, op, ref }: Operation<unknown, unknown, unknown>,
    deliver: (answer: Answer) => void
  ): Entry {
    const entry: Entry = { request: this.allocateRequest(), ref, deliver }
    if (this.lost !== undefined) {
      const lost = this.lost
      queueMicrotask(() => entry.deliver(lost))
      return entry
    }
    this.entries.set(entry.request, entry)
    this.send(op, entry.request, ref, flag, bytes)
    return entry
  }

  private allocateRequest(): number {
    do {
      this.nextRequest = this.nextRequest === 0xffff_ffff ? 1 : this.nextRequest + 1
    } while (this.entries.has(this.nextRequest))
    return this.nextRequest
  }

  /**
   * The fiber waits no more. The hub learns of it before it sees any later request, so that an item which is on its way goes back before
   * another one can be taken in its place.
   */
  private abandon(entry: Entry): void {
    this.entries.delete(entry.request)
    if (this.lost === undefined) this.send(Message.Request.Return, entry.request, 0, 0)
  }

  private receive(message: Message.Message): void {
    const entry = this.entries.get(message.request)
    if (entry === undefined) {
      // The answer to an abandoned request. An item is back in its place; a ticket must not be left behind.
      if (message.op === Message.Reply.Ticket) this.revoke(message.bytes)
      return
    }
    if (message.op === Message.Reply.Item) {
      // Acceptance must be able to leave at once; until then the item is neither accepted nor given up.
      this.link.whenFlushed(() => {
        if (this.entries.delete(entry.request)) entry.deliver(message)
      })
    } else {
      this.entries.delete(entry.request)
      entry.deliver(message)
    }
  }

  private fail(reason: string): void {
    if (this.lost !== undefined) return
    const lost = this.lost = new HubLost({ hub: this.address === "" ? "of this process" : this.address, reason })
    const entries = Array.from(this.entries.values())
    this.entries.clear()
    for (const entry of entries) entry.deliver(lost)
    this.onLost?.(reason)
  }
}
