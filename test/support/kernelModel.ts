/**
 * What the hub's kernel is to do, written in the plainest way: lists, searched from the beginning, and no state that could be computed.
 * It shares nothing with the kernel but the numbers of the messages.
 */
import { PutFlag, Refusal, Reply, Request } from "../../src/internal/hub/message.ts"
import type { ObjectSpec } from "../../src/internal/hub/objects.ts"

/** A message as a model sees it: a ticket is the number of the hand-over that made it. */
export interface ModelMessage {
  readonly op: number
  readonly request: number
  readonly ref: number
  readonly flag: number
  readonly text: string
  readonly ticket: number | undefined
  /** Tickets inside of a Put, and the name under which it tells that it is gone. */
  readonly enclosed: { readonly tickets: ReadonlyArray<number>; readonly id: number } | undefined
}

interface Item {
  readonly place: number
  readonly text: string
  readonly gone: () => void
}

interface Box {
  readonly maxItems: number
  readonly maxBytes: number
  /** In order of their places. */
  items: Array<Item>
  nextPlace: number
  writersEnd: number | undefined
  readersEnd: number | undefined
}

interface Thing {
  readonly spec: ObjectSpec
  /** What each side reads. */
  readonly boxes: ReadonlyArray<Box | undefined>
  unfinished: number
  /** A queue that was shut down at once keeps nothing. */
  dropping: boolean
}

interface Holding {
  readonly peer: ModelPeer
  readonly ref: number
  readonly thing: Thing
  readonly side: number
}

interface Ticket {
  readonly number: number
  readonly thing: Thing
  readonly side: number
  readonly reusable: boolean
  owner: ModelPeer | "a message"
}

type Open =
  & { readonly request: number; readonly holding: Holding }
  & (
    | { readonly kind: "put"; readonly box: Box; readonly text: string; readonly gone: () => void }
    | { readonly kind: "get" | "poll"; readonly box: Box }
    | { readonly kind: "lease"; readonly box: Box; readonly item: Item; readonly given: number }
    | { readonly kind: "join" }
  )

export interface ModelPeer {
  readonly number: number
}

export class Model {
  /** What the last step said, by peer. */
  said: Array<readonly [peer: number, message: string]> = []
  /** The messages that the last step ended, by their names. */
  ended: Array<number> = []

  readonly peers: Array<ModelPeer> = []
  holdings: Array<Holding> = []
  tickets: Array<Ticket> = []
  /** In the order in which they became what they are. */
  open: Array<Open> = []
  /** Items of joinable queues that were accepted and are not done, in the order in which they were given. */
  taken: Array<{ readonly holding: Holding; readonly item: Item; readonly given: number }> = []
  given = 0
  nextTicket = 1

  arrive(number: number): void {
    this.peers.push({ number })
  }

  leave(number: number): void {
    const peer = this.peer(number)
    if (peer === undefined) return
    this.peers.splice(this.peers.indexOf(peer), 1)
    for (const holding of this.holdings.filter((holding) => holding.peer === peer)) this.detach(holding)
    for (const ticket of this.tickets.filter((ticket) => ticket.owner === peer)) this.drop(ticket)
  }

  create(number: number, spec: ObjectSpec, refs: ReadonlyArray<number>): void {
    const box = (maxItems: number): Box => ({
      maxItems,
      maxBytes: spec.maxBytes,
      items: [],
      nextPlace: 0,
      writersEnd: undefined,
      readersEnd: undefined
    })
    const thing: Thing = {
      spec,
      boxes: spec.kind === "queue" ? [box(spec.maxItems)] : [box(0), spec.duplex ? box(0) : undefined],
      unfinished: 0,
      dropping: false
    }
    for (const [side, ref] of refs.entries()) this.holdings.push({ peer: this.peer(number)!, ref, thing, side })
  }

  /** `false`: the client must be dropped. */
  receive(number: number, message: ModelMessage): boolean {
    const peer = this.peer(number)!
    const mine = this.open.find((open) => open.holding.peer === peer && open.request === message.request)
    switch (message.op) {
      case Request.Revoke: {
        const ticket = this.ticket(message.ticket)
        if (ticket?.owner === peer) this.drop(ticket)
        return true
      }
      case Request.Detach: {
        const holding = this.holding(peer, message.ref)
        if (holding !== undefined) this.detach(holding)
        return true
      }
      case Request.Accept: {
        if (mine?.kind !== "lease") return false
        const { spec } = mine.holding.thing
        this.forget(mine)
        if (spec.kind === "queue" && spec.joinable !== undefined) {
          this.taken.push({ holding: mine.holding, item: mine.item, given: mine.given })
          this.taken.sort((a, b) => a.given - b.given)
        }
        if (spec.kind === "pipe" || spec.joinable !== "redeliver") mine.item.gone()
        this.move(mine.box)
        return true
      }
      case Request.Return: {
        if (mine !== undefined) {
          this.giveUp(mine)
          if (mine.kind === "lease") this.dropAll(mine.holding.thing)
        }
        return true
      }
      case Request.Cancel: {
        if (mine !== undefined && mine.kind !== "lease") {
          this.giveUp(mine)
          this.say(peer, Reply.Failed, message.request, 0, Refusal.Cancelled)
        }
        return true
      }
    }
    // Nothing is claimed or lent where there is no shared memory.
    if (message.op === Request.Claimed || message.op === Request.PutDownPen) return true
    if (mine !== undefined) return false
    return this.ask(peer, message)
  }

  private ask(peer: ModelPeer, message: ModelMessage): boolean {
    const done = () => this.say(peer, Reply.Done, message.request)
    const refuse = (refusal: number) => this.say(peer, Reply.Failed, message.request, 0, refusal)
    const ticket = this.ticket(message.ticket)

    if (message.op === Request.Attach) {
      if (this.holding(peer, message.ref) !== undefined) return false
      if (ticket === undefined) refuse(Refusal.UnknownTicket)
      else {
        this.holdings.push({ peer, ref: message.ref, thing: ticket.thing, side: ticket.side })
        if (!ticket.reusable) this.drop(ticket)
        done()
      }
      return true
    }
    if (message.op === Request.Adopt) {
      if (ticket === undefined || !ticket.reusable || ticket.owner === "a message") refuse(Refusal.UnknownTicket)
      else {
        ticket.owner = peer
        done()
      }
      return true
    }
    if (message.op === Request.Ping) {
      done()
      return true
    }
    if (!requests.has(message.op)) return false

    const holding = this.holding(peer, message.ref)
    const { enclosed } = message
    const gone = () => {
      if (enclosed === undefined) return
      this.ended.push(enclosed.id)
      for (const number of enclosed.tickets) {
        const ticket = this.ticket(number)
        if (ticket !== undefined) this.drop(ticket)
      }
    }
    const unknown = () => {
      if (enclosed !== undefined) this.ended.push(enclosed.id)
      refuse(Refusal.UnknownReference)
      return true
    }
    if (holding === undefined) return unknown()
    const { side, thing } = holding
    const { spec } = thing
    // A Put and a Get have other bits in their flags.
    const bits = message.op === Request.Put || message.op === Request.Get
    const nowait = (bits ? message.flag & PutFlag.nowait : message.flag) === 1

    switch (message.op) {
      case Request.HandOver: {
        const number = this.nextTicket++
        this.tickets.push({ number, thing, side, reusable: message.flag === 1, owner: peer })
        this.say(peer, Reply.Ticket, message.request, 0, 0, `ticket ${number}`)
        return true
      }
      case Request.TakePen: {
        refuse(Refusal.WouldBlock)
        return true
      }
      case Request.Put: {
        const box = spec.kind === "queue" ? thing.boxes[0] : thing.boxes[1 - side]
        if (box === undefined) return unknown()
        if (enclosed !== undefined) {
          const tickets = enclosed.tickets.map((number) => this.ticket(number))
          if (tickets.some((ticket) => ticket === undefined || ticket.owner !== peer || !ticket.reusable)) {
            this.ended.push(enclosed.id)
            refuse(Refusal.UnknownTicket)
            return true
          }
          for (const ticket of tickets) ticket!.owner = "a message"
        }
        const { text } = message
        if (box.writersEnd !== undefined) {
          gone()
          refuse(box.writersEnd)
        } else if (nowait && (this.waiting(box, "put").length > 0 || !this.fits(box, text))) {
          gone()
          refuse(Refusal.WouldBlock)
        } else {
          this.open.push({ kind: "put", request: message.request, holding, box, text, gone })
          this.move(box)
        }
        return true
      }
      case Request.Get:
      case Request.Poll: {
        const box = thing.boxes[side]
        if (box === undefined) return unknown()
        // Whoever asks now is behind all that wait; but if there is something, nobody waits.
        this.open.push({
          kind: message.op === Request.Get ? "get" : "poll",
          request: message.request,
          holding,
          box
        })
        this.move(box)
        const still = this.open.find((open) =>
          open.holding.peer === peer && open.request === message.request && open.kind !== "lease"
        )
        if (nowait && still !== undefined) {
          this.forget(still)
          refuse(Refusal.WouldBlock)
        }
        return true
      }
    }
    if (spec.kind !== "queue") return unknown()
    const box = thing.boxes[0]!
    switch (message.op) {
      case Request.Inspect: {
        const full = spec.maxItems > 0 && box.items.length + this.leases(box).length >= spec.maxItems
        this.say(peer, Reply.Sizes, message.request, box.items.length, full ? 1 : 0)
        return true
      }
      case Request.ShutDown: {
        box.writersEnd = Refusal.ShutDown
        box.readersEnd = Refusal.ShutDown
        for (const put of this.waiting(box, "put")) {
          this.forget(put)
          if (put.kind === "put") put.gone()
          this.say(put.holding.peer, Reply.Failed, put.request, 0, Refusal.ShutDown)
        }
        if (message.flag === 1) {
          thing.dropping = true
          this.dropAll(thing)
        }
        this.move(box)
        done()
        return true
      }
      case Request.TaskDone: {
        if (spec.joinable === undefined || thing.unfinished === 0) {
          refuse(Refusal.TaskDoneTooOften)
          return true
        }
        // The holder's own oldest, else that of the holder whose oldest is the oldest.
        const firsts = this.taken.filter((entry, i) =>
          entry.holding.thing === thing && this.taken.findIndex((other) => other.holding === entry.holding) === i
        )
        const own = firsts.find((entry) => entry.holding === holding)
        const oldest = firsts.sort((a, b) => a.item.place - b.item.place)[0]
        const settled = own ?? oldest
        if (settled !== undefined) {
          this.taken.splice(this.taken.indexOf(settled), 1)
          if (spec.joinable === "redeliver") settled.item.gone()
        }
        this.finish(thing, 1)
        done()
        return true
      }
      default: {
        if (thing.unfinished === 0) done()
        else if (nowait) refuse(Refusal.WouldBlock)
        else this.open.push({ kind: "join", request: message.request, holding })
        return true
      }
    }
  }

  // ---------------------------------------------------------------------------------------------- the rules

  private fits(box: Box, text: string): boolean {
    const inside = [...box.items, ...this.leases(box)]
    const room = (text: string) => 256 + text.length
    const taken = inside.reduce((sum, item) => sum + room(item.text), 0)
    if (box.maxItems > 0 && inside.length >= box.maxItems) return false
    return inside.length === 0 || taken + room(text) <= box.maxBytes
  }

  /** Lets in who fits, in order; then serves who waits, in order. */
  private move(box: Box): void {
    for (;;) {
      const put = this.waiting(box, "put")[0]
      if (put?.kind !== "put" || !this.fits(box, put.text)) break
      this.forget(put)
      box.items.push({ place: box.nextPlace++, text: put.text, gone: put.gone })
      put.holding.thing.unfinished++
      this.say(put.holding.peer, Reply.Done, put.request)
    }
    for (;;) {
      const reader = this.waiting(box, "get", "poll")[0]
      if (reader === undefined) break
      const { holding, request } = reader
      if (box.items.length > 0) {
        this.forget(reader)
        if (reader.kind === "poll") this.say(holding.peer, Reply.Done, request)
        else {
          const item = box.items.shift()!
          this.open.push({ kind: "lease", request, holding, box, item, given: this.given++ })
          this.say(holding.peer, Reply.Item, request, holding.ref, 0, item.text)
        }
      } else if (
        box.readersEnd !== undefined && this.leases(box).length === 0 && this.waiting(box, "put").length === 0
      ) {
        this.forget(reader)
        this.say(holding.peer, Reply.Failed, request, 0, box.readersEnd)
      } else break
    }
  }

  private insert(box: Box, item: Item): void {
    box.items.push(item)
    box.items.sort((a, b) => a.place - b.place)
    this.move(box)
  }

  private empty(box: Box): void {
    const { items } = box
    box.items = []
    for (const item of items) item.gone()
  }

  private dropAll(thing: Thing): void {
    if (!thing.dropping) return
    const count = thing.boxes[0]!.items.length
    this.empty(thing.boxes[0]!)
    this.finish(thing, count)
  }

  private finish(thing: Thing, count: number): void {
    thing.unfinished = Math.max(0, thing.unfinished - count)
    if (thing.unfinished > 0) return
    for (const join of this.open.filter((open) => open.kind === "join" && open.holding.thing === thing)) {
      this.forget(join)
      this.say(join.holding.peer, Reply.Done, join.request)
    }
  }

  private giveUp(open: Open): void {
    this.forget(open)
    if (open.kind === "lease") this.insert(open.box, open.item)
    else if (open.kind === "put") {
      this.move(open.box)
      open.gone()
    }
  }

  private detach(holding: Holding): void {
    // It is a holder until all that it asked is given up.
    for (;;) {
      const open = this.open.find((open) => open.holding === holding)
      if (open === undefined) break
      this.giveUp(open)
    }
    this.holdings.splice(this.holdings.indexOf(holding), 1)
    const taken = this.taken.filter((entry) => entry.holding === holding)
    this.taken = this.taken.filter((entry) => entry.holding !== holding)
    const { spec } = holding.thing
    if (spec.kind === "queue") {
      if (spec.joinable === "done") this.finish(holding.thing, taken.length)
      else for (const { item } of taken) this.insert(holding.thing.boxes[0]!, item)
      this.dropAll(holding.thing)
    }
    this.release(holding.thing, holding.side)
  }

  private drop(ticket: Ticket): void {
    this.tickets.splice(this.tickets.indexOf(ticket), 1)
    this.release(ticket.thing, ticket.side)
  }

  /** One holder less. */
  private release(thing: Thing, side: number): void {
    if ([...this.holdings, ...this.tickets].some((held) => held.thing === thing && held.side === side)) return
    const mine = thing.boxes[side]
    if (thing.spec.kind === "queue") return this.empty(mine!)
    if (mine !== undefined) {
      mine.writersEnd = Refusal.BrokenPipe
      for (const put of this.waiting(mine, "put")) {
        this.forget(put)
        if (put.kind === "put") put.gone()
        this.say(put.holding.peer, Reply.Failed, put.request, 0, Refusal.BrokenPipe)
      }
      this.empty(mine)
    }
    const theirs = thing.boxes[1 - side]
    if (theirs === undefined) return
    theirs.readersEnd = Refusal.EndOfFile
    this.move(theirs)
  }

  // ---------------------------------------------------------------------------------------------- helpers

  peer(number: number): ModelPeer | undefined {
    return this.peers.find((peer) => peer.number === number)
  }
  holding(peer: ModelPeer, ref: number): Holding | undefined {
    return this.holdings.find((holding) => holding.peer === peer && holding.ref === ref)
  }
  ticket(number: number | undefined): Ticket | undefined {
    return this.tickets.find((ticket) => ticket.number === number)
  }
  private leases(box: Box): Array<Item> {
    return this.open.flatMap((open) => open.kind === "lease" && open.box === box ? [open.item] : [])
  }
  private waiting(box: Box, ...kinds: ReadonlyArray<Open["kind"]>): Array<Open> {
    return this.open.filter((open) => kinds.includes(open.kind) && "box" in open && open.box === box)
  }
  private forget(open: Open): void {
    this.open.splice(this.open.indexOf(open), 1)
  }
  private say(peer: ModelPeer, op: number, request: number, ref = 0, flag = 0, text = ""): void {
    if (this.peers.includes(peer)) this.said.push([peer.number, show(op, request, ref, flag, text)])
  }
}

/** A message of the hub in words that can be compared. */
export const show = (op: number, request: number, ref: number, flag: number, text: string): string =>
  `${names.get(op) ?? `op ${op}`} to request ${request}: ${ref}, ${flag}, "${text}"`

const requests = new Set<number>(Object.values(Request))
const names = new Map<number, string>(Object.entries(Reply).map(([name, op]) => [op, name]))
