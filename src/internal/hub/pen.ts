/**
 * A client's side of the pen of a ring (see `itemRing.ts`): what two other processes say to each other need not go through the hub.
 *
 * A client asks for the pen when it has put many items in a row. It loses it as soon as anything is wanted of the hub that concerns the object,
 * and puts it down where an item does not fit; where that is often, it asks less often.
 */
import type { Segment } from "../transport/transport.ts"
import { ItemRingWriter, maxLent } from "./itemRing.ts"

/** More items than these never go by the hub before it is asked for the pen. */
const maxWait = 65_536

/** A pen that was good for so many items was worth it. */
const many = 64

export class Pen {
  /** The memory stays open: to open it takes longer than others look for what comes. */
  private name = ""
  private segment: Segment | undefined
  private writer: ItemRingWriter | undefined
  /** After so many items in a row that went by the hub, the pen is asked for: at first, and now. */
  private readonly firstWait: number
  private wait: number
  /** Since it was put down. */
  private puts = 0
  /** Since it was taken. */
  private offers = 0
  /** Asked, and not answered; what was put since then went by the hub. */
  private asked: "Clean" | "HasPut" | undefined

  constructor(firstWait: number) {
    this.firstWait = this.wait = firstWait
  }

  /** Offers an item. `false`: the hub must be told. */
  offer(bytes: Uint8Array): boolean {
    const { writer } = this
    if (writer === undefined || this.offers === maxLent) return false
    if (!writer.offer(bytes)) {
      // What was claimed has left its room.
      if (!writer.settle(ignore) || !writer.offer(bytes)) return false
    }
    this.offers++
    return true
  }

  /** An item has gone by the hub. Is the pen to be asked for behind it? */
  mustAsk(): boolean {
    if (this.asked !== undefined || ++this.puts < this.wait) return false
    this.puts = 0
    this.asked = "Clean"
    return true
  }

  /** The hub has lent it, to be used in the memory of this name. `false`: it is not taken. */
  take(name: string, open: (name: string) => Segment | undefined): boolean {
    const isClean = this.asked === "Clean"
    this.asked = undefined
    if (!isClean) return false
    if (this.segment === undefined || this.name !== name) {
      this.release()
      this.name = name
      this.segment = open(name)
    }
    this.writer = this.segment && ItemRingWriter.withPen(this.segment.memory)
    this.offers = 0
    if (this.writer === undefined) this.refused()
    return this.writer !== undefined
  }

  /** The hub has not lent it. */
  refused(): void {
    this.asked = undefined
    this.wait = Math.min(2 * this.wait, maxWait)
  }

  /** Writes nothing more, as something goes by the hub. `false`: it had no pen. */
  putDown(): boolean {
    if (this.asked !== undefined) this.asked = "HasPut"
    if (this.writer === undefined) return false
    this.writer = undefined
    this.puts = 0
    this.wait = this.offers < many ? Math.min(2 * this.wait, maxWait) : this.firstWait
    return true
  }

  /** The memory is not used any more. */
  release(): void {
    this.writer = undefined
    this.segment?.release()
    this.segment = undefined
  }
}

const ignore = () => {}
