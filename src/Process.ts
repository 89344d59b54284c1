/**
 * Processes as scoped resources.
 *
 * A process is made for a target and its payload, started once, and joined as often as needed: `join` gives the target's value, its
 * typed failure, its defect with the child's stack, or `ProcessExited` with the exit code. It never outlives the scope that made
 * it, nor the layer of its spawner.
 *
 * **When the scope closes.** A process that is not daemonic, in a scope that succeeded, is joined: the scope waits for it. A daemonic
 * one, and any one in a scope that failed or was interrupted, is stopped: its target is interrupted and its finalizers run;
 * after the grace period it gets SIGTERM, and then SIGKILL. A failure that nobody joined is logged, once.
 *
 * **When the parent dies**, by whatever signal, the child's target is interrupted, and two seconds later the child is gone, also if it spins in
 * a synchronous loop.
 *
 * **Signals.** A child ignores the Ctrl-C of the terminal: its parent decides. SIGTERM interrupts its target and then ends it.
 *
 * Python: `multiprocessing.Process`.
 *
 * @since 0.1.0
 */
import type * as ByteSize from "effect/ByteSize"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Scope from "effect/Scope"
import type * as Sink from "effect/Sink"
import type * as Stream from "effect/Stream"
import { CurrentProcess } from "./CurrentProcess.ts"
import type { BrokenPipe, Closed, InvalidState, ProcessExited, SpawnError, TimedOut, Unsupported } from "./Failure.ts"
import { Hub } from "./Hub.ts"
import * as internal from "./internal/process/handle.ts"
import { Identity } from "./internal/process/identity.ts"
import { Spawner, type Stdio } from "./Spawner.ts"
import { definitionOf, type Target } from "./Target.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = internal.TypeId

/**
 * How long to wait. Zero and less: not at all.
 *
 * @category models
 * @since 0.1.0
 */
export interface Timeout {
  readonly timeout?: Duration.Input | undefined
}

/**
 * A handle on one process.
 *
 * @category models
 * @since 0.1.0
 */
export interface Process<out A, out E> {
  readonly [TypeId]: typeof TypeId
  /** As given, or `Process-N`. */
  readonly name: string
  /** A daemonic process is stopped when its scope closes, and may not have children. */
  readonly daemon: boolean
  /** None before `start`. Stays after the end. */
  readonly pid: Effect.Effect<Option.Option<number>, Closed>
  /** None before the end. Then 0: success, 1: failure or defect, n: `process.exit(n)`, -n: signal n. */
  readonly exitCode: Effect.Effect<Option.Option<number>, Closed>
  /** Started and not ended. */
  readonly isAlive: Effect.Effect<boolean, Closed>
  /**
   * Starts the process; returns when the child has imported the module of its target. From then on the child counts as a holder of
   * all that it inherits, so that the parent may close its own.
   */
  readonly start: Effect.Effect<void, SpawnError | InvalidState | Closed>
  /**
   * Waits for the end, and gives what the target gave. Any number of fibers may join, any number of times. With a timeout, fails with
   * `TimedOut` when it passes; the process goes on.
   *
   * An interrupted target interrupts whoever joins it, like `Fiber.join`.
   */
  readonly join: {
    (): Effect.Effect<A, E | ProcessExited | InvalidState | Closed>
    (options: Timeout): Effect.Effect<A, E | ProcessExited | TimedOut | InvalidState | Closed>
  }
  /** Completes when the process has ended, however it ended, and stays so. For `wait`, and for races. */
  readonly sentinel: Effect.Effect<void, InvalidState | Closed>
  /** Interrupts the target's fiber, so that its finalizers run; the process then ends with exit code 1. */
  readonly interrupt: Effect.Effect<void, InvalidState | Closed>
  /**
   * Sends SIGTERM: interrupts the target, so that its finalizers run; the process then ends by the signal, with exit code -15. One that does
   * not listen, because it is in a synchronous loop, is killed after the grace period.
   */
  readonly terminate: Effect.Effect<void, Unsupported | InvalidState | Closed>
  /** Sends SIGKILL: the process ends at once, with exit code -9. */
  readonly kill: Effect.Effect<void, Unsupported | InvalidState | Closed>
  /**
   * Declares that this handle is not used any more; later operations fail with `Closed`. Fails while the process runs. A second
   * call does nothing.
   */
  readonly close: Effect.Effect<void, InvalidState>
  /** The child's standard input. Fails unless the process was made with `stdin: "pipe"`. */
  readonly stdin: Effect.Effect<Sink.Sink<void, Uint8Array | string, never, BrokenPipe>, InvalidState | Closed>
  /** The child's standard output. Fails unless the process was made with `stdout: "pipe"`. */
  readonly stdout: Stream.Stream<Uint8Array, InvalidState | Closed>
  /** The child's standard error. Fails unless the process was made with `stderr: "pipe"`. */
  readonly stderr: Stream.Stream<Uint8Array, InvalidState | Closed>
}

/**
 * Any process.
 *
 * @category models
 * @since 0.1.0
 */
export type Any = Process<unknown, unknown>

/**
 * @category guards
 * @since 0.1.0
 */
export const isProcess = (u: unknown): u is Any => Predicate.hasProperty(u, TypeId)

/**
 * How a process is made.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** For messages and logs; need not be unique. Default: `Process-N`, in a child `Process-N:M`. */
  readonly name?: string | undefined
  /** Stopped when the scope closes, instead of joined; and may not have children. Default: as the current process. */
  readonly daemon?: boolean | undefined
  /** How long an interrupted target may take before it gets SIGTERM, and a terminated one before it gets SIGKILL. Default: 5 seconds. */
  readonly gracePeriod?: Duration.Input | undefined
  /** Default: `"ignore"`, so that only one process reads the terminal. */
  readonly stdin?: Stdio | undefined
  /** Default: `"inherit"`. Read what is piped: a child that writes to a full pipe waits. */
  readonly stdout?: Stdio | undefined
  /** Default: `"inherit"`. */
  readonly stderr?: Stdio | undefined
  /**
   * How large the heap of the child may become, in whole MiB. One that needs more is ended by V8, which says so on its standard error, with SIGABRT (a thread with exit code 1). Default: what V8
   * chooses for the machine, or the flags of this process. No effect on fibers.
   */
  readonly maxHeap?: ByteSize.Input | undefined
}

/**
 * The arguments of a constructor after the target: the payload may be left out where it is void.
 *
 * @category utility types
 * @since 0.1.0
 */
export type Args<Payload> = void extends Payload ? [payload?: Payload, options?: Options]
  : [payload: Payload, options?: Options]

/**
 * Makes a process that is not started yet. When the scope closes, it is joined or stopped: see the top of this page.
 *
 * Python: the constructor `Process(target=..., args=..., name=..., daemon=...)`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*<P, A, E, R>(
  target: Target<P, A, E, R>,
  ...[payload, options = {}]: Args<P>
): Effect.fn.Return<Process<A, E>, never, Scope.Scope | Spawner | Hub | R> {
  const context = yield* Effect.context<Scope.Scope | Spawner | Hub | R>()
  const spawner = Context.get(context, Spawner)
  const scope = Context.get(context, Scope.Scope)
  const impl = new internal.ProcessImpl(definitionOf(target), payload, options, {
    context: context as Context.Context<never>,
    scope,
    spawner,
    hub: Context.get(context, Hub),
    current: yield* CurrentProcess,
    identity: [...yield* Identity, ++spawner.count]
  })
  const process = impl as unknown as Process<A, E>
  const family = spawner.families.get(scope)
  if (family === undefined) spawner.families.set(scope, new Set([process]))
  else family.add(process)
  yield* Effect.addFinalizer(impl.release)
  return process
})

/**
 * Makes a process and starts it.
 *
 * **Example** (Ten processes, and all of their values)
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
 *   const processes = yield* Effect.forEach([1, 2, 3], (n) => Mp.Process.spawn(square, n), { concurrency: 2 })
 *   console.log(yield* Effect.forEach(processes, (process) => process.join())) // => [ 1, 4, 9 ]
 * })
 *
 * Mp.runMain(program.pipe(Effect.scoped, Effect.provide(Mp.layer)))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const spawn = Effect.fnUntraced(function*<P, A, E, R>(
  target: Target<P, A, E, R>,
  ...args: Args<P>
): Effect.fn.Return<Process<A, E>, SpawnError | InvalidState, Scope.Scope | Spawner | Hub | R> {
  const process = yield* make(target, ...args)
  yield* process.start.pipe(Effect.catchTag("Closed", Effect.die))
  return process
})

/**
 * Runs a target in a process of its own: starts it, gives what it gives, and stops it when interrupted. The one to put into
 * `Effect.forEach`, `retry`, `timeout` and `race`.
 *
 * **Example** (Concurrent runs)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import * as Mp from "effect-multiprocessing"
 *
 * export const double = Mp.Target.make(
 *   "double",
 *   { module: import.meta.url, payload: Schema.Number, success: Schema.Number },
 *   (n) => Effect.succeed(2 * n)
 * )
 *
 * const program = Effect.forEach([1, 2, 3], (n) => Mp.Process.run(double, n), { concurrency: 2 })
 *
 * Mp.runMain(program.pipe(
 *   Effect.tap((numbers) => Effect.sync(() => console.log(numbers))), // => [ 2, 4, 6 ]
 *   Effect.provide(Mp.layer)
 * ))
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const run = <P, A, E, R>(
  target: Target<P, A, E, R>,
  ...args: Args<P>
): Effect.Effect<A, E | ProcessExited | SpawnError | InvalidState, Spawner | Hub | Exclude<R, Scope.Scope>> =>
  Effect.scoped(
    Effect.flatMap(spawn(target, ...args), (process) => Effect.catchTag(process.join(), "Closed", Effect.die))
  ) as any

/**
 * The children of this process that are alive, in the order in which they were started.
 *
 * Python: `active_children()`.
 *
 * @category accessors
 * @since 0.1.0
 */
export const activeChildren: Effect.Effect<Array<Any>, never, Spawner> = Effect.map(
  Spawner,
  (spawner) => Array.from(spawner.children.keys())
)
