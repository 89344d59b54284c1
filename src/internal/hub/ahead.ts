/**
 * Items that the hub sends to a reader before it asks for them, and the turns of the readers that this takes: the hub's side of `claim.ts`. No
 * I/O, and no time but a way to be called back.
 */
import * as Claim from "./claim.ts"
import type { Item, Mailbox } from "./mailbox.ts"
import * as Message from "./message.ts"
import {
  type Holding,
  inboxOf,
  type ParkedGet,
  type Reading,
  readingOf,
  type SharedObject,
  wordsOf
} from "./objects.ts"

/** No more is sent ahead while there is so much: what else a client waits for comes behind it. */
const maxAheadBytes = 1024 * 1024

/** A reader that has claimed nothing for so many looks is slow. */
const maxIdleLooks = 64

/** How often the turn passes between slow readers before one of them may have items ahead, to see whether it is quick now. */
const turnsBeforeTrial = 64

/** What the kernel does about it. */
export interface Events {
  /** Runs a task in another turn of the event loop. */
  readonly later: (task: () => void) => void
  /** An item that was ahead has been given to user code. */
  readonly accepted: (holding: Holding, mailbox: Mailbox, item: Item) => void
  /** Items that were ahead are in the mailbox again. */
  readonly returned: (object: SharedObject) => void
  /** The turn may be its now. */
  readonly again: (parked: ParkedGet) => void
}

export class Ahead {
  private readonly hub: Events
  /** Where somebody waits for the turn. */
  private readonly crowded = new Set<Reading>()
  private willLook = false

  constructor(hub: Events) {
    this.hub = hub
  }

  /** This holder asks for an item, and it has the turn. `true`: it may have more ahead. */
  turnTo(holding: Holding): boolean {
    const reading = readingOf(holding)
    const before = reading.reader
    if (before === holding) return true
    if (before !== undefined) this.settle(before)
    const wasQuick = before === undefined || (before.wasFed && before.ahead.length === 0)
    this.takeBack(holding)
    if (before !== undefined) before.wasFed = false
    reading.reader = holding
    reading.turns++
    // Who takes slowly asks for each. Perhaps it has become quicker.
    return wasQuick || reading.turns % turnsBeforeTrial === 0
  }

  /** Another one has items ahead, and may be about to take them. */
  mustWait(holding: Holding): boolean {
    const { reader } = readingOf(holding)
    if (reader === undefined || reader === holding) return false
    this.settle(reader)
    return reader.ahead.length > 0
  }

  /** It waits for its turn. Gives what takes it out again. */
  park(parked: ParkedGet): () => void {
    const reading = readingOf(parked.holding)
    if (reading.parked.size === 0) {
      reading.claimed = reading.reader!.claimed
      reading.idleLooks = 0
      this.crowded.add(reading)
    }
    reading.parked.add(parked)
    this.lookLater()
    return () => reading.parked.delete(parked)
  }

  private lookLater(): void {
    if (this.willLook) return
    this.willLook = true
    this.hub.later(this.look)
  }

  /** Does the reader go on taking, while others wait for their turn? */
  private readonly look = (): void => {
    this.willLook = false
    for (const reading of this.crowded) {
      const { reader } = reading
      if (reader === undefined) continue
      this.settle(reader)
      if (reader.claimed !== reading.claimed) reading.idleLooks = 0
      else if (++reading.idleLooks >= maxIdleLooks) this.takeBack(reader)
      reading.claimed = reader.claimed
    }
    this.passTurns()
    if (this.crowded.size > 0) this.lookLater()
  }

  /** Where nobody has items ahead any more, those who wait for their turn ask again, in their order. */
  passTurns(): void {
    for (const reading of this.crowded) {
      const { parked, reader } = reading
      if (parked.size > 0 && reader !== undefined) {
        this.settle(reader)
        if (reader.ahead.length > 0) continue
      }
      this.crowded.delete(reading)
      const waiting = Array.from(parked)
      parked.clear()
      for (const one of waiting) this.hub.again(one)
    }
  }

  /** Sends what this holder may want next. */
  send(holding: Holding): void {
    const { peer, ref } = holding
    const words = wordsOf(holding)
    if (words === undefined || peer.gone || readingOf(holding).reader !== holding) return
    this.settle(holding)
    // It is the turn of somebody else, as soon as it has taken the rest.
    if (readingOf(holding).parked.size > 0) return
    const mailbox = inboxOf(holding)!
    while (holding.ahead.length < Claim.maxAhead && holding.aheadBytes < maxAheadBytes) {
      const item = mailbox.tryTake()
      if (typeof item !== "object") return
      // What carries tickets must be asked for. And who has just revoked will ask.
      const number = item.gone === undefined ? Claim.offer(words, Claim.slot(ref), holding.generation) : undefined
      if (number === undefined) return mailbox.giveBack(item)
      holding.ahead.push(item)
      holding.aheadBytes += item.size
      holding.wasFed = true
      peer.send(Message.make(Message.Reply.Ahead, number, ref, holding.generation, item.bytes))
    }
  }

  /** These are not ahead any more: so many of the first. */
  private shift(holding: Holding, count: number): Array<Item> {
    const items = holding.ahead.splice(0, count)
    for (const { size } of items) holding.aheadBytes -= size
    return items
  }

  /** Takes note of what was claimed. What the client has revoked goes back. */
  settle(holding: Holding): void {
    if (holding.ahead.length === 0) return
    const mailbox = inboxOf(holding)!
    const { claimed, generation } = Claim.read(wordsOf(holding)!, Claim.slot(holding.ref))
    this.settleUntil(holding, mailbox, claimed)
    if (generation === holding.generation) return
    holding.generation = generation
    for (const item of this.shift(holding, Infinity)) mailbox.giveBack(item)
    this.hub.returned(holding.object)
  }

  private settleUntil(holding: Holding, mailbox: Mailbox, claimed: number): void {
    // The client may have written anything there.
    const count = Math.min(Claim.difference(holding.claimed, claimed), holding.ahead.length)
    holding.claimed = claimed
    if (count === 0) return
    for (const item of this.shift(holding, count)) this.hub.accepted(holding, mailbox, item)
  }

  /**
   * The next of the items that were sent ahead to this holder, who asks for one because it has not seen them yet. To take them back instead
   * would have them travel twice.
   */
  claimFor(holding: Holding, mailbox: Mailbox): Item | undefined {
    if (holding.ahead.length === 0) return undefined
    const number = Claim.claimFor(wordsOf(holding)!, Claim.slot(holding.ref), holding.generation)
    if (number === undefined) {
      this.settle(holding)
      return undefined
    }
    this.settleUntil(holding, mailbox, number)
    holding.claimed = Claim.next(number)
    return this.shift(holding, 1)[0]
  }

  settleAll({ reading }: SharedObject): void {
    for (const { reader } of reading) if (reader !== undefined) this.settle(reader)
  }

  isAnyAhead({ reading }: SharedObject): boolean {
    return reading.some(({ reader }) => reader !== undefined && reader.ahead.length > 0)
  }

  /** Takes back what was sent ahead to anybody who reads the same as this holder, and is not claimed yet. `false`: there was nothing. */
  takeBack(holding: Holding): boolean {
    const { reader } = readingOf(holding)
    if (reader === undefined || reader.ahead.length === 0) return false
    reader.wasFed = false
    Claim.revoke(wordsOf(reader)!, Claim.slot(reader.ref))
    this.settle(reader)
    return true
  }
}
