/**
 * What a pool tells Effect's metrics. All have the attribute `pool`; those of one worker `worker` too.
 */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"

/** The metrics of something, made once: a metric that gets its attributes with each update would pay for them each time. */
const of = (context: Context.Context<never>, attributes: Record<string, string>) => {
  const update = <Input, State>(metric: Metric.Metric<Input, State>) => (input: Input) =>
    metric.updateUnsafe(input, context)
  const id = (name: string) => `effect_multiprocessing_pool_${name}`
  return {
    count: (name: string, description: string) =>
      update(Metric.counter(id(name), { description, attributes, incremental: true })),
    time: (name: string, description: string) =>
      update(Metric.histogram(id(name), {
        description,
        attributes,
        boundaries: Metric.exponentialBoundaries({ start: 1, factor: 4, count: 10 })
      })),
    /** Read when somebody looks. Gives what removes it. */
    level: (name: string, description: string, value: () => number): () => void => {
      const gauge = Metric.gauge(id(name), { description, attributes })
      const hooks = { get: () => ({ value: value() }), update: () => {}, modify: () => {} }
      return Metric.registerUnsafe(gauge, context, hooks).remove
    }
  }
}

export interface OfPool {
  readonly completed: () => void
  readonly failed: () => void
  readonly lost: () => void
  readonly recycled: () => void
  /** Milliseconds. */
  readonly finished: (waited: number, ran: number) => void
  /** The pool is over: nobody may look at it any more. */
  readonly remove: () => void
}

export const ofPool = (
  pool: string,
  context: Context.Context<never>,
  levels: { readonly queued: () => number; readonly running: () => number }
): OfPool => {
  const { count, level, time } = of(context, { pool })
  const completed = count("tasks_completed", "Tasks that succeeded")
  const failed = count("tasks_failed", "Tasks that ended with a failure of their own")
  const lost = count("tasks_lost", "Tasks whose worker was lost")
  const recycled = count("workers_recycled", "Workers that were replaced on purpose, or not needed any more")
  const waitedFor = time("waited_milliseconds", "From submission to being sent to a worker")
  const ranFor = time("ran_milliseconds", "From being sent to a worker to the answer")
  const removals = [
    level("queued", "Tasks that wait for a worker", levels.queued),
    level("running", "Workers that run a task", levels.running)
  ]
  return {
    completed: () => completed(1),
    failed: () => failed(1),
    lost: () => lost(1),
    recycled: () => recycled(1),
    finished: (waited, ran) => {
      waitedFor(waited)
      ranFor(ran)
    },
    remove: () => {
      for (const remove of removals) remove()
    }
  }
}

/** Gives what removes them. */
export const ofWorker = (
  pool: string,
  worker: string,
  context: Context.Context<never>,
  levels: { readonly utilization: () => number; readonly memory: (() => number) | undefined }
): () => void => {
  const { level } = of(context, { pool, worker })
  const removals = [
    level("worker_utilization", "The part of its time in which a worker had a task", levels.utilization)
  ]
  if (levels.memory !== undefined) {
    removals.push(level("worker_memory_bytes", "Resident memory of a worker", levels.memory))
  }
  return () => {
    for (const remove of removals) remove()
  }
}
