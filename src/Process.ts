/**
 * Processes as scoped resources.
 *
 * A process is made for a target and its payload, started once, and joined as often as needed: `join` gives the target's value, its
 * typed failure, its defect with the child's stack, or `ProcessExited` with the exit code. It never outlives the scope that made
 * it.
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
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import type * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import { CurrentProcess } from "./CurrentProcess.ts"
import {
  type BrokenPipe,
  Closed,
  InvalidState,
  type InvalidStateReason,
  ProcessExited,
  SpawnError,
  TimedOut,
  Unsupported
} from "./Failure.ts"
import { Hub } from "./Hub.ts"
import * as Inheritable from "./Inheritable.ts"
import * as Codec from "./internal/codec.ts"
import { patience } from "./internal/hub/reference.ts"
import * as Control from "./internal/process/control.ts"
import { signalName } from "./internal/process/exitStatus.ts"
import { Identity } from "./internal/process/identity.ts"
import * as Outcome from "./internal/process/outcome.ts"
import { Importing } from "./internal/process/registry.ts"
import { CurrentTransit } from "./internal/transit.ts"
import { maxMessageSize } from "./internal/transport/frames.ts"
import { type Ended, type Spawned, Spawner, type SpawnerService, type Stdio } from "./Spawner.ts"
import { type Definition, definitionOf, type Target } from "./Target.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~effect-multiprocessing/Process"

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
}

/**
 * The arguments of a constructor after the target: the payload may be left out where it is void.
 *
 * @category utility types
 * @since 0.1.0
 */
export type Args<Payload> = void extends Payload ? [payload?: Payload, options?: Options]
  : [payload: Payload, options?: Options]

const defaultGracePeriod = Duration.seconds(5)

/** How long a process may take to end by SIGTERM while its scope closes. */
const terminationDeadline = Duration.seconds(1)

type State = "initial" | "starting" | "running" | "stopped" | "closed"

interface Result {
  readonly exitCode: number
  readonly exit: Exit.Exit<unknown, unknown>
}

interface Environment {
  readonly context: Context.Context<never>
  readonly scope: Scope.Scope
  readonly spawner: SpawnerService
  readonly hub: Hub["Service"]
  readonly current: CurrentProcess
  readonly identity: ReadonlyArray<number>
}

class ProcessImpl {
  readonly [TypeId] = TypeId
  readonly name: string
  readonly daemon: boolean
  private readonly definition: Definition
  private readonly payload: unknown
  private readonly options: Options
  private readonly environment: Environment
  private readonly gracePeriod: Duration.Duration
  private readonly result = Deferred.makeUnsafe<Result>()
  private state: State = "initial"
  private spawned: Spawned | undefined
  private exited: number | undefined
  /** Somebody has seen how it ended. */
  private joined = false
  /** Somebody has asked for its end while it ran. */
  private stopRequested = false
  private stopping: Effect.Effect<void> | undefined

  constructor(definition: Definition, payload: unknown, options: Options, environment: Environment) {
    const { current, identity } = environment
    this.definition = definition
    this.payload = payload
    this.options = options
    this.environment = environment
    this.name = options.name ?? `Process-${identity.join(":")}`
    this.daemon = options.daemon ?? current.daemon
    this.gracePeriod = options.gracePeriod === undefined
      ? defaultGracePeriod
      : Duration.fromInputUnsafe(options.gracePeriod)
  }

  // ---------------------------------------------------------------------------------------------- what it is

  get pid() {
    return this.whenOpen(() => Effect.succeed(Option.fromUndefinedOr(this.spawned?.pid)))
  }
  get exitCode() {
    return this.whenOpen(() => Effect.succeed(Option.fromUndefinedOr(this.exited)))
  }
  get isAlive() {
    return this.whenOpen(() => Effect.succeed(this.state === "running"))
  }
  get sentinel() {
    return this.whenStarted("sentinel", () => Effect.asVoid(Deferred.await(this.result)))
  }
  get stdin() {
    return this.whenStarted("stdin", ({ stdin }) => this.piped("stdin", stdin))
  }
  get stdout() {
    return Stream.unwrap(this.whenStarted("stdout", ({ stdout }) => this.piped("stdout", stdout)))
  }
  get stderr() {
    return Stream.unwrap(this.whenStarted("stderr", ({ stderr }) => this.piped("stderr", stderr)))
  }
  toJSON() {
    return {
      _id: "Process",
      name: this.name,
      daemon: this.daemon,
      pid: this.spawned?.pid,
      state: this.state,
      exitCode: this.exited === undefined || this.exited >= 0 ? this.exited : `-${signalName(-this.exited)}`
    }
  }

  [NodeInspectSymbol]() {
    return this.toJSON()
  }

  // ---------------------------------------------------------------------------------------------- start

  get start() {
    return Effect.suspend((): Effect.Effect<void, SpawnError | InvalidState | Closed> => {
      if (this.state === "closed") return Effect.fail(new Closed({ object: this.name }))
      if (this.state !== "initial") return this.invalid("start", "AlreadyStarted")
      if (this.environment.current.daemon) return this.invalid("start", "DaemonicChild")
      if (Context.get(this.environment.context, Importing)) return this.invalid("start", "Bootstrapping")
      this.state = "starting"
      return Effect.uninterruptibleMask((restore) =>
        restore(this.prepare).pipe(
          Effect.flatMap(({ boot, transit }) => this.spawn(boot, transit)),
          Effect.onExit((exit) =>
            Effect.sync(() => {
              // Nothing was started, so nothing keeps it from being tried again.
              if (Exit.isFailure(exit) && this.state === "starting") this.state = "initial"
            })
          ),
          Effect.flatMap((spawned) =>
            restore(spawned.imported).pipe(
              Effect.mapError(({ cause, reason }) => this.spawnError(reason, cause)),
              // Whoever does not get to know that it runs must not leave it running. The failure is told here, not by join.
              Effect.onError((cause) => {
                this.joined = true
                return Effect.andThen(
                  // A child that could not import ends by itself.
                  Cause.hasInterrupts(cause) ? Effect.void : this.endsWithin(terminationDeadline),
                  Effect.andThen(this.killNow, Deferred.await(this.result))
                )
              })
            )
          )
        )
      )
    })
  }

  /** All that can fail before there is a process. */
  private get prepare() {
    const { context, current, hub, identity, spawner } = this.environment
    const { definition } = this
    return Effect.gen({ self: this }, function*() {
      if (!URL.canParse(definition.module)) {
        return yield* Effect.fail(this.spawnError("InvalidModule", definition.module))
      }
      const transit = yield* Scope.make()
      const encode = Effect.gen({ self: this }, function*() {
        const payload = yield* Codec.make(definition.payload, definition.name, hub).encode(this.payload, "payload")
          .pipe(
            Effect.map((bytes) => bytes.slice()),
            Effect.mapError((error) => this.spawnError("InvalidPayload", error.problem)),
            Effect.filterOrFail(
              (bytes) => bytes.length <= maxMessageSize,
              (bytes) =>
                this.spawnError("InvalidPayload", `it has ${bytes.length} bytes, at most ${maxMessageSize} can be sent`)
            )
          )
        const inherited = yield* Effect.forEach(
          definition.inherits,
          (service) => service[Inheritable.TypeId].handOver(Context.getUnsafe(context, service))
        ).pipe(Scope.provide(transit), Effect.mapError((error) => this.spawnError("HandOverFailed", error)))
        const span = yield* Effect.option(Effect.currentParentSpan)
        return yield* Effect.orDie(Codec.encode(
          Control.Boot,
          {
            name: this.name,
            identity,
            daemon: this.daemon,
            authkey: Redacted.value(current.authkey),
            parent: { name: current.name, pid: current.pid },
            payload,
            inherited,
            span: Option.getOrUndefined(
              Option.map(span, ({ sampled, spanId, traceId }) => ({ traceId, spanId, sampled }))
            ),
            minimumLogLevel: yield* References.MinimumLogLevel,
            logAnnotations: toJson(yield* References.CurrentLogAnnotations)
          },
          this.name,
          "start"
        ))
      })
      const boot = yield* Effect.provideService(encode, CurrentTransit, { scope: transit, local: spawner.local }).pipe(
        Effect.onError((cause) => Scope.close(transit, Exit.failCause(cause)))
      )
      return { boot, transit }
    })
  }

  private spawn(boot: Uint8Array, transit: Scope.Closeable) {
    const { spawner } = this.environment
    const { stderr = "inherit", stdin = "ignore", stdout = "inherit" } = this.options
    const { module, name: target } = this.definition
    return Effect.suspend((): Effect.Effect<Spawned, SpawnError | Closed> =>
      // The scope closed meanwhile, and would never know of the process.
      this.state === "closed" ? Effect.fail(new Closed({ object: this.name })) : Effect.mapError(
        spawner.spawn({ module, target, boot, hub: this.environment.hub, stdin, stdout, stderr }),
        ({ cause, reason }) => this.spawnError(reason, cause)
      )
    ).pipe(
      Effect.onError((cause) => Scope.close(transit, Exit.failCause(cause))),
      Effect.tap((spawned) =>
        Effect.sync(() => {
          this.spawned = spawned
          this.state = "running"
          spawner.children.add(this as unknown as Any)
          this.runFork(Effect.flatMap(spawned.ended, (ended) => this.onEnded(ended, transit)))
        })
      )
    )
  }

  private onEnded(ended: Ended, transit: Scope.Closeable) {
    return Effect.gen({ self: this }, function*() {
      const exit = Option.isSome(ended.result)
        ? yield* Effect.flatten(Effect.exit(Outcome.decode(this.definition, ended.result.value))).pipe(
          Effect.match({ onSuccess: (exit) => exit, onFailure: (error) => Exit.die(error) })
        )
        : Exit.fail(this.exitedWith(ended.exitCode))
      this.exited = ended.exitCode
      this.state = "stopped"
      this.environment.spawner.children.delete(this as unknown as Any)
      // An interruption on the way to a death by signal is not the result: the signal is.
      const bySignal = ended.exitCode < 0 && Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
      Deferred.doneUnsafe(
        this.result,
        Effect.succeed({ exitCode: ended.exitCode, exit: bySignal ? Exit.fail(this.exitedWith(ended.exitCode)) : exit })
      )
      yield* Scope.close(transit, Exit.void)
    })
  }

  // ---------------------------------------------------------------------------------------------- end

  readonly join = (options?: Timeout) =>
    this.whenStarted("join", () => {
      const wait = patience(options?.timeout)
      const joined = Effect.flatMap(Deferred.await(this.result), ({ exit }) => {
        this.joined = true
        return exit
      })
      const timedOut = Effect.suspend(() => Effect.fail(new TimedOut({ operation: `${this.name}: join` })))
      if (wait === undefined) return joined
      if (wait === "nowait") return this.exited === undefined ? timedOut : joined
      return Effect.timeoutOrElse(joined, { duration: wait, orElse: () => timedOut })
    })

  get interrupt() {
    return this.whenRunning("interrupt", (spawned) => spawned.interrupt)
  }
  get terminate() {
    return this.whenRunning("terminate", (spawned) =>
      Effect.andThen(
        this.userSignal(spawned, "SIGTERM"),
        Effect.sync(() => {
          this.runFork(Effect.andThen(this.endsWithin(this.gracePeriod), this.killNow))
        })
      ))
  }
  get kill() {
    return this.whenRunning("kill", (spawned) => this.userSignal(spawned, "SIGKILL"))
  }
  get close() {
    return Effect.suspend((): Effect.Effect<void, InvalidState> => {
      if (this.state === "running" || this.state === "starting") return this.invalid("close", "StillRunning")
      this.state = "closed"
      return Effect.void
    })
  }

  /** The end of the scope. */
  readonly release = (exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (this.spawned === undefined) return Effect.void
      const wait = !this.daemon && Exit.isSuccess(exit)
        ? Deferred.await(this.result).pipe(
          // Ctrl-C while the scope waits.
          Effect.interruptible,
          Effect.onInterrupt(() => this.stopFamily(true)),
          Effect.exit
        )
        : this.stopFamily(Exit.isFailure(exit))
      return this.spawned.drain.pipe(Effect.andThen(wait), Effect.andThen(this.logUnjoined))
    }).pipe(Effect.andThen(Effect.sync(() => {
      this.state = "closed"
    })))

  /**
   * Stops this process, and with it the others of the scope that are about to be stopped too, which are all of them or the
   * daemonic ones: so that a scope with many stubborn children closes in one grace period, not in one for each.
   */
  private stopFamily(all: boolean): Effect.Effect<void> {
    const family = this.environment.spawner.families.get(this.environment.scope) ?? []
    for (const member of family) {
      const process = member as unknown as ProcessImpl
      if (all || process.daemon) process.beginToStop()
    }
    this.beginToStop()
    return this.stopping ?? Effect.void
  }

  private beginToStop(): void {
    if (this.stopping !== undefined || this.spawned === undefined || this.exited !== undefined) return
    this.stopRequested = true
    const stopped = Deferred.makeUnsafe<void>()
    this.stopping = Deferred.await(stopped)
    this.runFork(
      this.stop(this.spawned).pipe(Effect.onExit(() => Effect.sync(() => Deferred.doneUnsafe(stopped, Effect.void))))
    )
  }

  private stop(spawned: Spawned): Effect.Effect<void> {
    return spawned.drain.pipe(
      Effect.andThen(spawned.interrupt),
      Effect.andThen(this.endsWithin(this.gracePeriod)),
      Effect.andThen(spawned.signal("SIGTERM")),
      Effect.andThen(this.endsWithin(terminationDeadline)),
      Effect.andThen(this.killNow),
      Effect.andThen(Effect.asVoid(Deferred.await(this.result)))
    )
  }

  private endsWithin(duration: Duration.Duration): Effect.Effect<void> {
    return Effect.raceFirst(Effect.asVoid(Deferred.await(this.result)), Effect.sleep(duration))
  }

  private userSignal(spawned: Spawned, signal: "SIGTERM" | "SIGKILL"): Effect.Effect<void, Unsupported> {
    return spawned.hasSignals ? spawned.signal(signal) : Effect.fail(
      new Unsupported({
        operation: `${this.name}: ${signal}`,
        problem: "a thread has no signals. Use interrupt, or close the scope."
      })
    )
  }

  private get killNow(): Effect.Effect<void> {
    return Effect.suspend(() => this.exited === undefined ? this.spawned!.signal("SIGKILL") : Effect.void)
  }

  private get logUnjoined(): Effect.Effect<void> {
    return Effect.flatMap(Deferred.await(this.result), ({ exit, exitCode }) => {
      if (this.joined || Exit.isSuccess(exit)) return Effect.void
      // What was asked for is no news.
      if (this.stopRequested && (exitCode < 0 || Cause.hasInterruptsOnly(exit.cause))) return Effect.void
      this.joined = true
      return Effect.logError(`${this.name} failed, and nobody joined it`, exit.cause)
    })
  }

  // ---------------------------------------------------------------------------------------------- helpers

  private runFork(effect: Effect.Effect<void>): void {
    Effect.runForkWith(this.environment.context)(effect)
  }

  private invalid(operation: string, reason: InvalidStateReason) {
    return Effect.fail(new InvalidState({ object: this.name, operation, reason }))
  }

  private spawnError(reason: SpawnError["reason"], cause: unknown): SpawnError {
    return new SpawnError({
      process: this.name,
      target: this.definition.name,
      module: this.definition.module,
      reason,
      cause
    })
  }

  private exitedWith(exitCode: number): ProcessExited {
    return new ProcessExited({ process: this.name, exitCode })
  }

  private whenOpen<A, E>(f: () => Effect.Effect<A, E>): Effect.Effect<A, E | Closed> {
    return Effect.suspend((): Effect.Effect<A, E | Closed> =>
      this.state === "closed" ? Effect.fail(new Closed({ object: this.name })) : f()
    )
  }

  private whenStarted<A, E>(
    operation: string,
    f: (spawned: Spawned) => Effect.Effect<A, E>
  ): Effect.Effect<A, E | InvalidState | Closed> {
    return this.whenOpen((): Effect.Effect<A, E | InvalidState> =>
      this.spawned === undefined ? this.invalid(operation, "NotStarted") : f(this.spawned)
    )
  }

  /** Asks for the end of the process; does nothing after its end. */
  private whenRunning<E>(
    operation: string,
    f: (spawned: Spawned) => Effect.Effect<void, E>
  ): Effect.Effect<void, E | InvalidState | Closed> {
    return this.whenStarted(operation, (spawned) => {
      if (this.exited !== undefined) return Effect.void
      this.stopRequested = true
      return f(spawned)
    })
  }

  private piped<A>(operation: string, stream: Option.Option<A>): Effect.Effect<A, InvalidState> {
    return Option.isSome(stream) ? Effect.succeed(stream.value) : this.invalid(operation, "NotPiped")
  }
}

/** Annotations can be anything; what JSON can't hold becomes text. */
const toJson = (annotations: Readonly<Record<string, unknown>>): string =>
  JSON.stringify(annotations, (_, value) => typeof value === "bigint" ? String(value) : value)

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
  const impl = new ProcessImpl(definitionOf(target), payload, options, {
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
  (spawner) => Array.from(spawner.children)
)
