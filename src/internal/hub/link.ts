/**
 * How a client reaches a hub: in the same process, or over a transport.
 */
import type { Kernel, Peer } from "./kernel.ts"
import * as Message from "./message.ts"

/** What a link tells its client. */
export interface LinkEvents {
  readonly onMessage: (message: Message.Message) => void
  /** Nothing more comes. Called once. */
  readonly onLost: (reason: string) => void
}

/** One end of the way between a client and a hub. Messages keep their order. */
export interface Link {
  /** Sends a message at the end of this tick, or with the next `flush`. */
  readonly send: (message: Message.Message) => void
  /** Hands everything that was sent to the operating system, as far as it takes it now. */
  readonly flush: () => void
  /**
   * Calls back when nothing that was sent is left in this process: at once if that is so now, never if the link is lost.
   */
  readonly whenFlushed: (callback: () => void) => void
  readonly close: () => void
}

/** Opens a link: the client gives what to call. */
export type OpenLink = (events: LinkEvents) => Link

/** After so many turns in a row, timers and sockets get theirs: fibers that only talk to each other would never let them. */
const turnsBeforeYield = 256

/**
 * The hub in this process. Answers are delivered later, in order, so that no answer runs user code in the middle of a step of the
 * kernel, or of the request that it answers.
 */
export const local = ({ kernel, later, receive }: {
  readonly kernel: Kernel
  readonly receive: (peer: Peer, message: Message.Message) => boolean
  readonly later: (task: () => void) => void
}): { readonly open: OpenLink; readonly peer: () => Peer } => {
  let peer: Peer | undefined
  return {
    peer: () => peer!,
    open: (events) => {
      let inbox: Array<Message.Message> = []
      let scheduled = false
      let turns = 0
      const deliver = () => {
        const messages = inbox
        inbox = []
        scheduled = false
        for (const message of messages) events.onMessage(message)
      }
      const own = peer = kernel.addPeer((message) => {
        inbox.push(message)
        if (scheduled) return
        scheduled = true
        turns = (turns + 1) % turnsBeforeYield
        if (turns === 0) setImmediate(deliver)
        else later(deliver)
      })
      return {
        send: (message) => {
          // The kernel keeps what is put, while an encoder may use its buffer again. The `slice` of a `Buffer` does not copy.
          const owned = message.op === Message.Request.Put
            ? { ...message, bytes: new Uint8Array(message.bytes) }
            : message
          receive(own, owned)
        },
        flush: () => {},
        whenFlushed: (callback) => callback(),
        close: () => {
          kernel.removePeer(own)
          events.onLost("closed")
        }
      }
    }
  }
}
