/**
 * Which worker runs which task: who waits, who works, and how many workers there should be. No I/O, no time.
 *
 * A worker is starting, then ready, then perhaps retiring, and then gone. A ready one runs the first of the tasks that were sent to it; the
 * others were sent ahead, so that it need not wait for the next one. They can be taken back as long as it has not begun them, and
 * are, when another worker has nothing to do, when one of higher priority comes, or when the worker ends.
 */
import { Backlog, type Waiting } from "./backlog.ts"

/** How much is sent to a worker besides what it runs: filled up when half of it is left, so that many go together. */
export const maxAhead = { tasks: 128, bytes: 64 * 1024 }

export interface Job extends Waiting {
  /** Its bytes. */
  readonly size: number
  /** It was sent to a worker, which may not have it yet: perhaps it can be taken back. */
  isAhead: boolean
}

export class Slot<J extends Job> {
  state: "starting" | "ready" | "retiring" | "gone" = "starting"
  /** Sent to it, in order, and not answered: it runs the first one. */
  readonly assigned: Array<J> = []
  /** Of all pools' tasks, those that this worker alone must run. */
  readonly pinned = new Backlog<J>()
  /** How many tasks were answered. */
  done = 0
  /** It is sent more, until it has enough. */
  filling = true
  /** A task of it is on its way, such as one whose target it must be told of first: another one would overtake it. */
  isSending = false

  get isIdle(): boolean {
    return this.state === "ready" && this.assigned.length === 0
  }
}

export interface Limits {
  readonly size: number
  readonly minSize: number
  /** How many tasks a worker runs before it is replaced. */
  readonly maxTasks: number
}

export class Dispatcher<J extends Job, S extends Slot<J>> {
  readonly slots = new Set<S>()
  readonly backlog = new Backlog<J>()
  private readonly limits: Limits
  /** No worker is started any more, but for tasks that wait. */
  private closing = false

  constructor(limits: Limits) {
    this.limits = limits
  }

  get queued(): number {
    let queued = this.backlog.length
    for (const slot of this.slots) queued += Math.max(0, slot.assigned.length - 1) + slot.pinned.length
    return queued
  }

  get running(): number {
    let running = 0
    for (const slot of this.slots) if (slot.assigned.length > 0) running++
    return running
  }

  /** Nothing waits and nothing runs. */
  get isIdle(): boolean {
    if (this.backlog.length > 0) return false
    for (const slot of this.slots) if (slot.assigned.length > 0 || slot.pinned.length > 0) return false
    return true
  }

  /** Workers that run tasks now or soon. */
  get alive(): number {
    let alive = 0
    for (const { state } of this.slots) if (state === "starting" || state === "ready") alive++
    return alive
  }

  private get ready(): number {
    let ready = 0
    for (const { state } of this.slots) if (state === "ready") ready++
    return ready
  }

  close(): void {
    this.closing = true
  }

  /** How many workers to start now. */
  get missing(): number {
    let alive = 0
    let free = 0
    for (const slot of this.slots) {
      if (slot.state !== "starting" && slot.state !== "ready") continue
      alive++
      if (slot.assigned.length === 0) free++
    }
    const needed = alive + Math.max(0, this.backlog.length - free)
    return Math.max(0, Math.min(this.limits.size, Math.max(this.closing ? 0 : this.limits.minSize, needed)) - alive)
  }

  /** The next task to send and to whom; it counts as sent. */
  next(): { readonly slot: S; readonly job: J } | undefined {
    for (const slot of this.slots) {
      if (slot.isIdle && !slot.isSending && slot.pinned.length > 0) return this.assign(slot, slot.pinned.shift()!)
    }
    const job = this.backlog.peek()
    if (job === undefined) return undefined
    let best: S | undefined
    // Rather a new worker than to wait behind another task.
    const mayGrow = this.ready < this.limits.size
    for (const slot of this.slots) {
      if (slot.state !== "ready" || slot.isSending) continue
      if (slot.done + slot.assigned.length >= this.limits.maxTasks) continue
      if (slot.assigned.length === 0) {
        best = slot
        break
      }
      if (mayGrow || !canGoAhead(slot, job)) continue
      if (best === undefined || slot.assigned.length < best.assigned.length) best = slot
    }
    if (best === undefined) return undefined
    this.backlog.delete(job)
    return this.assign(best, job)
  }

  private assign(slot: S, job: J) {
    job.isAhead = false
    slot.assigned.push(job)
    return { slot, job }
  }

  /** A worker with a task that was sent ahead too early, so that it should be taken back. */
  get overloaded(): S | undefined {
    const urgent = this.backlog.peek()
    if (urgent === undefined && !this.hasIdle) return undefined
    for (const slot of this.slots) {
      for (let i = slot.assigned.length - 1; i > 0; i--) {
        const job = slot.assigned[i]!
        // Those before it are more urgent still.
        if (urgent !== undefined && job.priority >= urgent.priority) break
        if (job.isAhead) return slot
      }
    }
    return undefined
  }

  private get hasIdle(): boolean {
    for (const slot of this.slots) if (slot.isIdle) return true
    return false
  }

  /** The worker has answered. None: it was not asked. */
  finished(slot: S, id: number): J | undefined {
    const job = this.tookBack(slot, id)
    if (job !== undefined) slot.done++
    return job
  }

  /** The worker has not begun the task. None: it was not sent to it. */
  tookBack(slot: S, id: number): J | undefined {
    const { assigned } = slot
    // Mostly it is the one that ran.
    if (assigned[0]?.id === id) return assigned.shift()
    const at = assigned.findIndex((job) => job.id === id)
    return at < 0 ? undefined : assigned.splice(at, 1)[0]
  }

  /** It has so much that it gets nothing now, whatever it has answered. */
  isSupplied({ assigned, filling }: S): boolean {
    return !filling && assigned.length > maxAhead.tasks / 2
  }

  /** A ready worker has run as many tasks as it may. */
  isWornOut(slot: S): boolean {
    return slot.state === "ready" && slot.done >= this.limits.maxTasks
  }

  /** Workers that could be spared, of those given. */
  spare(candidates: Iterable<S>): Array<S> {
    let left = this.alive - this.limits.minSize
    const spared: Array<S> = []
    for (const slot of candidates) {
      if (left <= 0) break
      if (!slot.isIdle || slot.pinned.length > 0) continue
      left--
      spared.push(slot)
    }
    return spared
  }

  /** The worker is gone: what it was sent and has not answered, and what waited for it alone. */
  gone(slot: S): { readonly assigned: Array<J>; readonly pinned: Array<J> } {
    slot.state = "gone"
    this.slots.delete(slot)
    return { assigned: slot.assigned.splice(0), pinned: slot.pinned.clear() }
  }
}

const canGoAhead = (slot: Slot<Job>, job: Job): boolean => {
  // Whoever waits for this worker alone comes next.
  if (slot.pinned.length > 0) return false
  const { length } = slot.assigned
  // It must not wait behind what is less urgent.
  if (length > 1 && slot.assigned[length - 1]!.priority < job.priority) return false
  if (!slot.filling && length > maxAhead.tasks / 2) return false
  let bytes = job.size
  // Mostly the tasks of a worker are all alike.
  if (length * bytes > maxAhead.bytes / 2) { for (const { size } of slot.assigned) bytes += size }
  slot.filling = length < maxAhead.tasks && bytes <= maxAhead.bytes
  return slot.filling
}
