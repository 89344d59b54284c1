/**
 * What the three kinds of queues have in common.
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import {
  type Closed,
  type DecodeError,
  Empty,
  Full,
  type HubLost,
  InvalidState,
  ShutDown,
  TimedOut
} from "../Failure.ts"
import { Hub } from "../Hub.ts"
import * as Inheritable from "../Inheritable.ts"
import * as Codec from "./codec.ts"
import * as Message from "./hub/message.ts"
import type { ObjectSpec } from "./hub/objects.ts"
import type { Meaning, Reference } from "./hub/reference.ts"
import * as Mail from "./mail.ts"
import { type Patience, patience } from "./patience.ts"
import { handleSchema, inheritance } from "./transit.ts"

/** How much an unbounded queue holds before `put` waits. */
export const defaultMaxBytes = 512 * 1024 * 1024

interface WithTimeout {
  readonly timeout?: Duration.Input | undefined
}

const sizesOf = (reply: Message.Message) => Effect.succeed({ size: reply.ref, full: reply.flag === 1 })

/** All that any queue can do. Each kind shows its part. */
class QueueImpl<A> {
  readonly name: string
  readonly reference: Reference
  private readonly codec: Codec.Codec<A>
  private readonly hub: Hub["Service"]
  /** Made once, as most programs use nothing else. */
  private readonly getAny: Effect.Effect<A, Empty | ShutDown | DecodeError | Closed | HubLost>
  readonly taskDone: Effect.Effect<void, InvalidState | Closed | HubLost>

  constructor(reference: Reference, codec: Codec.Codec<A>, hub: Hub["Service"]) {
    this.reference = reference
    this.codec = codec
    this.hub = hub
    this.name = reference.name
    this.getAny = this.getWith("get", undefined)
    this.taskDone = reference.request<void, InvalidState>(Message.Request.TaskDone, {
      onReply: () => Effect.void,
      onRefusal: () =>
        Effect.fail(new InvalidState({ object: this.name, operation: "taskDone", reason: "TaskDoneTooOften" }))
    })
  }

  readonly put = (item: A, options?: WithTimeout) => this.putWith(item, "put", patience(options?.timeout))
  readonly putNowait = (item: A) => this.putWith(item, "putNowait", "nowait")
  readonly get = (options?: WithTimeout) =>
    options?.timeout === undefined ? this.getAny : this.getWith("get", patience(options.timeout))
  get getNowait() {
    return this.getWith("getNowait", "nowait")
  }

  private readonly putMeaning: Meaning<void, Full | ShutDown, never> = {
    onReply: () => Effect.void,
    onRefusal: (refusal) => {
      switch (refusal) {
        case Message.Refusal.WouldBlock:
        case Message.Refusal.Cancelled:
          return Effect.fail(new Full({ queue: this.name }))
        case Message.Refusal.ShutDown:
          return Effect.fail(new ShutDown({ queue: this.name }))
      }
    }
  }

  private putWith(item: A, operation: string, wait: Patience) {
    return Mail.send(this.codec, this.reference, item, operation, this.putMeaning, wait)
  }

  private getWith(operation: string, wait: Patience) {
    return this.reference.request<A, Empty | ShutDown | DecodeError | Closed>(Message.Request.Get, {
      onReply: (reply, lease) => Mail.receive(this.codec, this.hub, this.reference, reply.bytes, lease, operation),
      onRefusal: (refusal) => {
        switch (refusal) {
          case Message.Refusal.WouldBlock:
          case Message.Refusal.Cancelled:
            return Effect.fail(new Empty({ queue: this.name }))
          case Message.Refusal.ShutDown:
            return Effect.fail(new ShutDown({ queue: this.name }))
        }
      }
    }, { patience: wait, eager: this.codec.isPlain })
  }

  private get sizes() {
    return this.reference.request(Message.Request.Inspect, { onReply: sizesOf })
  }
  get qsize() {
    return Effect.map(this.sizes, ({ size }) => size)
  }
  get empty() {
    return Effect.map(this.sizes, ({ size }) => size === 0)
  }
  get full() {
    return Effect.map(this.sizes, ({ full }) => full)
  }

  readonly shutdown = (options?: { readonly immediate?: boolean | undefined }) =>
    this.reference.request(Message.Request.ShutDown, { onReply: () => Effect.void }, {
      flag: options?.immediate === true
    })

  get close() {
    return this.reference.close
  }
  get joinThread() {
    return Effect.suspend(() =>
      this.reference.isClosed
        ? Effect.void
        : Effect.fail(new InvalidState({ object: this.name, operation: "joinThread", reason: "NotClosed" }))
    )
  }
  readonly cancelJoinThread: Effect.Effect<void> = Effect.void

  readonly join = (options?: WithTimeout) =>
    this.reference.request<void, TimedOut>(Message.Request.Join, {
      onReply: () => Effect.void,
      onRefusal: () => Effect.fail(new TimedOut({ operation: `${this.name}: join` }))
    }, { patience: patience(options?.timeout) })

  get stream(): Stream.Stream<A, DecodeError | Closed | HubLost> {
    return Stream.fromPull(Effect.succeed(
      Effect.map(this.get(), (item): readonly [A] => [item]).pipe(
        Effect.catchTag("Empty", Effect.die),
        Effect.catchTag("ShutDown", () => Cause.done())
      )
    ))
  }
}

/** One of the kinds of queues. */
export interface Kind {
  readonly make: (options: {
    readonly item: Codec.Portable
    readonly name?: string | undefined
    readonly spec: QueueSpec
  }) => Effect.Effect<any, never, Hub | Scope.Scope>
  readonly service: (id: string, options: { readonly item: Codec.Portable; readonly spec: QueueSpec }) => any
  readonly handle: (item: Codec.Portable) => any
  readonly is: (value: unknown) => boolean
}

type QueueSpec = Omit<Extract<ObjectSpec, { readonly kind: "queue" }>, "kind">

/**
 * Makes a kind of queue: what `name` objects are called, the type id that tells them from others, and whether the hub keeps an item that
 * was taken, to deliver it again.
 */
export const kind = (label: string, typeId: string, { keepsItems = false } = {}): Kind => {
  class Impl<A> extends QueueImpl<A> {
    readonly [typeId] = typeId
    toJSON() {
      return { _id: label, name: this.name }
    }
    [NodeInspectSymbol]() {
      return this.toJSON()
    }
  }
  const construct = (reference: Reference, item: Codec.Portable, hub: Hub["Service"]) =>
    new Impl(reference, Codec.make(item, reference.name, hub, keepsItems), hub)
  const is = (value: unknown): value is Impl<unknown> => Predicate.hasProperty(value, typeId)

  const make: Kind["make"] = Effect.fnUntraced(function*({ item, name, spec }) {
    const hub = yield* Hub
    const [reference] = yield* hub.create([name ?? label], { kind: "queue", ...spec })
    return construct(reference!, item, hub)
  })
  return {
    is,
    make,
    service: (id, { item, spec }) =>
      Inheritable.makeClass(
        id,
        inheritance((queue: Impl<unknown>) => queue.reference, (reference, hub) => construct(reference, item, hub)),
        (tag) => ({
          layer: Layer.effect(tag)(make({ item, name: id, spec }))
        })
      ),
    handle: (item) =>
      handleSchema({
        identifier: label,
        is,
        referenceOf: (queue) => queue.reference,
        fromReference: (reference, hub) => construct(reference, item, hub)
      })
  }
}
