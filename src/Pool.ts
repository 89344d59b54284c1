/**
 * Pools: typed tasks on many processes, where a crash costs one task and a runaway can be stopped.
 *
 * A pool keeps processes, its workers, that run targets one after the other. A task is a target with a payload; it gives the target's value or
 * its typed failure, like `Process.run`, without the cost of a start.
 *
 * **Crashes.** A worker that dies fails the task that it ran, with `WorkerLost`, and no other; another worker takes its place. A task that is
 * marked `idempotent` is run again; one that ends several workers in a row fails with `PoisonousTask`.
 *
 * **Interruption.** Interrupting the fiber that waits for a task interrupts the task in its worker, and waits for its finalizers. One that does
 * not listen, because it is in a synchronous loop, is ended with its worker after the grace period. So a time limit is `Effect.timeout`.
 *
 * **Closing.** When the scope closes after a success, the pool finishes what it was given, as `shutdown()` does; after a failure or an
 * interruption, tasks that wait fail with `PoolClosed`, and those that run are interrupted.
 *
 * Python: `multiprocessing.Pool` and `concurrent.futures.ProcessPoolExecutor`.
 *
 * @since 0.1.0
 */
import * as ByteSize from "effect/ByteSize"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { cpuCount } from "./CurrentProcess.ts"
import {
  type EncodeError,
  InvalidArgument,
  type InvalidState,
  type PoisonousTask,
  type PoolClosed,
  type SpawnError,
  Unsupported,
  type WorkerLost
} from "./Failure.ts"
import type { Hub } from "./Hub.ts"
import type * as Inheritable from "./Inheritable.ts"
import type * as Codec from "./internal/codec.ts"
import * as Definition from "./internal/pool/definition.ts"
import * as internal from "./internal/pool/handle.ts"
import { PoolImpl, type Settings } from "./internal/pool/pool.ts"
import type { Progress } from "./Progress.ts"
import { Spawner } from "./Spawner.ts"
import type { StreamTarget } from "./StreamTarget.ts"
import type * as Target from "./Target.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = internal.TypeId

/**
 * What a task can fail with besides the failures of its target and of the worker's layer.
 *
 * - `EncodeError`: the payload does not fit the schema; nothing was run
 * - `WorkerLost`: the worker that ran it is gone, or no worker could be started
 * - `PoisonousTask`: it has ended several workers; only if it is idempotent
 * - `PoolClosed`: the pool was shut down before
 * - `SpawnError`: the worker could not import the target's module, or found no such target there
 *
 * @category models
 * @since 0.1.0
 */
export type TaskFailure = EncodeError | WorkerLost | PoisonousTask | PoolClosed | SpawnError

/**
 * How a task is run.
 *
 * @category models
 * @since 0.1.0
 */
export interface TaskOptions {
  /** Tasks of a higher priority run first; those of one priority in the order in which they came. Default: 0. */
  readonly priority?: number | undefined
  /** It may be run again if its worker is lost: see `retry` of {@link Options}. Default: `false`. */
  readonly idempotent?: boolean | undefined
}

/**
 * How many tasks are run.
 *
 * @category models
 * @since 0.1.0
 */
export interface MapOptions extends TaskOptions {
  /**
   * How many payloads are sent at a time. A chunk is one task: it is run by one worker, and if that is lost, so are the results of the chunk. Default: a
   * quarter of the share of each worker, as in Python.
   */
  readonly chunkSize?: number | undefined
  /** Counts what is done. */
  readonly progress?: Progress | undefined
}

/**
 * How the tasks of a stream are run.
 *
 * @category models
 * @since 0.1.0
 */
export interface StreamOptions extends TaskOptions {
  /** How many payloads are sent at a time. Default: 1. */
  readonly chunkSize?: number | undefined
  /** How many chunks are under way at most, or done and not taken yet. Default: two for each worker. */
  readonly readAhead?: number | undefined
  /** Counts what is done. */
  readonly progress?: Progress | undefined
}

/**
 * The arguments after the target: the payload may be left out where it is void.
 *
 * @category utility types
 * @since 0.1.0
 */
export type Args<Payload> = void extends Payload ? [payload?: Payload, options?: TaskOptions]
  : [payload: Payload, options?: TaskOptions]

/**
 * A task that was submitted. It goes on whether somebody waits for it or not.
 *
 * Python: `AsyncResult`, `Future`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Task<out A, out E> {
  /** Rises from one task of the pool to the next. */
  readonly id: number
  /** Waits for its end, and gives what it gave. Whoever waits can be interrupted; the task goes on. */
  readonly result: Effect.Effect<A, E>
  /** Waits for its end, however it ends. */
  readonly await: Effect.Effect<Exit.Exit<A, E>>
  /** How it ended; none if it has not. */
  readonly poll: Effect.Effect<Option.Option<Exit.Exit<A, E>>>
  /** Where it is. A task that was cancelled is done. */
  readonly state: Effect.Effect<"queued" | "running" | "done">
  /**
   * Takes it back if it waits, interrupts it if it runs, does nothing if it is done; returns when it is over. Whoever waits for the result is
   * interrupted.
   */
  readonly cancel: Effect.Effect<void>
}

/**
 * A worker as it is at one moment.
 *
 * @category models
 * @since 0.1.0
 */
export interface WorkerStats {
  readonly name: string
  readonly pid: Option.Option<number>
  readonly state: "starting" | "idle" | "busy" | "retiring"
  /** How many tasks it has run. */
  readonly tasks: number
  /** The part of its time in which it had a task: 0 to 1. */
  readonly utilization: number
  /** Resident bytes, if the pool has a `maxMemory`. */
  readonly memory: Option.Option<number>
}

/**
 * A pool as it is at one moment. While a worker computes, what it has done for a `map` or `forEach` is counted up to 50 milliseconds and one task
 * late: the program is not woken for each value.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stats {
  /** Tasks that wait. A chunk is one. */
  readonly queued: number
  /** Tasks that run. */
  readonly running: number
  /** Tasks that succeeded, since the pool was made. */
  readonly completed: number
  /** Tasks that ended with a failure of their own, or were interrupted while they ran. */
  readonly failed: number
  /** How often a worker was lost with the task that it ran. */
  readonly lost: number
  /** Workers that were replaced on purpose, or not needed any more. */
  readonly recycled: number
  readonly workers: ReadonlyArray<WorkerStats>
}

/**
 * How a pool is shut down.
 *
 * - `drain`: finishes what it was given
 * - `interrupt`: tasks that wait fail with `PoolClosed`, and so do those that run; they are interrupted, and killed after the grace period
 * - `kill`: the same at once, without their finalizers
 *
 * @category models
 * @since 0.1.0
 */
export type ShutdownMode = "drain" | "interrupt" | "kill"

/**
 * A pool of workers. `R`: the services that its tasks can use. `E`: why a worker can't be made.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pool<in R = never, out E = never> {
  readonly [TypeId]: {
    readonly _R: (_: R) => void
    readonly _E: (_: never) => E
  }
  readonly name: string
  /** How many workers it has at most. */
  readonly size: number
  /**
   * Runs a task and waits for it. Interruption ends the task.
   *
   * Python: `Pool.apply`.
   */
  readonly run: <P, A, E2>(
    target: Target.Target<P, A, E2, R>,
    ...args: Args<P>
  ) => Effect.Effect<A, E | E2 | TaskFailure>
  /**
   * Submits a task and does not wait for it. Waits only while the pool has `maxQueued` tasks waiting.
   *
   * Python: `Executor.submit`, `Pool.apply_async`.
   */
  readonly submit: <P, A, E2>(
    target: Target.Target<P, A, E2, R>,
    ...args: Args<P>
  ) => Effect.Effect<Task<A, E | E2 | TaskFailure>, E | TaskFailure>
  /**
   * Runs a task for each payload, and gives the values in the order of the payloads. Fails with the first failure that becomes known, when
   * the other tasks have been cancelled.
   *
   * Python: `Pool.map`. A payload is one value, so this is `starmap` too.
   */
  readonly map: <P, A, E2>(
    target: Target.Target<P, A, E2, R>,
    payloads: Iterable<P>,
    options?: MapOptions
  ) => Effect.Effect<Array<A>, E | E2 | TaskFailure | InvalidArgument>
  /** The same without the values. */
  readonly forEach: <P, A, E2>(
    target: Target.Target<P, A, E2, R>,
    payloads: Iterable<P>,
    options?: MapOptions
  ) => Effect.Effect<void, E | E2 | TaskFailure | InvalidArgument>
  /**
   * The values of many tasks as a stream, in the order of the payloads. Takes payloads as the values are taken, and no more than `readAhead` before.
   * Fails after all that came before the failure.
   *
   * Python: `Pool.imap`, which takes all payloads at once; `Executor.map` with `buffersize`.
   */
  readonly imap: <P, A, E2>(
    target: Target.Target<P, A, E2, R>,
    payloads: Iterable<P>,
    options?: StreamOptions
  ) => Stream.Stream<A, E | E2 | TaskFailure | InvalidArgument>
  /**
   * The same in the order in which the tasks end.
   *
   * Python: `Pool.imap_unordered`.
   */
  readonly imapUnordered: <P, A, E2>(
    target: Target.Target<P, A, E2, R>,
    payloads: Iterable<P>,
    options?: StreamOptions
  ) => Stream.Stream<A, E | E2 | TaskFailure | InvalidArgument>
  /** What `imap` does, for the elements of a stream: `stream.pipe(pool.stream(target))`. */
  readonly stream: <P, A, E2>(
    target: Target.Target<P, A, E2, R>,
    options?: StreamOptions & {
      /** Values come as the tasks end. Default: `false`. */
      readonly unordered?: boolean | undefined
    }
  ) => <E3, R3>(self: Stream.Stream<P, E3, R3>) => Stream.Stream<A, E | E2 | E3 | TaskFailure | InvalidArgument, R3>
  /**
   * Runs a task that gives a stream. The worker waits while its values are not taken; who stops taking them ends the task. It is never run
   * again, idempotent or not, as it would give its values a second time.
   */
  readonly runStream: <P, A, E2>(
    target: StreamTarget<P, A, E2, R>,
    ...args: Args<P>
  ) => Stream.Stream<A, E | E2 | TaskFailure>
  /** Runs a task once in each worker that there is, and gives the values in the order of the workers. */
  readonly broadcast: <P, A, E2>(
    target: Target.Target<P, A, E2, R>,
    ...args: Args<P>
  ) => Effect.Effect<Array<A>, E | E2 | TaskFailure>
  readonly stats: Effect.Effect<Stats>
  /** What `stats` gives, at once and then ten times a second, for a dashboard. Ends when the pool is shut down. */
  readonly progress: Stream.Stream<Stats>
  /**
   * Takes no more tasks, and returns when all workers are gone. With a timeout, a `drain` becomes an `interrupt` when it passes. A
   * second call waits for the first one, or hurries it on.
   *
   * Python: `close()` and `join()`, `terminate()`, `shutdown(cancel_futures=...)`, `kill_workers()`.
   */
  readonly shutdown: (options?: {
    /** Default: `"drain"`. */
    readonly mode?: ShutdownMode | undefined
    readonly timeout?: Duration.Input | undefined
  }) => Effect.Effect<void>
}

/**
 * @category guards
 * @since 0.1.0
 */
export const isPool = (u: unknown): u is Pool<never, unknown> => Predicate.hasProperty(u, TypeId)

/**
 * What the workers of a pool are: see {@link worker}.
 *
 * @category models
 * @since 0.1.0
 */
export interface Worker<out Provides, out E, out R> {
  readonly "~effect-multiprocessing/Pool/Worker": {
    readonly _Provides: (_: never) => Provides
    readonly _E: (_: never) => E
    readonly _R: (_: never) => R
  }
  readonly name: string
  readonly module: string
}

/**
 * Defines what each worker of a pool builds before its first task, and releases after its last one: connections, caches, models. Targets use the
 * services by naming them in `uses`.
 *
 * **Details**
 *
 * - `module`: `import.meta.url`; like a target, a worker is defined at the top level of a module
 * - `error`: the schema of what the layer can fail with
 * - `inherits`: services that the layer gets from the process that makes the pool
 *
 * A layer that can't be built fails the pool with that error.
 *
 * Python: `initializer` and `initargs`, without global variables.
 *
 * **Example** (A service in each worker)
 *
 * ```ts
 * import { Context, Effect, Layer, Schema } from "effect"
 * import * as Mp from "effect-multiprocessing"
 *
 * class Dictionary extends Context.Service<Dictionary, ReadonlySet<string>>()("app/Dictionary") {}
 *
 * export const reader = Mp.Pool.worker(
 *   "reader",
 *   { module: import.meta.url },
 *   Layer.sync(Dictionary)(() => new Set(["effect", "pool"]))
 * )
 *
 * export const isWord = Mp.Target.make(
 *   "isWord",
 *   { module: import.meta.url, payload: Schema.String, success: Schema.Boolean, uses: [Dictionary] },
 *   (word) => Dictionary.useSync((dictionary) => dictionary.has(word))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const pool = yield* Mp.Pool.make({ size: 2, worker: reader, targets: [isWord] })
 *   console.log(yield* pool.map(isWord, ["effect", "python"])) // => [ true, false ]
 * })
 *
 * Mp.runMain(program.pipe(Effect.scoped, Effect.provide(Mp.layer)))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const worker = <
  Provides,
  E extends Codec.Portable = typeof Schema.Never,
  const I extends ReadonlyArray<Inheritable.Any> = []
>(
  name: string,
  options: {
    readonly module: string | URL
    readonly error?: E
    readonly inherits?: I
  },
  layer: Layer.Layer<Provides, E["Type"], Inheritable.Services<I> | Hub | Spawner>
): Worker<Provides, E["Type"], Inheritable.Services<I>> => Definition.define(name, options, layer as any) as any

/**
 * How a pool is made.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<
  T extends ReadonlyArray<Target.Any | StreamTarget<any, any, any, any>> = ReadonlyArray<never>,
  Provides = never,
  E = never,
  R = never
> {
  /** For messages, metrics, and the names of the workers; need not be unique. Default: `Pool`. */
  readonly name?: string | undefined
  /** How many workers there are at most. Default: as many as there are processors. */
  readonly size?: number | undefined
  /** How many there are at least, started with the pool. The others are started when tasks wait. Default: `size`. */
  readonly minSize?: number | undefined
  /** How long a worker beyond `minSize` may have nothing to do. Default: without limit. */
  readonly idleTimeToLive?: Duration.Input | undefined
  /**
   * The targets that the pool is for: workers import their modules before their first task, and inherit what the targets inherit. Other targets that
   * need no services can be run too.
   */
  readonly targets?: T | undefined
  /** What each worker builds: see {@link worker}. */
  readonly worker?: Worker<Provides, E, R> | undefined
  /**
   * How many tasks a worker runs before it is replaced. Default: without limit.
   *
   * Python: `maxtasksperchild`.
   */
  readonly maxTasksPerWorker?: number | undefined
  /** How much resident memory a worker may have before it is replaced. Default: without limit. Needs processes of their own. */
  readonly maxMemory?: ByteSize.Input | undefined
  /** Does a worker with too much memory finish its task, or is it stopped, so that the task fails with `WorkerLost`? Default: `"finish"`. */
  readonly onMaxMemory?: "finish" | "stop" | undefined
  /** How large the heap of a worker may become: see `Process.Options`. */
  readonly maxHeap?: ByteSize.Input | undefined
  /** How many tasks may wait before `run` and `submit` do. Default: without limit. */
  readonly maxQueued?: number | undefined
  /** How long a task that is interrupted, and a worker that is stopped, may take before it is killed. Default: 5 seconds. */
  readonly gracePeriod?: Duration.Input | undefined
  /** When idempotent tasks are run again that have lost their worker. Default: at once. */
  readonly retry?: Schedule.Schedule<unknown, WorkerLost> | undefined
  /** How many workers a task may cost before it fails with `PoisonousTask`. Default: 3. */
  readonly maxLosses?: number | undefined
  /** Where the output of workers goes: as it is, with the worker's name before each line, or nowhere. Default: `"inherit"`. */
  readonly output?: "inherit" | "tagged" | "ignore" | undefined
}

/**
 * The services that targets inherit.
 *
 * @category utility types
 * @since 0.1.0
 */
export type Inherited<T extends ReadonlyArray<unknown>> = Exclude<Needs<T>, Target.InWorker<any>>

/**
 * The services that targets need, of their worker too.
 *
 * @category utility types
 * @since 0.1.0
 */
export type Needs<T extends ReadonlyArray<unknown>> = T[number] extends infer X
  ? X extends Target.Target<any, any, any, infer R> ? R
  : X extends StreamTarget<any, any, any, infer R> ? R
  : never
  : never

const defaultGracePeriod = Duration.seconds(5)

const settingsOf = (options: Options<any, any, any, any>, cpus: number, spawner: Spawner["Service"]) =>
  Effect.gen(function*() {
    const { name = "Pool" } = options
    const invalid = (problem: string) => Effect.fail(new InvalidArgument({ object: name, operation: "make", problem }))
    const size = options.size ?? cpus
    const minSize = options.minSize ?? size
    const counts = {
      size,
      maxTasksPerWorker: options.maxTasksPerWorker,
      maxQueued: options.maxQueued,
      maxLosses: options.maxLosses
    }
    for (const [option, value] of Object.entries(counts)) {
      if (
        value !== undefined && !(value === Infinity && option !== "size" || Number.isSafeInteger(value) && value >= 1)
      ) {
        return yield* invalid(`${option} is ${value}, and must be a whole number, 1 or more`)
      }
    }
    if (!Number.isSafeInteger(minSize) || minSize < 0 || minSize > size) {
      return yield* invalid(`minSize is ${minSize}, and must be a whole number from 0 to size, which is ${size}`)
    }
    const bytes = (option: "maxMemory" | "maxHeap") => {
      const value = options[option]
      if (value === undefined) return Effect.succeed(undefined)
      const size = ByteSize.fromInput(value)
      return size._tag === "None" || size.value <= 0n
        ? invalid(`${option} is ${value}, and must be a size in bytes, or such as "512 MiB"`)
        : Effect.succeed(Number(size.value))
    }
    const maxMemory = yield* bytes("maxMemory")
    if (maxMemory !== undefined && !spawner.ownProcesses) {
      return yield* Effect.fail(
        new Unsupported({
          operation: `${name}: maxMemory`,
          problem:
            "workers that are threads or fibers have no memory of their own. Leave it out, or use a spawner of processes."
        })
      )
    }
    const settings: Settings = {
      name,
      size,
      minSize,
      idleTimeToLive: options.idleTimeToLive === undefined
        ? undefined
        : Duration.fromInputUnsafe(options.idleTimeToLive),
      maxTasks: options.maxTasksPerWorker ?? Infinity,
      maxMemory,
      onMaxMemory: options.onMaxMemory ?? "finish",
      maxHeap: yield* bytes("maxHeap"),
      maxQueued: options.maxQueued ?? Infinity,
      gracePeriod: options.gracePeriod === undefined
        ? defaultGracePeriod
        : Duration.fromInputUnsafe(options.gracePeriod),
      retry: options.retry ?? Schedule.forever,
      maxLosses: options.maxLosses ?? 3,
      worker: options.worker === undefined ? Definition.plain : options.worker as unknown as Definition.WorkerTarget,
      output: options.output ?? "inherit",
      watchMemory: maxMemory !== undefined,
      preload: options.targets ?? []
    }
    return settings
  })

/**
 * Makes a pool that lives until the scope closes. Returns when its first workers, `minSize` of them, are ready; fails if one of them can't be made, and
 * then none is left.
 *
 * **Gotchas**
 *
 * Targets are found in their modules, as those of processes are: see `Target`.
 *
 * Python: `Pool(processes=None, initializer=None, initargs=(), maxtasksperchild=None)`.
 *
 * **Example** (Squares)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import * as Mp from "effect-multiprocessing"
 *
 * export const square = Mp.Target.make(
 *   "square",
 *   { module: import.meta.url, payload: Schema.Number, success: Schema.Number },
 *   (n) => Effect.succeed(n * n)
 * )
 *
 * const program = Effect.gen(function*() {
 *   const pool = yield* Mp.Pool.make({ size: 2, targets: [square] })
 *   console.log(yield* pool.run(square, 7)) // => 49
 *   console.log(yield* pool.map(square, [1, 2, 3])) // => [ 1, 4, 9 ]
 * })
 *
 * Mp.runMain(program.pipe(Effect.scoped, Effect.provide(Mp.layer)))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <
  const T extends ReadonlyArray<Target.Any | StreamTarget<any, any, any, any>> = [],
  Provides = never,
  E = never,
  R = never
>(
  options: Options<T, Provides, E, R> = {}
): Effect.Effect<
  Pool<Inherited<T> | Target.InWorkers<Provides>, E>,
  E | SpawnError | WorkerLost | InvalidArgument | InvalidState | Unsupported,
  Scope.Scope | Spawner | Hub | R | Exclude<Needs<T>, Target.InWorkers<Provides>>
> =>
  Effect.gen(function*() {
    const context = yield* Effect.context<Spawner | Hub | Scope.Scope>()
    const settings = yield* settingsOf(options, yield* cpuCount, Context.get(context, Spawner))
    const inner = yield* Scope.make()
    const pool = new PoolImpl(settings, context, inner)
    yield* Effect.addFinalizer((exit) =>
      Effect.andThen(
        // Ctrl-C while the scope waits.
        pool.close(Exit.isSuccess(exit) ? "drain" : "interrupt").pipe(
          Effect.interruptible,
          Effect.onInterrupt(() => pool.close("interrupt")),
          Effect.exit
        ),
        Scope.close(inner, Exit.void)
      )
    )
    yield* Effect.onError(pool.open, () => pool.close("kill"))
    return new internal.PoolHandle(pool)
  }) as any

/**
 * The class of a pool as a service.
 *
 * @category models
 * @since 0.1.0
 */
export interface PoolClass<Self, Id extends string, R, E, MakeE, MakeR> extends Context.Service<Self, Pool<R, E>> {
  new(_: never): Context.ServiceClass.Shape<Id, Pool<R, E>>
  /** Makes the pool in the process that builds the layer. */
  readonly layer: Layer.Layer<Self, MakeE, MakeR>
}

/**
 * Makes a tag for a pool, with its layer.
 *
 * **Example** (A pool as a service)
 *
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import * as Mp from "effect-multiprocessing"
 *
 * export const shout = Mp.Target.make(
 *   "shout",
 *   { module: import.meta.url, payload: Schema.String, success: Schema.String },
 *   (text) => Effect.succeed(text.toUpperCase())
 * )
 *
 * class Texts extends Mp.Pool.Service<Texts>()("app/Texts", { size: 2, targets: [shout] }) {}
 *
 * const program = Texts.use((texts) => texts.map(shout, ["a", "b"]))
 *
 * Mp.runMain(program.pipe(
 *   Effect.tap((texts) => Effect.sync(() => console.log(texts))), // => [ 'A', 'B' ]
 *   Effect.provide(Texts.layer.pipe(Layer.provide(Mp.layer)))
 * ))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const Service = <Self>() =>
<
  const Id extends string,
  const T extends ReadonlyArray<Target.Any | StreamTarget<any, any, any, any>> = [],
  Provides = never,
  E = never,
  R = never
>(
  id: Id,
  options: Options<T, Provides, E, R> = {}
): PoolClass<
  Self,
  Id,
  Inherited<T> | Target.InWorkers<Provides>,
  E,
  E | SpawnError | WorkerLost | InvalidArgument | InvalidState | Unsupported,
  Spawner | Hub | R | Exclude<Needs<T>, Target.InWorkers<Provides>>
> => {
  const tag = Context.Service<Self, any>()(id)
  return Object.assign(tag, { layer: Layer.effect(tag)(make({ name: id, ...options }) as any) }) as any
}
