/**
 * Looks again and again at what may have changed in shared memory, as long as it keeps changing.
 *
 * To be woken by the operating system costs 100 microseconds and more; to look costs less than one. So whatever was busy is looked at in
 * every turn of the event loop, for about as long as a wake-up would take, and then left to sleep until somebody rings.
 */

/** Something to look at. */
export interface Pollable {
  /** Does what there is to do. `false`: there was nothing. */
  readonly poll: () => boolean
  /** Is not looked at from now on. `false`: there is something to do after all. */
  readonly sleep: () => boolean
}

/** Instead of a time that is not known yet. */
const justNow = -1

export class Poller {
  private readonly all = new Set<Pollable>()
  private readonly hot = new Map<Pollable, number>()
  private readonly listeners = new Set<() => void>()
  private readonly hotTime: number
  private readonly yieldProcessor: () => void
  private running = false

  /**
   * `hotTime`: how long after the last change to go on looking, in milliseconds. `yieldProcessor`: lets others run, as the one that would
   * change something may be waiting for just this processor.
   */
  constructor(hotTime: number, yieldProcessor: () => void) {
    this.hotTime = hotTime
    this.yieldProcessor = yieldProcessor
  }

  /** Something has happened there, or will happen soon. */
  wake(pollable: Pollable): void {
    if (this.hot.get(pollable) === justNow) return
    this.all.add(pollable)
    this.hot.set(pollable, justNow)
    if (this.running) return
    this.running = true
    setImmediate(this.turn)
  }

  forget(pollable: Pollable): void {
    this.hot.delete(pollable)
    this.all.delete(pollable)
  }

  /** Looks at everything now. */
  pollAll(): void {
    for (const pollable of this.all) pollable.poll()
  }

  /** Calls back after each turn that has found something. */
  onFound(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  private readonly turn = (): void => {
    const now = performance.now()
    let idle = true
    for (const [pollable, since] of this.hot) {
      if (pollable.poll()) {
        idle = false
        if (this.hot.has(pollable)) this.hot.set(pollable, now)
      } else if (since === justNow) this.hot.set(pollable, now)
      else if (now - since > this.hotTime && pollable.sleep()) this.hot.delete(pollable)
    }
    if (!idle) { for (const listener of this.listeners) listener() }
    this.running = this.hot.size > 0
    if (!this.running) return
    if (idle) this.yieldProcessor()
    setImmediate(this.turn)
  }
}
