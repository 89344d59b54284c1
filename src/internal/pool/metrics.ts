/**
 * What a pool tells Effect's metrics. All have the attribute `pool`; those of one worker `worker` too.
 */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type { Stats } from "../../Pool.ts"

const count = (name: string, description: string) =>
  Metric.counter(`effect_multiprocessing_pool_${name}`, { description, incremental: true })
const level = (name: string, description: string) =>
  Metric.gauge(`effect_multiprocessing_pool_${name}`, { description })
const time = (name: string, description: string) =>
  Metric.histogram(`effect_multiprocessing_pool_${name}`, {
    description,
    boundaries: Metric.exponentialBoundaries({ start: 1, factor: 4, count: 10 })
  })

const queued = level("queued", "Tasks that wait for a worker")
const running = level("running", "Workers that run a task")
const completed = count("tasks_completed", "Tasks that succeeded")
const failed = count("tasks_failed", "Tasks that ended with a failure of their own")
const lost = count("tasks_lost", "Tasks whose worker was lost")
const recycled = count("workers_recycled", "Workers that were replaced on purpose, or not needed any more")
const waited = time("waited_milliseconds", "From submission to being sent to a worker")
const ran = time("ran_milliseconds", "From being sent to a worker to the answer")
const utilization = level("worker_utilization", "The part of its time in which a worker had a task")
const memory = level("worker_memory_bytes", "Resident memory of a worker, if it is watched")

export interface OfWorker {
  readonly utilization: (part: number) => void
  readonly memory: (bytes: number) => void
  readonly remove: () => void
}

/** Where a pool stands. */
export type Levels = Omit<Stats, "workers">

export interface OfPool {
  /** Costs too much to be done for every task. */
  readonly update: (levels: Levels) => void
  readonly finished: (waited: number, ran: number) => void
  readonly worker: (name: string) => OfWorker
}

export const ofPool = (pool: string, context: Context.Context<never>): OfPool => {
  const of = <Input, State>(metric: Metric.Metric<Input, State>, attributes: Record<string, string> = {}) => {
    const tagged = Metric.withAttributes(metric, { pool, ...attributes })
    return {
      update: (input: Input) => tagged.updateUnsafe(input, context),
      remove: () => Metric.removeUnsafe(tagged, context)
    }
  }
  const gauges = { queued: of(queued), running: of(running) }
  const counters = { completed: of(completed), failed: of(failed), lost: of(lost), recycled: of(recycled) }
  const told = { completed: 0, failed: 0, lost: 0, recycled: 0 }
  const times = { waited: of(waited), ran: of(ran) }
  return {
    update: (levels) => {
      gauges.queued.update(levels.queued)
      gauges.running.update(levels.running)
      for (const name of ["completed", "failed", "lost", "recycled"] as const) {
        if (levels[name] > told[name]) counters[name].update(levels[name] - told[name])
        told[name] = levels[name]
      }
    },
    finished: (waited, ran) => {
      times.waited.update(waited)
      times.ran.update(ran)
    },
    worker: (name) => {
      const ofUtilization = of(utilization, { worker: name })
      const ofMemory = of(memory, { worker: name })
      return {
        utilization: ofUtilization.update,
        memory: ofMemory.update,
        remove: () => {
          ofUtilization.remove()
          ofMemory.remove()
        }
      }
    }
  }
}
