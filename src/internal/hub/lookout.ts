/**
 * Fibers that look for something in shared memory, for a while: what comes soon is found there sooner, and with fewer messages, than if it were
 * asked for.
 */
import * as Effect from "effect/Effect"
import type { Pollable } from "../transport/poller.ts"

/** See {@link Pause}. */
const maxPause = 64

/** After looks in vain, the next ones are left out: after the second time in a row one, then twice as many each time, up to 64. */
class Pause {
  private left = 0
  private next = 0

  /** Is this one to be left out? */
  skips(): boolean {
    if (this.left === 0) return false
    this.left--
    return true
  }

  grow(): void {
    this.left = this.next
    this.next = Math.min(2 * this.next || 1, maxPause)
  }

  end(): void {
    this.left = 0
    this.next = 0
  }
}

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
  private readonly pause = new Pause()
  /** Of looks in a row. */
  private readonly pauseAtOnce = new Pause()

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
    if (this.pause.skips()) return undefined
    return this.isOverAtOnce() ? Effect.void : this.wait
  }

  private isOverAtOnce(): boolean {
    if (this.pauseAtOnce.skips()) return false
    for (let i = 0; i < this.looks; i++) {
      if (!this.isOver()) continue
      this.pauseAtOnce.end()
      return true
    }
    this.pauseAtOnce.grow()
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
    this.pause.end()
    this.wake()
    return true
  }

  sleep(): boolean {
    if (this.waiting.size === 0) return true
    this.pause.grow()
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
