/**
 * Fibers that look for something in shared memory, for a while: what comes soon is found there sooner, and with fewer messages, than if it were
 * asked for.
 */
import * as Effect from "effect/Effect"
import type { Pollable } from "../transport/poller.ts"

/** After looks for nothing, the next ones are none: after the second time in a row one, then twice as many each time, up to so many. */
const maxPause = 64

/**
 * So many looks in a row take some two microseconds, which a wait by itself costs. Who talks to another process in turns mostly has its answer
 * by then, and need not wait.
 */
export const looksAtOnce = 100

export class Lookout implements Pollable {
  private readonly isOver: () => boolean
  private readonly watch: (pollable: Pollable) => void
  private readonly looks: number
  private readonly waiting = new Set<() => void>()
  /** How many are not to look, and how many the next time. */
  private pause = 0
  private nextPause = 0
  /** The same for looks in a row. */
  private pauseAtOnce = 0
  private nextPauseAtOnce = 0

  /**
   * `isOver`: there is nothing to wait for any more. `watch`: has it polled as long as what it finds comes soon. `looks`: how many in a row
   * before that, where another process can end it.
   */
  constructor(isOver: () => boolean, watch: (pollable: Pollable) => void, looks = 0) {
    this.isOver = isOver
    this.watch = watch
    this.looks = looks
  }

  /** Returns when it is over, or that was not soon. `undefined`: it is over, or not worth a look. */
  soon(): Effect.Effect<void> | undefined {
    if (this.isOver()) return undefined
    if (this.pause > 0) {
      this.pause--
      return undefined
    }
    return this.isOverAtOnce() ? Effect.void : this.wait
  }

  private isOverAtOnce(): boolean {
    if (this.pauseAtOnce > 0) {
      this.pauseAtOnce--
      return false
    }
    for (let i = 0; i < this.looks; i++) {
      if (!this.isOver()) continue
      this.nextPauseAtOnce = 0
      return true
    }
    this.pauseAtOnce = this.nextPauseAtOnce
    this.nextPauseAtOnce = Math.min(2 * this.nextPauseAtOnce || 1, maxPause)
    return false
  }

  private readonly wait: Effect.Effect<void> = Effect.callback((resume) => {
    const wake = () => resume(Effect.void)
    this.waiting.add(wake)
    this.watch(this)
    return Effect.sync(() => this.waiting.delete(wake))
  })

  poll(): boolean {
    if (this.waiting.size === 0 || !this.isOver()) return false
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

  /** All that wait go on. */
  wake(): void {
    const waiting = Array.from(this.waiting)
    this.waiting.clear()
    // Whoever goes on may wait again before this returns.
    for (const wake of waiting) wake()
  }
}
