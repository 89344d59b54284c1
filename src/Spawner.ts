/**
 * How a process is started.
 *
 * `Process` asks this service to run a target somewhere else. The default {@link layer} starts a fresh Node process for each, with the
 * Node flags of this one. {@link layerWarm} has some ready before they are needed.
 *
 * Python: start methods and contexts. The default is what Python calls `spawn`, and `layerWarm` the nearest to
 * its `forkserver`; there is no `fork`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Sink from "effect/Sink"
import type * as Stream from "effect/Stream"
import { type BrokenPipe, InvalidArgument, type SpawnErrorReason } from "./Failure.ts"
import type { Hub } from "./Hub.ts"
import * as FiberSpawner from "./internal/process/fiberSpawner.ts"
import * as FreshProcess from "./internal/process/freshProcess.ts"
import * as Guard from "./internal/process/guard.ts"
import { quickest } from "./internal/process/imports.ts"
import { toModuleUrl } from "./internal/process/moduleUrl.ts"
import { type Imports, obstacle } from "./internal/process/quickImports.ts"
import { registry } from "./internal/process/registry.ts"
import * as Thread from "./internal/process/thread.ts"
import * as WarmProcess from "./internal/process/warmProcess.ts"
import type * as Process from "./Process.ts"

/**
 * Where a standard stream of a child leads: to the parent's own, to the parent as a `Stream` or `Sink`, or nowhere.
 *
 * @category models
 * @since 0.1.0
 */
export type Stdio = "inherit" | "pipe" | "ignore"

/**
 * What a spawner needs to know.
 *
 * @category models
 * @since 0.1.0
 */
export interface Request {
  /** URL of the module that defines the target. */
  readonly module: string
  /** Name of the target. */
  readonly target: string
  /** Makes what the child must know, encoded: to be run once, before the child is made or while it is. A failure of it is one of the start. */
  readonly boot: Effect.Effect<Uint8Array, StartFailure>
  /** The hub of the parent. */
  readonly hub: Hub["Service"]
  readonly stdin: Stdio
  readonly stdout: Stdio
  readonly stderr: Stdio
  /** The limit of the child's heap, in MiB. */
  readonly maxHeap: number | undefined
}

/**
 * Why a start failed.
 *
 * @category models
 * @since 0.1.0
 */
export interface StartFailure {
  readonly reason: SpawnErrorReason
  readonly cause: unknown
}

/**
 * How a process ended.
 *
 * @category models
 * @since 0.1.0
 */
export interface Ended {
  /** 0 to 255, or minus the signal number. */
  readonly exitCode: number
  /** The target's exit, encoded; none if the process ended without it. */
  readonly result: Option.Option<Uint8Array>
}

/**
 * A process that a spawner has started.
 *
 * @category models
 * @since 0.1.0
 */
export interface Spawned {
  readonly pid: number
  /** The target's module is imported; or it can't be, and then the process ends. */
  readonly imported: Effect.Effect<void, StartFailure>
  readonly ended: Effect.Effect<Ended>
  /** Interrupts the target's fiber. Nothing if the process has ended. */
  readonly interrupt: Effect.Effect<void>
  /** Can the process be sent signals by its user? */
  readonly hasSignals: boolean
  /** Nothing if the process has ended. Without signals: SIGKILL ends it by force, SIGTERM does nothing. */
  readonly signal: (signal: "SIGTERM" | "SIGKILL") => Effect.Effect<void>
  /** None unless piped. */
  readonly stdin: Option.Option<Sink.Sink<void, Uint8Array | string, never, BrokenPipe>>
  readonly stdout: Option.Option<Stream.Stream<Uint8Array>>
  readonly stderr: Option.Option<Stream.Stream<Uint8Array>>
  /** Throws away what nobody reads of the piped output, so that the process can't wait for a reader. */
  readonly drain: Effect.Effect<void>
}

/**
 * What a spawner can do, and the children that were started with it.
 *
 * @category models
 * @since 0.1.0
 */
export interface SpawnerService {
  readonly spawn: (request: Request) => Effect.Effect<Spawned, StartFailure>
  /** Children live in this process and share its hub. */
  readonly local: boolean
  /** Each child is a process of the operating system. */
  readonly ownProcesses: boolean
  /** The children that are alive, and how each is joined or stopped when the spawner ends. */
  readonly children: Map<Process.Any, (exit: Exit.Exit<unknown, unknown>) => Effect.Effect<void>>
  /** @internal The processes of a scope, which are stopped together. */
  readonly families: WeakMap<Scope.Scope, Set<Process.Any>>
  /** @internal How many processes were made. */
  count: number
}

/**
 * How a process is started: a service that `Process` needs.
 *
 * @category services
 * @since 0.1.0
 */
export class Spawner extends Context.Service<Spawner, SpawnerService>()("effect-multiprocessing/Spawner") {}

/**
 * Makes a spawner from the one operation that differs. When its scope closes, the children that are still there are joined or
 * stopped, as at the end of their own scopes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  spawn: SpawnerService["spawn"],
  options?: { readonly local?: boolean | undefined; readonly ownProcesses?: boolean | undefined }
): Effect.Effect<SpawnerService, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync((): SpawnerService => ({
      spawn,
      local: options?.local ?? false,
      ownProcesses: options?.ownProcesses ?? true,
      children: new Map(),
      families: new WeakMap(),
      count: 0
    })),
    ({ children }, exit) =>
      Effect.forEach(Array.from(children.values()), (settle) => settle(exit), {
        concurrency: "unbounded",
        discard: true
      })
  )

/**
 * Whether children import the modules of Effect and of this library in a quicker way than Node's own. Read by the layers. Default: `true`.
 *
 * **Details**
 *
 * The quick way loads these modules from one file that comes with this library, if the packages that are installed are those that the file was made
 * of; for others it answers, instead of Node, what relative specifiers inside of these packages mean. And it uses Node's compile cache,
 * in a directory below that for temporary files which belongs to the user alone, unless the variable `NODE_COMPILE_CACHE` names another one. It is
 * not taken if the flags of Node, such as `--import`, bring in modules that may have hooks of their own. When it is not
 * taken, the layer says so at the log level `Debug`.
 *
 * @category references
 * @since 0.1.0
 */
export const QuickImports: Context.Reference<boolean> = Context.Reference<boolean>(
  "effect-multiprocessing/Spawner/QuickImports",
  { defaultValue: () => registry.imports !== "plain" }
)

/** How children import. */
const imports = Effect.gen(function*() {
  const why = (yield* QuickImports) ? obstacle(process.execArgv, process.env["NODE_OPTIONS"]) : "it is switched off"
  if (why !== undefined) yield* Effect.logDebug(`Children import as Node does, and not in the quick way: ${why}.`)
  return why === undefined ? quickest() : (): Imports => "plain"
})

/**
 * Starts a fresh Node process for each process.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Spawner> = Layer.effect(Spawner)(
  Effect.gen(function*() {
    return yield* make(FreshProcess.spawn(yield* Guard.CurrentGuard, yield* imports))
  })
).pipe(Layer.provide(Guard.layer))

/**
 * How many processes are kept ready, and what they know.
 *
 * @category models
 * @since 0.1.0
 */
export interface WarmOptions {
  /** How many idle processes are kept. Default: 1. */
  readonly spares?: number | undefined
  /** What an idle process has imported before it is needed, in this order: URLs or absolute paths. Default: this library alone. */
  readonly preload?: ReadonlyArray<string | URL> | undefined
}

/**
 * Keeps idle processes that have imported modules beforehand, and turns one of them into the process that is asked for. Another one is
 * then started behind the back of the caller.
 *
 * **When to use**
 *
 * Where processes are short, or somebody waits for their start. Give the module of the target to `preload`: then nearly all that a start
 * costs is paid beforehand.
 *
 * **Details**
 *
 * A target whose module was not imported beforehand is imported when it is needed. Who asks when all of the spares are in use gets a fresh
 * process, and so does who pipes a standard stream. A spare that dies is replaced; when several die one after the other, or a module that
 * should be imported beforehand fails, that is logged once as a warning, and from then on all processes are fresh.
 *
 * Spares are not among the active children and do not keep this process alive. They end with the layer, and with this process.
 * The children of a child are started fresh, unless it provides this layer itself.
 *
 * **Gotchas**
 *
 * An idle process has the environment, the working directory and the Node flags of the moment in which it was started. What a module
 * does when it is imported it does before anybody asks for a process, and also in a process that nobody asks for. Each spare takes the memory of a
 * process.
 *
 * Python: the start method `forkserver`, and `set_forkserver_preload`.
 *
 * **Example** (A process that is there at once)
 *
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import * as Mp from "effect-multiprocessing"
 *
 * export const double = Mp.Target.make(
 *   "double",
 *   { module: import.meta.url, payload: Schema.Number, success: Schema.Number },
 *   (n) => Effect.succeed(2 * n)
 * )
 *
 * const layer = Mp.Spawner.layerWarm({ preload: [import.meta.url] }).pipe(Layer.provideMerge(Mp.Hub.layer))
 *
 * Mp.runMain(Mp.Process.run(double, 21).pipe(
 *   Effect.tap((n) => Effect.sync(() => console.log(n))), // => 42
 *   Effect.provide(layer)
 * ))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWarm = (options: WarmOptions = {}): Layer.Layer<Spawner> =>
  Layer.effect(Spawner)(Effect.gen(function*() {
    const { preload = [], spares = 1 } = options
    const invalid = (problem: string) =>
      Effect.die(new InvalidArgument({ object: "Spawner", operation: "layerWarm", problem }))
    if (!Number.isSafeInteger(spares) || spares < 0) {
      return yield* invalid(`spares is ${spares}, and must be a number of processes`)
    }
    const modules = preload.map((module: unknown) =>
      typeof module === "string" || module instanceof URL ? toModuleUrl(module) : String(module)
    )
    for (const module of modules) {
      if (!URL.canParse(module)) {
        return yield* invalid(`preload has "${module}". Give URLs, such as import.meta.url, or absolute paths`)
      }
    }
    const guard = yield* Guard.CurrentGuard
    return yield* make(yield* WarmProcess.make(guard, { spares, preload: modules, imports: yield* imports }))
  })).pipe(Layer.provide(Guard.layer))

/**
 * Starts a worker thread of this Node process for each process.
 *
 * **Details**
 *
 * A thread uses about a third less memory than a process, and starts in about the same time. It has an event loop and a heap of its own, and reaches queues and pipes
 * as a process does. Its `pid` is that of this process.
 *
 * **Gotchas**
 *
 * A crash of the interpreter ends all threads. There are no signals: `terminate` and `kill` fail with `Unsupported`; use `interrupt`.
 * A thread that does not listen is ended by force when its scope closes.
 *
 * Python: the nearest are sub-interpreters.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerThread: Layer.Layer<Spawner> = Layer.effect(Spawner)(
  Effect.flatMap(imports, (imports) => make(Thread.spawn(imports), { ownProcesses: false }))
)

/** Far from the numbers that an operating system gives. */
const firstFiberPid = 10_000_000

const makeFiber = (nextPid: () => number): Effect.Effect<SpawnerService, never, Scope.Scope> =>
  Effect.flatMap(
    FiberSpawner.surroundings,
    (surroundings) =>
      make(FiberSpawner.spawn({ surroundings, nextPid, spawner: Layer.effect(Spawner)(makeFiber(nextPid)) }), {
        local: true,
        ownProcesses: false
      })
  )

/**
 * Runs each process as a fiber of this one: for tests of programs with many processes, in one process and, under `TestClock`, in virtual
 * time.
 *
 * **Details**
 *
 * A target gets what it would get elsewhere: its payload and its services by their encodings, holders of its own on shared objects,
 * and of the surrounding context only the clock, the console, the loggers and the tracer. Its `pid` is a number that no other process of the program has.
 *
 * **Gotchas**
 *
 * `kill` can't stop a fiber at any instruction: to everybody else the process is dead at once (its holders are gone, its exit code is
 * -9); its fiber is interrupted. A synchronous loop stops everything, `process.exit` ends the test, and global state is shared.
 *
 * Python: `multiprocessing.dummy`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerFiber: Layer.Layer<Spawner> = Layer.effect(Spawner)(
  Effect.suspend(() => {
    let pid = firstFiberPid
    return makeFiber(() => ++pid)
  })
)
