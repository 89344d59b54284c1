/**
 * A process's hold on one shared object: what queues and connections are made of.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { Closed, type HubLost } from "../../Failure.ts"
import type { Patience } from "../patience.ts"
import { type Attachment, join } from "./attachments.ts"
import { accepted, type Answer, type Client, type Lease, type Operation } from "./client.ts"
import type { PutNow } from "./link.ts"
import * as Message from "./message.ts"

const none = new Uint8Array(0)

/** What an answer means, besides the failures that every operation has. */
export interface Meaning<A, E, R> {
  /** Must accept or give back the item, if the answer is one. */
  readonly onReply: (reply: Message.Message, item: Lease) => Effect.Effect<A, E, R>
  /** `undefined`: this refusal is a defect. */
  readonly onRefusal?: ((refusal: number) => Effect.Effect<A, E> | undefined) | undefined
}

/** What belongs to a request. */
export interface RequestOptions {
  readonly bytes?: Uint8Array | undefined
  readonly flag?: boolean | undefined
  /** Tickets inside of `bytes`. */
  readonly attachments?: ReadonlyArray<Attachment> | undefined
  readonly patience?: Patience
  /** See {@link Operation}. */
  readonly eager?: (() => boolean) | undefined
  /** It has been looked for what comes soon. */
  readonly hasLooked?: boolean | undefined
}

/** The first number after those of stdin, stdout and stderr. */
const firstNumber = 3

/**
 * How many more steps a fiber must be able to take when it takes an item. If it yielded in between, it could be interrupted with the item in
 * its hands; so one that is about to yield does so before.
 */
const stepsOfGet = 8

export class Reference {
  readonly name: string
  /** Distinct among the open references of this process, like a descriptor. */
  readonly number: number
  readonly client: Client
  private readonly ref: number
  private readonly numbers: Set<number>
  private readonly keep: Effect.Effect<void, HubLost, Scope.Scope>
  private readonly letGo: Effect.Effect<void>
  /** The address under which other processes reach the hub. */
  private readonly advertise: Effect.Effect<string, HubLost>
  private detached = false

  constructor(options: {
    readonly name: string
    readonly client: Client
    readonly ref: number
    readonly advertise: Effect.Effect<string, HubLost>
    /** The numbers in use. */
    readonly numbers: Set<number>
    /** Until the scope closes, this process stays a client of the hub. */
    readonly keep: Effect.Effect<void, HubLost, Scope.Scope>
    /** Releases what was needed to hold it. */
    readonly letGo: Effect.Effect<void>
  }) {
    this.name = options.name
    this.client = options.client
    this.ref = options.ref
    this.advertise = options.advertise
    this.numbers = options.numbers
    this.keep = options.keep
    this.letGo = options.letGo
    let number = firstNumber
    while (this.numbers.has(number)) number++
    this.number = number
    this.numbers.add(number)
  }

  get isClosed(): boolean {
    return this.detached
  }

  /** Lets go of the object in this process. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.detach()
    return this.letGo
  })

  /** Tells the hub so. */
  detach(): void {
    if (this.detached) return
    this.detached = true
    this.numbers.delete(this.number)
    this.client.detach(this.ref)
  }

  /** Fails with `Closed` after `close`. */
  readonly whenOpen: Effect.Effect<void, Closed> = Effect.suspend(() =>
    this.detached ? Effect.fail(this.closed()) : Effect.void
  )

  request<A, E = never, R = never>(
    op: Message.Op,
    meaning: Meaning<A, E, R>,
    options: RequestOptions = {}
  ): Effect.Effect<A, E | Closed | HubLost, R> {
    return Effect.withFiber((fiber) =>
      op === Message.Request.Get && fiber.currentOpCount + stepsOfGet > fiber.cache.maxOpsBeforeYield
        ? Effect.flatMap(Effect.yieldNow, () => this.begin(fiber, op, meaning, options))
        : this.begin(fiber, op, meaning, options)
    )
  }

  /** Puts bytes where that can be done at once, or has but to leave this process. `undefined`: it can't. See {@link Client.putNow}. */
  putNow(bytes: Uint8Array, how?: PutNow): Effect.Effect<void, HubLost> | undefined {
    return this.detached ? undefined : this.client.putNow(this.ref, bytes, how)
  }

  /** Takes the next item for good, where that can be done at once. `undefined`: it can't. */
  takeNow(): Uint8Array | undefined {
    return this.detached ? undefined : this.client.takeNow(this.ref)
  }

  /** See {@link Client.owesBell}. */
  get owesBell(): boolean {
    return !this.detached && this.client.owesBell
  }

  /** See {@link Client.ring}. */
  ring(): void {
    if (!this.detached) this.client.ring()
  }

  /** See {@link Client.countNow}. */
  get countNow(): number {
    return this.detached ? 0 : this.client.countNow(this.ref)
  }

  /** A request of a fiber that is running just now. */
  begin<A, E, R>(
    fiber: Fiber.Fiber<unknown, unknown>,
    op: Message.Op,
    meaning: Meaning<A, E, R>,
    options: RequestOptions
  ): Effect.Effect<A, E | Closed | HubLost, R> {
    if (this.detached) return Effect.fail(this.closed())
    const { attachments, eager, patience } = options
    switch (op) {
      case Message.Request.Put: {
        if (attachments !== undefined) break
        const bytes = options.bytes!
        const soon = patience === undefined && options.hasLooked !== true ? this.client.penSoon(this.ref) : undefined
        if (soon !== undefined) {
          // Others may encode what they put meanwhile.
          const later = { ...options, bytes: Message.copy(bytes), hasLooked: true }
          return Effect.flatMap(soon, () => this.request(op, meaning, later))
        }
        const put = this.client.putNow(this.ref, bytes)
        // There is nothing to tell but that it is done.
        if (put !== undefined) return put as Effect.Effect<never>
        break
      }
      case Message.Request.Get: {
        if (eager?.() !== true) break
        const bytes = this.client.takeNow(this.ref)
        if (bytes !== undefined) {
          return meaning.onReply(Message.make(Message.Reply.Item, 0, this.ref, 1, bytes), accepted)
        }
        const soon = patience === undefined && options.hasLooked !== true ? this.client.soon(this.ref) : undefined
        if (soon !== undefined) {
          return Effect.flatMap(soon, () => this.request(op, meaning, { ...options, hasLooked: true }))
        }
        break
      }
      case Message.Request.Poll: {
        if (this.client.countNow(this.ref) > 0) {
          return meaning.onReply(Message.make(Message.Reply.Done, 0, this.ref, 0), accepted)
        }
        break
      }
      case Message.Request.TaskDone: {
        if (this.client.taskDoneNow(this.ref)) return Effect.void as Effect.Effect<never>
      }
    }
    const flag = options.flag === true || patience === "nowait" ? 1 : 0
    const bytes = options.bytes ?? none
    const operation: Operation<A, E | Closed | HubLost, R> = {
      op,
      ref: this.ref,
      flag: attachments === undefined ? flag : flag | Message.PutFlag.attachments,
      eager: eager?.(),
      bytes: attachments === undefined ? bytes : join(attachments, bytes),
      settle: (answer, item) => this.settle(answer, item, meaning)
    }
    return patience === undefined || patience === "nowait"
      ? this.client.perform(operation)
      : this.client.performWithin(operation, Effect.sleep(patience), fiber.context)
  }

  /**
   * A ticket that makes whoever redeems it a holder. From now on, and until it is redeemed or the scope closes, it counts
   * as a holder itself. One that is `reusable` is not used up when it is redeemed. Where it goes `relative` to this hub, it
   * has no address, and the hub need not be reachable.
   */
  handOver(
    { relative, reusable }: { readonly relative: boolean; readonly reusable: boolean }
  ): Effect.Effect<Attachment, Closed | HubLost, Scope.Scope> {
    // A hub drops the tickets of a client that leaves, which may happen when this reference is closed.
    return Effect.flatMap(
      Effect.andThen(this.keep, relative ? Effect.succeed("") : this.advertise),
      (hub) =>
        Effect.map(
          Effect.acquireRelease(
            this.request(
              Message.Request.HandOver,
              { onReply: (reply) => Effect.succeed(reply.bytes) },
              { flag: reusable }
            ),
            (token) => Effect.sync(() => this.client.revoke(token)),
            { interruptible: true }
          ),
          (token) => ({ hub, token })
        )
    )
  }

  private closed(): Closed {
    return new Closed({ object: this.name })
  }

  private settle<A, E, R>(
    answer: Answer,
    item: Lease,
    meaning: Meaning<A, E, R>
  ): Effect.Effect<A, E | Closed | HubLost, R> {
    if (answer === "Detached") return Effect.fail(this.closed())
    if (!("op" in answer)) return Effect.fail(answer)
    if (answer.op !== Message.Reply.Failed) return meaning.onReply(answer, item)
    const refused = meaning.onRefusal?.(answer.flag)
    if (refused !== undefined) return refused
    return answer.flag === Message.Refusal.UnknownReference
      ? Effect.fail(this.closed())
      : Effect.die(new Error(`${this.name}: the hub refused with ${answer.flag}`))
  }
}
