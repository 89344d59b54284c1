/**
 * How a process is started.
 *
 * `Process` asks this service to run a target somewhere else. The default {@link layer} starts a fresh Node process for each, with the
 * Node flags of this one.
 *
 * Python: start methods and contexts. The default is what Python calls `spawn`; there is no `fork`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Sink from "effect/Sink"
import type * as Stream from "effect/Stream"
import type { BrokenPipe, SpawnErrorReason } from "./Failure.ts"
import * as FreshProcess from "./internal/process/freshProcess.ts"
import * as Guard from "./internal/process/guard.ts"
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
  /** What the child must know, encoded. */
  readonly boot: Uint8Array
  readonly stdin: Stdio
  readonly stdout: Stdio
  readonly stderr: Stdio
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
  /** Nothing if the process has ended. */
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
  /** The children that are alive. */
  readonly children: Set<Process.Any>
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
 * Makes a spawner from the one operation that differs.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (spawn: SpawnerService["spawn"]): SpawnerService => ({
  spawn,
  children: new Set(),
  families: new WeakMap(),
  count: 0
})

/**
 * Starts a fresh Node process for each process.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Spawner> = Layer.effect(Spawner)(
  Effect.map(Guard.CurrentGuard, (guard) => make(FreshProcess.spawn(guard)))
).pipe(Layer.provide(Guard.layer))
