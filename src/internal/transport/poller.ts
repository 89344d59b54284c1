/**
 * Looks again and again at what may have changed in shared memory, as long as it keeps changing.
 *
 * To be woken by the operating system costs 100 microseconds and more; to look costs less than one. So whatever was busy is looked at in
 * every turn of the event loop, for about as long as a wake-up would take, and then left to sleep until somebody rings.
 *
 * A turn of the event loop costs some microseconds too, and an answer often comes within them. So each turn looks several times, and
 * goes on while that finds something, but not for long: timers and sockets have their turn.
 *
 * All this is worth it only while others that want the processor give it back soon. Where programs compute on all processors, to offer it to
 * others costs a time slice of theirs, milliseconds; who sleeps is woken before them. So there it is better to sleep soon. And where
 * what comes never comes so soon, to look for it is but heat, and it is better to sleep at once: each thing that is looked at has its own
 * record of that.
 */

/** Something to look at. */
export interface Pollable {
  /** Does what there is to do. `false`: there was nothing. */
  readonly poll: () => boolean
  /** Is not looked at from now on. `false`: there is something to do after all. */
  readonly sleep: () => boolean
}

/** How long to look on within a turn when nothing is found, in milliseconds: about as long as a turn takes. */
const patience = 0.003

/** The event loop goes on after this time, whatever is found. */
const maxTurn = 0.05

/** On average, to offer the processor to others may cost as much, in milliseconds: more than a wake-up. */
const dear = 0.5

/** Of that average, the last time counts for so much: some slices of somebody else in a row are too many. */
const weight = 1 / 32

/** For so long the processor is not offered, and what finds nothing sleeps soon, in milliseconds: each such time begins with a slice lost. */
const crowdedTime = 50

/** How long to look on then, in milliseconds. */
const shortTime = 0.005

/** To look on at all is worth it if this part of what came had come while it was looked for, */
const worth = 1 / 4

/** as an average in which the last one counts for so much. */
const lastWeight = 1 / 8

/** What wakes a process comes later by so much than if it had been looked for, in milliseconds. */
const wakeTime = 0.1

/** Instead of a time that is not known yet. */
const justNow = -1

interface Watch {
  readonly pollable: Pollable
  /** When something has come or was written. */
  since: number
  /** Of what came, the part that came within the hot time. */
  soon: number
  /** What rang has been counted, and will be found. */
  rang: boolean
}

export class Poller {
  private readonly all = new Map<Pollable, Watch>()
  private readonly hot = new Set<Watch>()
  private readonly listeners = new Set<() => void>()
  private readonly hotTime: number
  private readonly yieldProcessor: () => void
  private readonly now: () => number
  private running = false
  private turnEnd = 0
  /** What it costs to offer the processor to others, in milliseconds, on average. */
  private cost = 0
  private crowdedUntil = -Infinity

  /**
   * `hotTime`: how long after the last change to go on looking, in milliseconds. `yieldProcessor`: lets others run, as the one that would
   * change something may be waiting for just this processor. `now`: milliseconds since whenever.
   */
  constructor(hotTime: number, yieldProcessor: () => void, now = () => performance.now()) {
    this.hotTime = hotTime
    this.yieldProcessor = yieldProcessor
    this.now = now
  }

  /** Something will happen there soon; or it has, and the other side `rang`. */
  wake(pollable: Pollable, rang = false): void {
    let watch = this.all.get(pollable)
    if (watch === undefined) this.all.set(pollable, watch = { pollable, since: justNow, soon: 1, rang: false })
    else if (rang && !this.hot.has(watch)) {
      this.came(watch, this.now() - wakeTime)
      watch.rang = true
    }
    watch.since = justNow
    this.hot.add(watch)
    if (this.running) return
    this.running = true
    setImmediate(this.turn)
  }

  forget(pollable: Pollable): void {
    const watch = this.all.get(pollable)
    if (watch === undefined) return
    this.hot.delete(watch)
    this.all.delete(pollable)
  }

  /** Looks at everything now. */
  pollAll(): void {
    for (const pollable of this.all.keys()) pollable.poll()
  }

  /** Calls back after each look that has found something. */
  onFound(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  private readonly turn = (): void => {
    this.turnEnd = this.now() + maxTurn
    this.look()
  }

  private readonly look = (): void => {
    const start = this.now()
    for (let now = start;;) {
      const found = this.lookOnce(now)
      if (found) { for (const listener of this.listeners) listener() }
      this.running = this.hot.size > 0
      if (!this.running) return
      // What was found has left messages that are sent at the end of this tick. They go first.
      if (found && now < this.turnEnd) return queueMicrotask(this.look)
      const isLast = found || now - start >= patience || now >= this.turnEnd
      if (!found) now = this.offerProcessor(now)
      if (isLast) return void setImmediate(this.turn)
    }
  }

  /** Gives what time it is then. */
  private offerProcessor(before: number): number {
    if (before < this.crowdedUntil) return this.now()
    this.yieldProcessor()
    const after = this.now()
    this.cost += (after - before - this.cost) * weight
    if (this.cost > dear) {
      this.crowdedUntil = after + crowdedTime
      // The next time decides anew.
      this.cost = dear
    }
    return after
  }

  /** `false`: there was nothing. */
  private lookOnce(now: number): boolean {
    let found = false
    const isCrowded = now < this.crowdedUntil
    for (const watch of this.hot) {
      if (watch.pollable.poll()) {
        found = true
        if (!watch.rang) this.came(watch, now)
        watch.rang = false
        watch.since = now
      } else {
        if (watch.since === justNow) watch.since = now
        const hotTime = watch.soon < worth ? 0 : isCrowded ? shortTime : this.hotTime
        if (now - watch.since >= hotTime && watch.pollable.sleep()) this.hot.delete(watch)
      }
    }
    return found
  }

  private came(watch: Watch, now: number): void {
    const soon = watch.since === justNow || now - watch.since <= this.hotTime ? 1 : 0
    watch.soon += (soon - watch.soon) * lastWeight
  }
}
