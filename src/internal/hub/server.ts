/**
 * Serves a kernel to the clients that connect: handshake, then messages. A peer that breaks a rule loses its connection, and
 * nobody else notices.
 */
import { randomBytes } from "../crypto.ts"
import { ServerHandshake } from "../transport/handshake.ts"
import type { Duplex, DuplexEvents, Transport } from "../transport/transport.ts"
import type { Kernel } from "./kernel.ts"
import * as Message from "./message.ts"
import { MessageReader, MessageWriter } from "./messageStream.ts"
import type { Peer } from "./objects.ts"

/** How long a peer may take to prove that it knows the key. */
const handshakeDeadline = 10_000

/** How many peers may be in their handshake at a time; the oldest makes room. */
const maxUnauthenticated = 64

/** Listens until the scope closes, and gives the address. */
export const serve = (options: {
  readonly transport: Transport
  readonly kernel: Kernel
  /** Lets a message in. */
  readonly receive: (peer: Peer, message: Message.Message) => boolean
  readonly key: Uint8Array
}) => {
  const { kernel, key, receive, transport } = options
  const unauthenticated = new Set<Duplex>()

  const welcome = (duplex: Duplex): DuplexEvents => {
    const writer = new MessageWriter(duplex)
    const send = (message: Message.Message) => {
      writer.send(message)
      // Somebody waits for it, and may claim what follows as soon as it is there.
      if (message.op === Message.Reply.Item) writer.flush()
    }
    const peer: Peer = kernel.addPeer(send, () => duplex.words())
    const reader = new MessageReader((message) => receive(peer, message), () => {
      kernel.removePeer(peer)
      duplex.destroy()
    }, transport)
    return {
      onData: (chunk) => kernel.batch(() => reader.feed(chunk)),
      collector: () => reader,
      onClose: () => kernel.removePeer(peer)
    }
  }

  return transport.listen((duplex) => {
    const handshake = new ServerHandshake(key, randomBytes(32))
    let events: DuplexEvents | undefined
    const deadline = setTimeout(() => duplex.destroy(), handshakeDeadline)
    deadline.unref()
    const leave = () => {
      clearTimeout(deadline)
      unauthenticated.delete(duplex)
    }
    if (unauthenticated.size >= maxUnauthenticated) {
      for (const oldest of unauthenticated) {
        unauthenticated.delete(oldest)
        oldest.destroy()
        break
      }
    }
    unauthenticated.add(duplex)
    duplex.write(handshake.challenge)
    return {
      onData: (chunk) => {
        if (events !== undefined) return events.onData(chunk)
        const step = handshake.feed(chunk)
        if (step.state === "Done") {
          leave()
          duplex.write(step.reply!)
          events = welcome(duplex)
          duplex.authenticated("hub", step.rest)
        } else if (step.state === "Refused") {
          duplex.destroy()
        }
      },
      collector: () => events?.collector?.(),
      onClose: (reason) => {
        leave()
        events?.onClose(reason)
      }
    }
  })
}
