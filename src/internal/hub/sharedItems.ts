/**
 * The next items of an object in memory that its hub shares, and the fibers of this process that look there for what comes next.
 *
 * Who finds nothing there could ask the hub, and would get the next item by message: three messages where a look is enough. So it looks for
 * a while, as long as that is worth it, and asks then.
 */
import * as Effect from "effect/Effect"
import type { Pollable } from "../transport/poller.ts"
import type { ItemRingReader } from "./itemRing.ts"

/** After looks for nothing, the next gets ask at once: after the second time in a row one, then twice as many each time, up to so many. */
const maxPause = 64

export class SharedItems implements Pollable {
  readonly ring: ItemRingReader
  private readonly watch: (pollable: Pollable) => void
  private readonly waiting = new Set<() => void>()
  /** How many are to ask at once, and how many the next time. */
  private pause = 0
  private nextPause = 0

  constructor(ring: ItemRingReader, watch: (pollable: Pollable) => void) {
    this.ring = ring
    this.watch = watch
  }

  /** Returns when an item may be there, or the hub must be asked. `undefined`: it must be asked now. */
  soon(): Effect.Effect<void> | undefined {
    if (this.pause > 0) {
      this.pause--
      return undefined
    }
    return this.ring.isExpecting ? this.wait : undefined
  }

  private readonly wait: Effect.Effect<void> = Effect.callback((resume) => {
    const wake = () => resume(Effect.void)
    this.waiting.add(wake)
    this.watch(this)
    return Effect.sync(() => this.waiting.delete(wake))
  })

  poll(): boolean {
    if (this.waiting.size === 0 || this.ring.isExpecting) return false
    this.pause = 0
    this.nextPause = 0
    this.wake()
    return true
  }

  sleep(): boolean {
    if (this.waiting.size === 0) return true
    this.pause = this.nextPause
    this.nextPause = Math.min(2 * this.nextPause || 1, maxPause)
    this.wake()
    return this.waiting.size === 0
  }

  /** All that wait ask the hub, or claim what is there. */
  wake(): void {
    const waiting = Array.from(this.waiting)
    this.waiting.clear()
    // Whoever goes on may wait again before this returns.
    for (const wake of waiting) wake()
  }
}
