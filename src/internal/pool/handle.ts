/**
 * What users hold of a pool.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { InvalidArgument } from "../../Failure.ts"
import { Hub } from "../../Hub.ts"
import * as Pipe from "../../Pipe.ts"
import type * as Pool from "../../Pool.ts"
import type { ProgressImpl } from "../../Progress.ts"
import * as StreamTarget from "../../StreamTarget.ts"
import type * as Target from "../../Target.ts"
import * as Batch from "./batch.ts"
import type { Span } from "./frames.ts"
import type { PoolImpl, Worker } from "./pool.ts"
import { type Answer, type Task, type TaskOptions, type TaskTarget, valueOf } from "./task.ts"
import { taskStream } from "./taskStream.ts"

export const TypeId = "~effect-multiprocessing/Pool"

const variance = { _R: (_: never) => {}, _E: (_: never) => _ }

/** How often the progress of a pool is told. */
const progressInterval = "100 millis"

/** What happens with the progress of a caller. */
const progressOf = (options: { readonly progress?: unknown } | undefined): ProgressImpl | undefined =>
  options?.progress as ProgressImpl | undefined

export class PoolHandle {
  readonly [TypeId] = variance
  readonly name: string
  readonly size: number
  private readonly pool: PoolImpl

  constructor(pool: PoolImpl) {
    this.pool = pool
    this.name = pool.name
    this.size = pool.settings.size
  }

  toJSON() {
    return this.pool.toJSON()
  }
  [NodeInspectSymbol]() {
    return this.toJSON()
  }

  // ---------------------------------------------------------------------------------------------- one task

  readonly run = (target: Target.Any, payload?: unknown, options?: Pool.TaskOptions) => {
    const known = this.pool.target(target)
    return this.traced(
      known,
      options,
      (taskOptions) =>
        Effect.flatMap(
          this.answerTo(this.pool.whenAdmitted(this.pool.makeTask(known, payload, taskOptions))),
          (answer) => valueOf(known, answer)
        )
    )
  }

  readonly submit = (target: Target.Any, payload?: unknown, options?: Pool.TaskOptions) => {
    const known = this.pool.target(target)
    return Effect.flatMap(
      this.options(options),
      (taskOptions) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.flatMap(restore(this.pool.whenAdmitted(this.pool.makeTask(known, payload, taskOptions))), (task) => {
            task.isKept = true
            this.pool.enqueue(task)
            return Effect.as(this.pool.flush, makeTask(this.pool, known, task))
          })
        )
    )
  }

  /** Runs a task, in this worker if one is given, and cancels it when nobody waits for the answer any more. */
  private answerTo<E>(made: Effect.Effect<Task, E>, worker?: Worker): Effect.Effect<Answer, E> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(restore(made), (task) => {
        this.pool.enqueue(task, worker)
        return Effect.onInterrupt(
          Effect.andThen(this.pool.flush, restore(task.answered)),
          () => this.pool.cancel(task)
        )
      })
    )
  }

  readonly broadcast = (target: Target.Any, payload?: unknown, options?: Pool.TaskOptions) => {
    const known = this.pool.target(target)
    const runIn = (worker: Worker, taskOptions: TaskOptions) =>
      Effect.flatMap(
        this.answerTo(this.pool.makeTask(known, payload, taskOptions), worker),
        (answer) => valueOf(known, answer)
      )
    return this.traced(
      known,
      options,
      (taskOptions) =>
        Effect.andThen(
          this.pool.admitted,
          Effect.suspend(() =>
            Effect.forEach(
              this.pool.workers.filter(({ state }) => state === "starting" || state === "ready"),
              (worker) => runIn(worker, taskOptions),
              { concurrency: "unbounded" }
            )
          )
        )
    )
  }

  // ---------------------------------------------------------------------------------------------- many tasks

  readonly map = (target: Target.Any, payloads: Iterable<unknown>, options?: Pool.MapOptions) =>
    Effect.suspend(() => {
      let values: Array<unknown> = []
      const collect = (count: number) => {
        // They come in any order. An array that is filled from its middle would become a hash table.
        values = new Array(count)
        return (at: number, some: ReadonlyArray<unknown>) => {
          for (let i = 0; i < some.length; i++) values[at + i] = some[i]
        }
      }
      return Effect.map(this.all("map", target, payloads, options, collect), () => values)
    })

  readonly forEach = (target: Target.Any, payloads: Iterable<unknown>, options?: Pool.MapOptions) =>
    this.all("forEach", target, payloads, options, () => () => {})

  private all(
    operation: string,
    target: Target.Any,
    payloads: Iterable<unknown>,
    options: Pool.MapOptions | undefined,
    collect: (count: number) => (at: number, values: ReadonlyArray<unknown>) => void
  ): Effect.Effect<void, unknown> {
    const known = this.pool.target(target)
    const progress = progressOf(options)
    return this.traced(known, options, (taskOptions) =>
      Effect.suspend((): Effect.Effect<void, unknown> => {
        const items = Array.isArray(payloads) ? payloads : Array.from(payloads)
        const size = options?.chunkSize ?? Batch.defaultChunkSize(items.length, this.size)
        if (items.length === 0) return this.pool.admitted
        if (!isCount(size)) return this.invalidChunk(operation, size)
        progress?.expectUnsafe(items.length)
        const onValues = collect(items.length)
        return Batch.runAll(this.pool, known, Batch.partsOf(items, size), taskOptions, (part, values) => {
          progress?.advanceUnsafe(part.payloads.length)
          onValues(part.index * size, values)
        })
      }))
  }

  readonly imap = (target: Target.Any, payloads: Iterable<unknown>, options?: Pool.StreamOptions) =>
    this.stream(target, options)(Stream.fromIterable(payloads, { chunkSize: 1 }))

  readonly imapUnordered = (target: Target.Any, payloads: Iterable<unknown>, options?: Pool.StreamOptions) =>
    this.stream(target, { ...options, unordered: true })(Stream.fromIterable(payloads, { chunkSize: 1 }))

  readonly stream =
    (target: Target.Any, options: Pool.StreamOptions & { readonly unordered?: boolean | undefined } = {}) =>
    (self: Stream.Stream<unknown, unknown, any>): Stream.Stream<unknown, unknown, any> => {
      const known = this.pool.target(target)
      const { chunkSize = 1, readAhead = 2 * this.size, unordered = false } = options
      const progress = progressOf(options)
      if (!isCount(chunkSize)) return Stream.fromEffect(this.invalidChunk("stream", chunkSize))
      if (!isCount(readAhead)) {
        return Stream.fromEffect(
          this.invalid("stream", `readAhead is ${readAhead}, and must be a whole number, 1 or more`)
        )
      }
      return Stream.unwrap(Effect.map(this.options(options), (taskOptions) =>
        taskStream(this.pool, known, {
          chunkSize,
          readAhead,
          unordered,
          taskOptions,
          onValues: (count) => progress?.advanceUnsafe(count)
        }, self)))
    }

  readonly runStream = (
    target: StreamTarget.Any,
    payload?: unknown,
    options?: Pool.TaskOptions
  ): Stream.Stream<unknown, unknown> => {
    const { element, target: inner } = StreamTarget.definitionOf(target)
    return Stream.unwrap(Effect.gen({ self: this }, function*() {
      const [values, out] = yield* Pipe.make({ message: element, duplex: false, name: `${target.name} values` })
      const task = yield* Effect.acquireRelease(
        // A second run would give its values a second time.
        this.submit(inner as Target.Any, { payload, out }, { ...options, idempotent: false }),
        (task) => task.cancel
      )
      // The task has it now.
      yield* out.close
      return Stream.concat(
        Stream.catchTags(values.stream, {
          DecodeError: Stream.die,
          Closed: Stream.die,
          HubLost: Stream.die
        }) as Stream.Stream<unknown>,
        Stream.drain(Stream.fromEffect(task.result))
      )
    })).pipe(Stream.provideService(Hub, this.pool.hub)) as Stream.Stream<unknown, unknown>
  }

  // ---------------------------------------------------------------------------------------------- the pool

  readonly stats: Effect.Effect<Pool.Stats> = Effect.sync(() => {
    return {
      queued: this.pool.queued,
      running: this.pool.running,
      ...this.pool.counts,
      workers: this.pool.workers.map((worker) => {
        const isBusy = worker.assigned.length > 0
        return {
          name: worker.process.name,
          pid: Option.fromUndefinedOr(worker.process.pid),
          state: worker.state === "ready"
            ? isBusy ? "busy" : "idle"
            : worker.state === "gone"
            ? "retiring"
            : worker.state,
          tasks: worker.done,
          utilization: worker.utilization,
          memory: Option.fromUndefinedOr(worker.memory)
        }
      })
    }
  })

  get progress(): Stream.Stream<Pool.Stats> {
    return Stream.takeUntil(
      Stream.fromEffectSchedule(this.stats, Schedule.spaced(progressInterval)),
      () => this.pool.isClosed
    )
  }

  readonly shutdown: Pool.Pool["shutdown"] = (options) =>
    Effect.suspend(() => {
      const { mode = "drain", timeout } = options ?? {}
      const close = this.pool.close(mode)
      return timeout === undefined || mode === "kill" ? close : Effect.timeoutOrElse(close, {
        duration: timeout,
        orElse: () => this.pool.close(mode === "drain" ? "interrupt" : "kill")
      })
    })

  // ---------------------------------------------------------------------------------------------- helpers

  private options(options: Pool.TaskOptions | undefined): Effect.Effect<TaskOptions> {
    return Effect.withFiber((fiber) => Effect.succeed(this.toOptions(options, spanOf(fiber))))
  }

  private toOptions(options: Pool.TaskOptions | undefined, span: Span | undefined): TaskOptions {
    return {
      priority: options?.priority ?? 0,
      retry: options?.idempotent === true ? this.pool.settings.retry : undefined,
      batch: 0,
      span: span && { traceId: span.traceId, spanId: span.spanId, sampled: span.sampled }
    }
  }

  /** Where the caller is traced, its tasks are too. */
  private traced<A, E>(
    target: TaskTarget,
    options: Pool.TaskOptions | undefined,
    f: (options: TaskOptions) => Effect.Effect<A, E>
  ): Effect.Effect<A, E> {
    return Effect.withFiber((fiber) =>
      spanOf(fiber) === undefined
        ? f(this.toOptions(options, undefined))
        : Effect.withSpan(Effect.flatMap(this.options(options), f), `${this.name}.run`, {
          attributes: { target: target.definition.name }
        })
    )
  }

  private invalid(operation: string, problem: string) {
    return Effect.fail(new InvalidArgument({ object: this.name, operation, problem }))
  }

  private invalidChunk(operation: string, size: number) {
    return this.invalid(operation, `chunkSize is ${size}, and must be a whole number, 1 or more`)
  }
}

const spanOf = (fiber: Fiber.Fiber<unknown, unknown>): Span | undefined =>
  Context.getOrUndefined(fiber.context as Context.Context<Tracer.ParentSpan>, Tracer.ParentSpan)

const isCount = (n: number): boolean => Number.isSafeInteger(n) && n >= 1

const makeTask = (pool: PoolImpl, target: TaskTarget, task: Task): Pool.Task<unknown, unknown> => {
  const result = Effect.flatMap(task.answered, (answer) => valueOf(target, answer))
  return {
    id: task.id,
    result,
    await: Effect.exit(result),
    poll: Effect.suspend(() =>
      task.isOver
        ? Effect.map(Effect.exit(result), Option.some)
        : Effect.succeed(Option.none<Exit.Exit<unknown, unknown>>())
    ),
    state: Effect.sync(() => task.state),
    cancel: pool.cancel(task)
  }
}
