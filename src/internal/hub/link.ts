/**
 * How a client reaches a hub: in the same process, or over a transport.
 */
import type * as Effect from "effect/Effect"
import type { Segment, Transport } from "../transport/transport.ts"
import type { Kernel } from "./kernel.ts"
import * as Message from "./message.ts"
import type { Peer } from "./objects.ts"

/** What a link tells its client. */
export interface LinkEvents {
  readonly onMessage: (message: Message.Message) => void
  /** Nothing more comes. Called once. */
  readonly onLost: (reason: string) => void
}

/** How bytes are put without an answer. */
export interface PutNow {
  /** They will not change. */
  readonly isOwned?: boolean
  /** A few bytes in front of them, which need not stay. */
  readonly head?: Uint8Array
  /** Nobody need be woken because of them: see {@link Link.ring}. */
  readonly quiet?: boolean
}

/** One end of the way between a client and a hub. Messages keep their order. */
export interface Link {
  /**
   * Sends a message at the end of this tick, or with the next `flush`. Its bytes come behind the few of `head`, which is copied. One that is
   * `quiet` does not wake the hub's process, as something that does will follow, or `ring`.
   */
  readonly send: (message: Message.Message, head?: Uint8Array, quiet?: boolean) => void
  /** Does the hub's process sleep, and has not been told of what was sent quietly? */
  readonly owesBell: () => boolean
  /** Then tells it. */
  readonly ring: () => void
  /**
   * Sends a request. Gives the answer where the hub is near enough to answer at once; then it does not come by `onMessage`. An `eager`
   * one is a Get that takes what comes without further ado: it may be accepted already, or there may be more behind it.
   */
  readonly ask: (message: Message.Message, eager: boolean) => Message.Message | undefined
  /** Where the hub is in this process, what it can do at once costs no message: see `putNow`, `takeNow`, `soon` and `taskDoneNow` of the kernel. */
  readonly near?: {
    readonly put: (ref: number, bytes: Uint8Array, how: PutNow) => boolean
    readonly take: (ref: number) => Uint8Array | undefined
    readonly soon: (ref: number) => Effect.Effect<void> | undefined
    readonly taskDone: (ref: number) => boolean
  } | undefined
  /** Hands everything that was sent to the operating system, as far as it takes it now. */
  readonly flush: () => void
  /** Copies what is left in this process of bytes that were sent: their owner may change them. */
  readonly own: () => void
  /**
   * Calls back when nothing that was sent is left in this process: at once if that is so now, never if the link is lost.
   */
  readonly whenFlushed: (callback: () => void) => void
  /** Would what is sent now leave this process at once? `undefined`: it can't be known. */
  readonly hasRoom: () => boolean | undefined
  /** The words for credit, once there are any. */
  readonly words: () => Int32Array | undefined
  /** Opens memory of the hub. `undefined`: it can't be reached from here. */
  readonly open: (name: string, size: number) => Segment | undefined
  /** For what happens in such memory. */
  readonly transport: Pick<Transport, "cameIn" | "expectAfter" | "watch" | "unwatch"> | undefined
  readonly close: () => void
}

/** Opens a link: the client gives what to call. */
export type OpenLink = (events: LinkEvents) => Link

/** After so many turns in a row, timers and sockets get theirs: fibers that only talk to each other would never let them. */
const turnsBeforeYield = 256

/**
 * The hub in this process. What it can answer at once, it does. Other answers are delivered later, in order, so that none runs user
 * code in the middle of a step of the kernel.
 */
export const local = ({ kernel, later, letIn, poll }: {
  readonly kernel: Kernel
  readonly letIn: (peer: Peer, message: Message.Message) => boolean
  /** Takes in what others have put and not told of yet. It may run fibers that use this link. */
  readonly poll: () => void
  readonly later: (task: () => void) => void
}): { readonly open: OpenLink; readonly peer: () => Peer; readonly deliver: () => void } => {
  let peer: Peer | undefined
  let deliverNow = () => {}
  return {
    peer: () => peer!,
    /** Delivers what waits for that. The kernel must not be in the middle of a step. */
    deliver: () => deliverNow(),
    open: (events) => {
      let inbox: Array<Message.Message> = []
      let scheduled = false
      /** Of the messages that are just being delivered. */
      let undelivered = 0
      /** Items that are not delivered yet, by object. */
      const items = new Map<number, number>()
      let turns = 0
      const deliver = () => {
        const messages = inbox
        inbox = []
        undelivered = messages.length
        for (const message of messages) {
          undelivered--
          if (message.op === Message.Reply.Item) {
            const left = items.get(message.ref)! - 1
            if (left === 0) items.delete(message.ref)
            else items.set(message.ref, left)
          }
          events.onMessage(message)
        }
        // It was made when the last ones were delivered, and so may be old for V8, which would keep what it holds.
        messages.length = 0
      }
      /** Finds nothing, or what came since, where others were quicker. */
      const task = () => {
        scheduled = false
        deliver()
      }
      deliverNow = () => {
        if (inbox.length > 0) deliver()
      }
      /** The request that is being handled, and the answer to it. */
      let asked = 0
      let answer: Message.Message | undefined
      const own = peer = kernel.addPeer((message) => {
        if (message.request === asked) {
          answer = message
          return
        }
        inbox.push(message)
        if (message.op === Message.Reply.Item) items.set(message.ref, (items.get(message.ref) ?? 0) + 1)
        if (scheduled) return
        scheduled = true
        turns = (turns + 1) % turnsBeforeYield
        if (turns === 0) setImmediate(task)
        else later(task)
      })
      const send = (message: Message.Message, head?: Uint8Array) => {
        letIn(
          own,
          message.op === Message.Request.Put ? { ...message, bytes: Message.copy(message.bytes, head) } : message
        )
      }
      return {
        send,
        near: {
          put: (ref, bytes, { head, isOwned = false }) =>
            head === undefined
              ? kernel.putNow(own, ref, bytes, isOwned)
              : kernel.putNow(own, ref, Message.copy(bytes, head), true),
          // An item must not overtake those that wait to be delivered.
          take: (ref) => items.has(ref) ? undefined : kernel.takeNow(own, ref),
          soon: (ref) => items.has(ref) ? undefined : kernel.soon(own, ref),
          taskDone: (ref) => kernel.taskDoneNow(own, ref)
        },
        ask: (message, eager) => {
          if (Message.looks(message.op)) poll()
          // While answers wait to be delivered, a later one must not overtake them.
          if (inbox.length > 0 || undelivered > 0) {
            send(message)
            return undefined
          }
          asked = message.request
          answer = undefined
          // Whoever gets the item with the return of the call can't be interrupted before.
          send(eager ? { ...message, flag: message.flag | Message.GetFlag.accepted } : message)
          asked = 0
          return answer
        },
        owesBell: () => false,
        ring: () => {},
        flush: () => {},
        own: () => {},
        hasRoom: () => true,
        words: () => undefined,
        open: () => undefined,
        transport: undefined,
        whenFlushed: (callback) => callback(),
        close: () => {
          kernel.removePeer(own)
          events.onLost("closed")
        }
      }
    }
  }
}
