/**
 * The kernel against a model: random peers do random things, in order and out of order, and after each step the kernel must have said
 * what the model says, and nothing else.
 */
import { assert, describe, it } from "@effect/vitest"
import { Kernel } from "../../src/internal/hub/kernel.ts"
import * as Message from "../../src/internal/hub/message.ts"
import type { ObjectSpec, Peer } from "../../src/internal/hub/objects.ts"
import { Model, type ModelMessage, show } from "../support/kernelModel.ts"
import { Random, seed, seedNote } from "../support/random.ts"
import { nothingShared } from "../support/sharedObject.ts"

const { Reply, Request } = Message

type Step =
  | { readonly do: "arrive"; readonly peer: number }
  | { readonly do: "leave"; readonly peer: number }
  | { readonly do: "create"; readonly peer: number; readonly spec: ObjectSpec; readonly refs: ReadonlyArray<number> }
  | ({ readonly do: "send"; readonly peer: number } & ModelMessage)

const toToken = (ticket: number): Buffer => {
  const token = Buffer.alloc(16, 0xee)
  token.writeUInt32BE(ticket, 0)
  return token
}

/** The kernel and the model, side by side. */
class Pair {
  readonly model = new Model()
  private nextToken = 1
  private readonly kernel = new Kernel({
    makeToken: () => toToken(this.nextToken++),
    transport: nothingShared
  })
  private readonly peers = new Map<number, Peer>()
  private said: Array<readonly [number, string]> = []
  private ended: Array<number> = []

  /** Carries out a step on both. Throws where they differ. */
  run(step: Step): void {
    this.said = []
    this.ended = []
    this.model.said = []
    this.model.ended = []
    if (step.do === "arrive") {
      if (this.peers.has(step.peer)) return
      this.model.arrive(step.peer)
      this.peers.set(
        step.peer,
        this.kernel.addPeer(({ bytes, flag, op, ref, request }) => {
          const text = op === Reply.Ticket
            ? `ticket ${Buffer.from(bytes).readUInt32BE(0)}`
            : Buffer.from(bytes).toString()
          if (this.peers.has(step.peer)) this.said.push([step.peer, show(op, request, ref, flag, text)])
        })
      )
    } else if (this.peers.has(step.peer)) {
      const peer = this.peers.get(step.peer)!
      if (step.do === "leave") this.leave(step.peer, peer)
      else if (step.do === "create") {
        if (step.refs.some((ref) => peer.holdings.has(ref))) return
        this.kernel.create(peer, step.spec, step.refs)
        this.model.create(step.peer, step.spec, step.refs)
      } else {
        const followsRules = this.model.receive(step.peer, step)
        same(this.receive(peer, step), followsRules, "the client follows the rules")
        // The server drops one that does not.
        if (!followsRules) this.leave(step.peer, peer)
      }
    }
    this.compare()
  }

  private receive(peer: Peer, { enclosed, flag, op, ref, request, text, ticket }: ModelMessage): boolean {
    const bytes = ticket === undefined ? Buffer.from(text) : toToken(ticket)
    return this.kernel.receive(
      peer,
      Message.make(op, request, ref, flag, bytes),
      enclosed && {
        tokens: enclosed.tickets.map(toToken),
        gone: () => {
          this.ended.push(enclosed.id)
        }
      }
    )
  }

  private leave(number: number, peer: Peer): void {
    this.peers.delete(number)
    this.kernel.removePeer(peer)
    this.kernel.removePeer(peer)
    this.model.leave(number)
  }

  private compare(): void {
    // One step may answer several requests; among them, the order is free.
    const inOrder = (said: ReadonlyArray<readonly [number, string]>) =>
      said.map(([peer, text]) => `to peer ${peer}: ${text}`).sort().join("\n")
    same(inOrder(this.said), inOrder(this.model.said), "what was said")
    const byNumber = (numbers: Iterable<number>) => Array.from(numbers).sort((a, b) => a - b).join()
    same(byNumber(this.ended), byNumber(this.model.ended), "messages that ended")
    same(this.kernel["tickets"].size, this.model.tickets.length, "tickets that are left")
    for (const [number, peer] of this.peers) {
      const mine = this.model.open.filter((open) => open.holding.peer.number === number)
      same(byNumber(peer.open.keys()), byNumber(mine.map((open) => open.request)), "open requests")
    }
  }
}

/** As `strictEqual`, which takes longer than a step. */
const same = (actual: unknown, expected: unknown, what: string): void => {
  if (actual !== expected) assert.strictEqual(actual, expected, what)
}

/** The error at the first step at which the two differ. */
const replay = (steps: ReadonlyArray<Step>): { readonly at: number; readonly error: unknown } | undefined => {
  const pair = new Pair()
  for (const [at, step] of steps.entries()) {
    try {
      pair.run(step)
    } catch (error) {
      return { at, error }
    }
  }
  return undefined
}

/** The shortest prefix that fails, without the steps that it fails without. */
const shrink = (steps: ReadonlyArray<Step>): ReadonlyArray<Step> => {
  let shortest = steps.slice(0, replay(steps)!.at + 1)
  for (let i = shortest.length - 1; i >= 0; i--) {
    const without = shortest.toSpliced(i, 1)
    const result = replay(without)
    if (result !== undefined) {
      shortest = without.slice(0, result.at + 1)
      i = Math.min(i, shortest.length)
    }
  }
  return shortest
}

const describeStep = (step: Step): string => {
  if (step.do !== "send") return JSON.stringify(step)
  const name = Object.entries(Request).find(([, op]) => op === step.op)?.[0] ?? `op ${step.op}`
  const { enclosed, flag, peer, ref, request, text, ticket } = step
  return `peer ${peer}: ${name} ${JSON.stringify({ request, ref, flag, text, ticket, enclosed })}`
}

/** What may happen next, most of it sensible. */
const nextStep = (random: Random, model: Model, counters: { peer: number; request: number; ref: number }): Step => {
  if (model.peers.length === 0 || random.chance(0.02)) return { do: "arrive", peer: counters.peer++ }
  const peer = random.pick(model.peers)
  if (random.chance(0.015)) return { do: "leave", peer: peer.number }
  const mine = model.holdings.filter((holding) => holding.peer === peer)
  if (model.holdings.length < 3 || random.chance(0.02)) {
    const spec: ObjectSpec = random.chance(0.6)
      ? {
        kind: "queue",
        maxItems: random.pick([0, 1, 2, 3]),
        maxBytes: random.pick([1, 260, 517, 100_000]),
        joinable: random.pick([undefined, "redeliver", "done"])
      }
      : { kind: "pipe", duplex: random.chance(0.5), maxBytes: random.pick([1, 260, 517, 100_000]) }
    return {
      do: "create",
      peer: peer.number,
      spec,
      refs: spec.kind === "queue" ? [counters.ref++] : [counters.ref++, counters.ref++]
    }
  }
  const send = (op: number, rest: Partial<ModelMessage>): Step => ({
    do: "send",
    peer: peer.number,
    op,
    request: counters.request++,
    ref: 0,
    flag: 0,
    text: "",
    ticket: undefined,
    enclosed: undefined,
    ...rest
  })
  const ref = mine.length > 0 && random.chance(0.97) ? random.pick(mine).ref : random.int(counters.ref + 2)
  const ownTickets = model.tickets.filter((ticket) => ticket.owner === peer)
  const ticket = model.tickets.length > 0 && random.chance(0.9)
    ? random.pick(model.tickets).number
    : random.int(model.nextTicket + 2)
  const open = model.open.filter((open) => open.holding.peer === peer)
  const request = open.length > 0 && random.chance(0.97) ? random.pick(open).request : random.int(counters.request + 2)
  const leases = open.filter((open) => open.kind === "lease")
  const flag = random.chance(0.3) ? 1 : 0
  const choices: ReadonlyArray<readonly [weight: number, make: () => Step]> = [
    [10, () => {
      const enclosed = random.chance(0.1)
        ? {
          id: counters.request,
          tickets: ownTickets.filter((ticket) => ticket.reusable && random.chance(0.5)).map((ticket) => ticket.number)
        }
        : undefined
      return send(Request.Put, { ref, flag, text: "x".repeat(random.int(6)) + counters.request % 10, enclosed })
    }],
    [10, () => send(Request.Get, { ref, flag })],
    [2, () => send(Request.Poll, { ref, flag })],
    [leases.length * 2, () => send(Request.Accept, { request: random.pick(leases).request })],
    [leases.length, () => send(Request.Return, { request: random.pick(leases).request })],
    [2, () => send(Request.Cancel, { request })],
    [0.05, () => send(random.pick([Request.Accept, Request.Return]), { request })],
    [1.5, () => send(Request.HandOver, { ref, flag: random.chance(0.5) ? 1 : 0 })],
    [1.5, () => send(Request.Attach, { ref: counters.ref++, ticket })],
    [0.5, () => send(Request.Adopt, { ticket })],
    [0.5, () => send(Request.Revoke, { ticket })],
    [0.7, () => send(Request.Detach, { ref })],
    [1, () => send(Request.Inspect, { ref })],
    [0.2, () => send(Request.Ping, { ref })],
    [0.2, () => send(random.pick([Request.TakePen, Request.PutDownPen]), { ref })],
    [0.15, () => send(Request.ShutDown, { ref, flag })],
    [3, () => send(Request.TaskDone, { ref })],
    [1, () => send(Request.Join, { ref, flag })],
    // Against the rules.
    // Without the bits that need words: see credit.test.ts and claim.test.ts.
    [0.05, () => send(random.int(256), { ref, request, text: "?", flag: random.int(256) & 0b1111_1001 })],
    [0.05, () => send(Request.Attach, { ref, ticket })]
  ]
  let weight = random.next() * choices.reduce((sum, [weight]) => sum + weight, 0)
  for (const [own, make] of choices) {
    weight -= own
    if (weight < 0) return make()
  }
  return send(Request.Inspect, { ref })
}

const runSequence = (random: Random, length: number): void => {
  const pair = new Pair()
  const counters = { peer: 1, request: 1, ref: 1 }
  const steps: Array<Step> = []
  const take = (step: Step) => {
    steps.push(step)
    pair.run(step)
  }
  try {
    take({ do: "arrive", peer: counters.peer++ })
    take({ do: "arrive", peer: counters.peer++ })
    for (let i = 0; i < length; i++) take(nextStep(random, pair.model, counters))
    while (pair.model.peers.length > 0) take({ do: "leave", peer: pair.model.peers[0]!.number })
  } catch {
    const shortest = shrink(steps)
    throw new Error(
      `${seedNote(random)}; the shortest way to fail:\n${shortest.map(describeStep).join("\n")}`,
      { cause: replay(shortest)!.error }
    )
  }
}

describe("Kernel", () => {
  it("says what the model says, in 3 000 random sequences of 120 steps", () => {
    for (let run = 0; run < 3_000; run++) runSequence(new Random(seed + run), 120)
  })

  it("says what the model says, in 15 long random sequences", () => {
    for (let run = 0; run < 15; run++) runSequence(new Random(seed + run), 3_000)
  })
})
