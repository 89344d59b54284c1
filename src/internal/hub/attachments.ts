/**
 * Ends of pipes and queues inside of messages.
 *
 * Such an object travels as a ticket of its own hub, and the message counts as its holder: the ticket lives exactly as long as the
 * message. Where the ticket is of the hub that takes the message, the kernel sees to that. Where it is of another hub, the hub that takes the
 * message adopts the ticket there, as a client, before it lets the message in, so that neither the death of the sender nor that of a
 * reader ends it; when the hub that holds the message dies, the other one learns of it and drops the ticket.
 *
 * In a Put, the tickets stand before the payload: their number in two bytes, then for each the length of its hub's address in two bytes,
 * the address, and 16 bytes.
 */
import * as Effect from "effect/Effect"
import type { Attached, Kernel } from "./kernel.ts"
import * as Message from "./message.ts"
import type { Peer } from "./objects.ts"

/** A ticket on its way. */
export interface Attachment {
  readonly hub: string
  readonly token: Uint8Array
}

const tokenSize = 16

/** Puts attachments before a payload. */
export const join = (attachments: ReadonlyArray<Attachment>, payload: Uint8Array): Uint8Array => {
  const count = Buffer.alloc(2)
  count.writeUInt16BE(attachments.length)
  const parts: Array<Uint8Array> = [count]
  for (const { hub, token } of attachments) {
    const address = Buffer.from(hub)
    const length = Buffer.alloc(2)
    length.writeUInt16BE(address.length)
    parts.push(length, address, token)
  }
  return Buffer.concat([...parts, payload])
}

/** Takes them apart again; `undefined` if the bytes are not of this form. */
export const split = (
  bytes: Uint8Array
): { readonly attachments: ReadonlyArray<Attachment>; readonly payload: Uint8Array } | undefined => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer.length < 2) return undefined
  const attachments: Array<Attachment> = []
  let offset = 2
  for (let i = buffer.readUInt16BE(0); i > 0; i--) {
    if (buffer.length < offset + 2) return undefined
    const length = buffer.readUInt16BE(offset)
    const end = offset + 2 + length
    if (buffer.length < end + tokenSize) return undefined
    attachments.push({ hub: buffer.toString("utf8", offset + 2, end), token: bytes.slice(end, end + tokenSize) })
    offset = end + tokenSize
  }
  return { attachments, payload: bytes.subarray(offset) }
}

/** What a hub does to be the holder of another hub's ticket: gives what lets go of it. */
export type Adopt = (attachment: Attachment) => Effect.Effect<() => void, unknown>

/**
 * The way of messages into a kernel: adopts what a message carries before the message is let in. `false`: the client does not follow
 * the protocol.
 */
export const gate = (kernel: Kernel, isOwn: (hub: string) => boolean, adopt: Adopt) => {
  /** What gives up a request that the kernel does not know yet. */
  const adopting = new WeakMap<Peer, Map<number, () => void>>()

  const letIn = (peer: Peer, message: Message.Message): boolean => {
    const parts = split(message.bytes)
    if (parts === undefined || peer.open.has(message.request)) return false
    const put = { ...message, bytes: parts.payload }
    const tokens = parts.attachments.filter(({ hub }) => isOwn(hub)).map(({ token }) => token)
    const foreign = parts.attachments.filter(({ hub }) => !isOwn(hub))
    if (foreign.length === 0) return kernel.receive(peer, put, { tokens, gone: undefined })

    const adopted: Array<() => void> = []
    const attached: Attached = {
      tokens,
      gone: () => {
        for (const letGo of adopted) letGo()
      }
    }
    const adoptAll = Effect.forEach(foreign, (attachment) =>
      Effect.map(adopt(attachment), (letGo) => {
        adopted.push(letGo)
      }), { discard: true })

    const requests = adopting.get(peer) ?? new Map<number, () => void>()
    adopting.set(peer, requests)
    let givenUp = false
    const fiber = Effect.runFork(adoptAll)
    requests.set(message.request, () => {
      givenUp = true
      requests.delete(message.request)
      fiber.interruptUnsafe()
    })
    fiber.addObserver((exit) => {
      if (givenUp) return attached.gone!()
      requests.delete(message.request)
      if (exit._tag === "Success") {
        kernel.receive(peer, put, attached)
      } else {
        attached.gone!()
        if (!peer.gone) {
          peer.send(Message.make(Message.Reply.Failed, message.request, 0, Message.Refusal.UnknownTicket))
        }
      }
    })
    return true
  }

  return (peer: Peer, message: Message.Message): boolean => {
    const giveUp = adopting.get(peer)?.get(message.request)
    if (giveUp !== undefined) {
      if (message.op !== Message.Request.Cancel && message.op !== Message.Request.Return) return false
      giveUp()
      if (message.op === Message.Request.Cancel) {
        peer.send(Message.make(Message.Reply.Failed, message.request, 0, Message.Refusal.Cancelled))
      }
      return true
    }
    return message.op === Message.Request.Put && (message.flag & Message.PutFlag.attachments) !== 0
      ? letIn(peer, message)
      : kernel.receive(peer, message)
  }
}
