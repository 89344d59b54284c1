/**
 * A kernel, one object, and clients that share words of memory with it.
 */
import { assert } from "@effect/vitest"
import * as Claim from "../../src/internal/hub/claim.ts"
import * as Credit from "../../src/internal/hub/credit.ts"
import { Kernel } from "../../src/internal/hub/kernel.ts"
import * as Message from "../../src/internal/hub/message.ts"
import type { ObjectSpec, Peer } from "../../src/internal/hub/objects.ts"

const { PutFlag, Refusal, Reply, Request } = Message

export const queue = (maxItems: number, maxBytes = 1_000_000): ObjectSpec => ({
  kind: "queue",
  maxItems,
  maxBytes,
  joinable: undefined
})

/** A hub with one object that several clients hold, each under the number 1, and what the hub has answered to them. */
export const make = (spec: ObjectSpec, clients: number) => {
  let tokens = 0
  const later: Array<() => void> = []
  const kernel = new Kernel({ makeToken: () => Buffer.alloc(16, ++tokens), later: (task) => later.push(task) })
  const answers: Array<string> = []
  const name = (op: number, flag: number, bytes: Uint8Array) =>
    op === Reply.Item
      ? `item ${Buffer.from(bytes).toString()}`
      : op === Reply.Done
      ? "done"
      : op === Reply.Failed
      ? Object.entries(Refusal).find(([, refusal]) => refusal === flag)![0]
      : op === Reply.Ahead
      ? `ahead ${Buffer.from(bytes).toString()}`
      : `op ${op} ${flag}`
  const connect = (who: string, words: Int32Array | undefined): Peer =>
    kernel.addPeer(({ bytes, flag, op, ref }) => {
      if (op === Reply.Sizes) answers.push(`${who}: size ${ref}`)
      else if (op !== Reply.Ticket) answers.push(`${who}: ${name(op, flag, bytes)}`)
    }, () => words)
  const owner = connect("owner", undefined)
  kernel.create(owner, spec, [1, 2])
  const words: Array<Int32Array> = []
  const peers: Array<Peer> = []
  for (let i = 0; i < clients; i++) {
    const own = new Int32Array(2 * Credit.slots)
    const peer = connect(`client ${i}`, own)
    kernel.receive(owner, Message.make(Request.HandOver, 1, 1, 0))
    kernel.receive(peer, Message.make(Request.Attach, 1, 1, 0, Buffer.alloc(16, tokens)))
    words.push(own)
    peers.push(peer)
  }
  answers.length = 0
  let request = 1
  return {
    kernel,
    owner,
    peers,
    words,
    said: () => answers.splice(0),
    /** So many turns of the event loop pass. */
    turn: (count: number) => {
      for (; count > 0; count--) for (const task of later.splice(0)) task()
    },
    ask: (peer: Peer, op: number, flag = 0, text = "") =>
      kernel.receive(peer, Message.make(op, ++request, 1, flag, Buffer.from(text))),
    last: () => request,
    /** As a client does it, of the generation that it has seen last: `false` if the next item ahead is not its own. */
    claim: (i: number, generation = 0) => {
      const number = Claim.read(words[i]!, Claim.slot(1)).claimed
      return Claim.claim(words[i]!, Claim.slot(1), { generation, number })
    },
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
