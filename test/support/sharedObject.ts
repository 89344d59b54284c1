/**
 * A kernel, one object, and clients that share memory with it: words for credit, and the ring of its items.
 */
import { assert } from "@effect/vitest"
import * as Credit from "../../src/internal/hub/credit.ts"
import { ItemRingReader, ItemRingWriter } from "../../src/internal/hub/itemRing.ts"
import { Kernel } from "../../src/internal/hub/kernel.ts"
import * as Message from "../../src/internal/hub/message.ts"
import type { ObjectSpec, Peer } from "../../src/internal/hub/objects.ts"

const { PutFlag, Refusal, Reply, Request } = Message

/** The transport of a hub that shares no memory. */
export const nothingShared = {
  share: () => undefined,
  cameIn: () => {},
  watch: () => {},
  unwatch: () => {},
  expectAfter: Infinity
}

export const queue = (maxItems: number, maxBytes = 1_000_000): ObjectSpec & { readonly kind: "queue" } => ({
  kind: "queue",
  maxItems,
  maxBytes,
  joinable: undefined
})

/** A hub with one object that several clients hold, each under the number 1, and what the hub has answered to them. */
export const make = (spec: ObjectSpec, clients: number, expectAfter = Infinity) => {
  let tokens = 0
  const memories = new Map<string, ArrayBuffer>()
  /** How many segments are in use by the hub, and may be made. */
  const segments = { used: 0, left: Infinity }
  const kernel = new Kernel({
    makeToken: () => Buffer.alloc(16, ++tokens),
    transport: {
      ...nothingShared,
      expectAfter,
      share: (size) => {
        if (segments.left-- <= 0) return undefined
        const name = `memory ${memories.size}`
        const memory = new ArrayBuffer(size)
        memories.set(name, memory)
        segments.used++
        return { name, memory, unlink: () => {}, release: () => segments.used-- }
      }
    }
  })
  const answers: Array<string> = []
  const rings: Array<ItemRingReader | undefined> = []
  const pens: Array<ItemRingWriter | undefined> = []
  /** By which requests. */
  const lent: Array<number> = []
  /** Who was told that its pen has been taken back, and whether it was its last one. */
  const recalled: Array<string> = []
  const name = (op: number, flag: number, bytes: Uint8Array) =>
    op === Reply.Item
      ? `item ${Buffer.from(bytes).toString()}`
      : op === Reply.Done
      ? "done"
      : op === Reply.Failed
      ? Object.entries(Refusal).find(([, refusal]) => refusal === flag)![0]
      : op === Reply.Shared
      ? `${Buffer.from(bytes).toString()} as ${flag}`
      : op === Reply.Pen
      ? `pen of ${Buffer.from(bytes).toString()}`
      : `op ${op} ${flag}`
  const connect = (who: string, words: Int32Array | undefined, i?: number): Peer =>
    kernel.addPeer(({ bytes, flag, op, ref, request }) => {
      if (op === Reply.Pen) lent[i!] = request
      if (op === Reply.Pen) pens[i!] = ItemRingWriter.withPen(memories.get(Buffer.from(bytes).toString())!)
      if (op === Reply.Shared) rings[i!] = new ItemRingReader(memories.get(Buffer.from(bytes).toString())!, flag)
      if (op === Reply.Recalled) {
        recalled.push(`${who}: ${request === lent[i!]}`)
        return
      }
      if (op === Reply.Sizes) answers.push(`${who}: size ${ref}`)
      else if (op !== Reply.Ticket) answers.push(`${who}: ${name(op, flag, bytes)}`)
    }, () => words)
  const owner = connect("owner", undefined)
  kernel.create(owner, spec, [1, 2])
  /** Has the owner give one of its own to a client, which holds it as 1. */
  const handOver = (ref: number, peer: Peer) => {
    kernel.receive(owner, Message.make(Request.HandOver, 1, ref, 0))
    kernel.receive(peer, Message.make(Request.Attach, 1, 1, 0, Buffer.alloc(16, tokens)))
  }
  const words: Array<Int32Array> = []
  const peers: Array<Peer> = []
  for (let i = 0; i < clients; i++) {
    const own = new Int32Array(Credit.slots)
    const peer = connect(`client ${i}`, own, i)
    handOver(1, peer)
    words.push(own)
    peers.push(peer)
  }
  answers.length = 0
  let request = 1
  const ask = (peer: Peer, op: number, flag = 0, text = "", ref = 1) =>
    kernel.receive(peer, Message.make(op, ++request, ref, flag, Buffer.from(text)))
  return {
    kernel,
    connect: (who: string, i: number) => connect(who, new Int32Array(Credit.slots), i),
    handOver,
    owner,
    peers,
    words,
    memories,
    segments,
    said: () => answers.splice(0),
    recalled: () => recalled.splice(0),
    ask,
    last: () => request,
    /** The last request's item was given to the user. */
    accept: (peer: Peer) => kernel.receive(peer, Message.make(Request.Accept, request, 0, 0)),
    /** As a client does it, of the next item in memory. */
    claim: (i: number): string | undefined => {
      const bytes = rings[i]?.claim()
      return bytes && Buffer.from(bytes).toString()
    },
    /** Does this client, which finds nothing, expect more there? */
    isExpecting: (i: number): boolean => rings[i]!.isExpecting,
    /** With the pen that was lent to this client. `false`: it has lost it, or there is no room. */
    offer: (i: number, text: string): boolean => pens[i]!.offer(Buffer.from(text)),
    /** Says that this client offers nothing more. */
    putDown: (i: number) => kernel.receive(peers[i]!, Message.make(Request.PutDownPen, lent[i]!, 1, 0)),
    /** Must this client tell the hub of its last claim? */
    mustTell: (i: number): boolean => rings[i]!.mustTell(),
    /** As a client does it: `false` if there is no credit. */
    putOnCredit: (i: number, text: string) => {
      if (!Credit.take(words[i]!, 1, text.length)) return false
      assert.isTrue(
        kernel.receive(peers[i]!, Message.make(Request.Put, 0, 1, PutFlag.onCredit, Buffer.from(text)))
      )
      return true
    }
  }
}
