/**
 * The tasks that wait for a worker: first those of the highest priority, then those that came first. No I/O, no time.
 */

/** What can wait. A job is in one backlog at a time. */
export interface Waiting {
  /** Rises from one to the next. */
  readonly id: number
  readonly priority: number
}

interface Node<J> {
  readonly job: J
  readonly level: Level<J>
  previous: Node<J> | undefined
  next: Node<J> | undefined
}

interface Level<J> {
  readonly priority: number
  first: Node<J> | undefined
  last: Node<J> | undefined
}

export class Backlog<J extends Waiting> {
  /** The highest priority first. Those that are empty are removed. */
  private readonly levels: Array<Level<J>> = []
  private readonly nodes = new Map<J, Node<J>>()

  get length(): number {
    return this.nodes.size
  }

  /** The next one. */
  peek(): J | undefined {
    return this.levels[0]?.first?.job
  }

  shift(): J | undefined {
    const job = this.peek()
    if (job !== undefined) this.delete(job)
    return job
  }

  has(job: J): boolean {
    return this.nodes.has(job)
  }

  /** To its place: mostly the last of its priority, and nearly the first if it has been there before. */
  add(job: J): void {
    const level = this.level(job.priority)
    let next: Node<J> | undefined
    if (level.last !== undefined && level.last.job.id > job.id) {
      next = level.first!
      while (next.job.id < job.id) next = next.next!
    }
    const previous = next === undefined ? level.last : next.previous
    const node: Node<J> = { job, level, previous, next }
    if (previous === undefined) level.first = node
    else previous.next = node
    if (next === undefined) level.last = node
    else next.previous = node
    this.nodes.set(job, node)
  }

  /** `false` if it was not there. */
  delete(job: J): boolean {
    const node = this.nodes.get(job)
    if (node === undefined) return false
    this.nodes.delete(job)
    const { level, next, previous } = node
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

  private level(priority: number): Level<J> {
    let i = 0
    while (i < this.levels.length && this.levels[i]!.priority > priority) i++
    const found = this.levels[i]
    if (found?.priority === priority) return found
    const level: Level<J> = { priority, first: undefined, last: undefined }
    this.levels.splice(i, 0, level)
    return level
  }
}
