/**
 * The tasks that wait for a worker: first those of the highest priority, then those that came first. No I/O, no time.
 */

/** What can wait. A job is in one backlog at a time. */
export interface Waiting {
  /** Rises from one to the next. */
  readonly id: number
  readonly priority: number
  /** Where it waits: for the backlog that it is in. */
  place?: Place | undefined
}

export interface Place {
  readonly job: Waiting
  readonly level: Level
  previous: Place | undefined
  next: Place | undefined
}

interface Level {
  readonly backlog: unknown
  readonly priority: number
  first: Place | undefined
  last: Place | undefined
}

export class Backlog<J extends Waiting> {
  /** The highest priority first. Those that are empty are removed. */
  private readonly levels: Array<Level> = []
  private count = 0

  get length(): number {
    return this.count
  }

  /** The next one. */
  peek(): J | undefined {
    return this.levels[0]?.first?.job as J | undefined
  }

  shift(): J | undefined {
    const job = this.peek()
    if (job !== undefined) this.delete(job)
    return job
  }

  has(job: J): boolean {
    return job.place?.level.backlog === this
  }

  /** To its place: mostly the last of its priority, and nearly the first if it has been there before. */
  add(job: J): void {
    const level = this.level(job.priority)
    let next: Place | undefined
    if (level.last !== undefined && level.last.job.id > job.id) {
      next = level.first!
      while (next.job.id < job.id) next = next.next!
    }
    const previous = next === undefined ? level.last : next.previous
    const place: Place = { job, level, previous, next }
    if (previous === undefined) level.first = place
    else previous.next = place
    if (next === undefined) level.last = place
    else next.previous = place
    job.place = place
    this.count++
  }

  /** `false` if it was not there. */
  delete(job: J): boolean {
    if (!this.has(job)) return false
    const place = job.place!
    const { level, next, previous } = place
    job.place = undefined
    // Garbage that is old would keep what it refers to, and this all that follow: V8 would find none of them before it marks its heap.
    place.next = place.previous = undefined
    this.count--
    if (previous === undefined) level.first = next
    else previous.next = next
    if (next === undefined) level.last = previous
    else next.previous = previous
    if (level.first === undefined) this.levels.splice(this.levels.indexOf(level), 1)
    return true
  }

  /** All, in their order; none are left. */
  clear(): Array<J> {
    const all: Array<J> = []
    for (let job = this.shift(); job !== undefined; job = this.shift()) all.push(job)
    return all
  }

  private level(priority: number): Level {
    let i = 0
    while (i < this.levels.length && this.levels[i]!.priority > priority) i++
    const found = this.levels[i]
    if (found?.priority === priority) return found
    const level: Level = { backlog: this, priority, first: undefined, last: undefined }
    this.levels.splice(i, 0, level)
    return level
  }
}
