/**
 * The handle of a process: its states, from the payload's encoding to the last log line.
 *
 * `initial` → `starting` → `running` → `stopped`, and `closed` after `stopped` or `initial`.
 */
import * as ByteSize from "effect/ByteSize"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import type { CurrentProcess } from "../../CurrentProcess.ts"
import {
  Closed,
  InvalidState,
  type InvalidStateReason,
  ProcessExited,
  SpawnError,
  TimedOut,
  Unsupported
} from "../../Failure.ts"
import type { Hub } from "../../Hub.ts"
import * as Inheritable from "../../Inheritable.ts"
import type { Any, Options, Timeout } from "../../Process.ts"
import type { Ended, Spawned, SpawnerService, StartFailure } from "../../Spawner.ts"
import type { Definition } from "../../Target.ts"
import * as Codec from "../codec.ts"
import { patience } from "../patience.ts"
import { CurrentTransit } from "../transit.ts"
import { maxMessageSize } from "../transport/frames.ts"
import * as Control from "./control.ts"
import { signalName } from "./exitStatus.ts"
import * as Outcome from "./outcome.ts"
import { Importing } from "./registry.ts"

export const TypeId = "~effect-multiprocessing/Process"

const defaultGracePeriod = Duration.seconds(5)

/** How long a process may take to end by SIGTERM while its scope closes. */
const terminationDeadline = Duration.seconds(1)

const realClock = Context.get(Context.empty(), Clock.Clock)

type State = "initial" | "starting" | "running" | "stopped" | "closed"

interface Result {
  readonly exitCode: number
  readonly exit: Exit.Exit<unknown, unknown>
}

export interface Environment {
  readonly context: Context.Context<never>
  readonly scope: Scope.Scope
  readonly spawner: SpawnerService
  readonly hub: Hub["Service"]
  readonly current: CurrentProcess
  readonly identity: ReadonlyArray<number>
}

export class ProcessImpl {
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
      if (!URL.canParse(this.definition.module)) {
        return Effect.fail(this.spawnError("InvalidModule", this.definition.module))
      }
      this.state = "starting"
      return Effect.uninterruptibleMask((restore) =>
        Scope.make().pipe(
          Effect.flatMap((transit) => this.spawn(restore(this.boot(transit)), transit)),
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

  /** What the child must know. All that can fail before the target runs. */
  private boot(transit: Scope.Closeable): Effect.Effect<Uint8Array, StartFailure> {
    const { context, current, hub, identity, spawner } = this.environment
    const { definition } = this
    return Effect.gen({ self: this }, function*() {
      const payload = yield* Codec.make(definition.payload, definition.name, hub).encode(this.payload, "payload").pipe(
        Effect.map((bytes) => bytes.slice()),
        Effect.mapError(({ problem }) => problem),
        Effect.filterOrFail(
          (bytes) => bytes.length <= maxMessageSize,
          (bytes) => `it has ${bytes.length} bytes, at most ${maxMessageSize} can be sent`
        ),
        Effect.mapError((cause): StartFailure => ({ reason: "InvalidPayload", cause }))
      )
      const inherited = yield* Inheritable.handOverAll(definition.inherits, context).pipe(
        Scope.provide(transit),
        Effect.mapError((cause): StartFailure => ({ reason: "HandOverFailed", cause }))
      )
      const span = yield* Effect.serviceOption(Tracer.ParentSpan)
      // The scope closed meanwhile: nothing is started any more.
      if (this.state === "closed") {
        return yield* Effect.fail<StartFailure>({ reason: "EndedEarly", cause: "its scope closed" })
      }
      return Control.encodeBoot({
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
      })
    }).pipe(Effect.provideService(CurrentTransit, { scope: transit, local: spawner.local }))
  }

  private spawn(boot: Effect.Effect<Uint8Array, StartFailure>, transit: Scope.Closeable) {
    const { spawner } = this.environment
    const { maxHeap, stderr = "inherit", stdin = "ignore", stdout = "inherit" } = this.options
    const { module, name: target } = this.definition
    return Effect.mapError(
      spawner.spawn({
        module,
        target,
        boot,
        hub: this.environment.hub,
        stdin,
        stdout,
        stderr,
        maxHeap: maxHeap === undefined ? undefined : mebibytes(maxHeap)
      }),
      ({ cause, reason }) =>
        this.state === "closed" ? new Closed({ object: this.name }) : this.spawnError(reason, cause)
    ).pipe(
      Effect.tap((spawned) =>
        // The scope closed while it was started.
        this.state === "closed"
          ? Effect.andThen(
            Effect.andThen(spawned.signal("SIGKILL"), spawned.ended),
            Effect.fail(new Closed({ object: this.name }))
          )
          : Effect.void
      ),
      Effect.onError((cause) => Scope.close(transit, Exit.failCause(cause))),
      Effect.tap((spawned) =>
        Effect.sync(() => {
          this.spawned = spawned
          this.state = "running"
          spawner.children.set(this as unknown as Any, this.settle)
          this.runFork(Effect.flatMap(spawned.ended, (ended) => this.onEnded(ended, transit)))
        })
      )
    )
  }

  private onEnded(ended: Ended, transit: Scope.Closeable) {
    return Effect.gen({ self: this }, function*() {
      const exit = Option.isSome(ended.result)
        ? yield* Effect.flatten(Effect.exit(Outcome.make(this.definition).decode(ended.result.value))).pipe(
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
    Effect.suspend(() => this.spawned === undefined ? Effect.void : Effect.andThen(this.settle(exit), this.logUnjoined))
      .pipe(Effect.andThen(Effect.sync(() => {
        this.state = "closed"
      })))

  /** Joins the process or stops it, as the end of what it belongs to demands. */
  private readonly settle = (exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> =>
    Effect.andThen(
      this.spawned!.drain,
      !this.daemon && Exit.isSuccess(exit)
        ? Deferred.await(this.result).pipe(
          // Ctrl-C while the scope waits.
          Effect.interruptible,
          Effect.onInterrupt(() => this.stopFamily(true)),
          Effect.exit,
          Effect.asVoid
        )
        : this.stopFamily(Exit.isFailure(exit))
    )

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
    const sleep = Effect.sleep(duration)
    return Effect.raceFirst(
      Effect.asVoid(Deferred.await(this.result)),
      // Under a test clock, what is not part of this process still ends in real time.
      this.environment.spawner.local ? sleep : Effect.provideService(sleep, Clock.Clock, realClock)
    )
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

/** At least one. */
const mebibytes = (size: ByteSize.Input): number =>
  Math.max(1, Math.floor(Number(ByteSize.fromInputUnsafe(size)) / 2 ** 20))
