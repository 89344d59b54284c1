/**
 * A task: what a pool was asked to run once, and its answer.
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Pull from "effect/Pull"
import type * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { EncodeError, SpawnError, type WorkerLost } from "../../Failure.ts"
import * as Codec from "../codec.ts"
import { tooLarge } from "../mail.ts"
import { CurrentTransit } from "../transit.ts"
import { maxMessageSize } from "../transport/frames.ts"
import type { Place } from "./backlog.ts"
import type { Job, Slot } from "./dispatcher.ts"
import type { FrameMemory } from "./frameMemory.ts"
import * as Frames from "./frames.ts"
import type { TaskCodecs } from "./taskCodecs.ts"

/** What a pool knows of a target that it runs. */
export interface TaskTarget extends TaskCodecs {
  readonly number: number
  /** For the frames of its tasks. */
  readonly memory: FrameMemory
}

/** What became of a task: a frame of its worker, or why there is none. */
export type Answer = Frames.Frame | Cause.Cause<unknown>

const isFrame = (answer: Answer): answer is Frames.Frame => "kind" in answer

export interface TaskOptions {
  readonly priority: number
  /** How it is run again when its worker is lost; none: it is not. */
  readonly retry: Schedule.Schedule<unknown, WorkerLost> | undefined
  readonly span: Frames.Span | undefined
  /** Of the tasks whose values nobody sees before all are there; 0: none. */
  readonly batch: number
}

/** Is told of an answer. */
type Observer = (answer: Answer) => void

const nobody: ReadonlyArray<Observer> = []

export class Task implements Job {
  readonly id: number
  readonly priority: number
  readonly target: TaskTarget
  readonly isSeries: boolean
  readonly options: TaskOptions
  readonly submittedAt: number
  place: Place | undefined = undefined
  startedAt = 0
  size = 0
  frame: Uint8Array | undefined
  /** The worker that it was sent to. */
  slot: Slot<Task> | undefined
  /** It has left for the worker. */
  sent = false
  isAhead = false
  losses = 0
  /** Nobody wants it any more. */
  isCancelled = false
  /** Of its schedule for retries, once it was needed. */
  retryStep: ((now: number, error: WorkerLost) => Pull.Pull<[unknown, Duration.Duration], never, unknown>) | undefined
  isOver = false
  /** Its answer may be asked for at any time. */
  isKept = false
  /** As long as it may be asked for. */
  answer: Answer | undefined
  private payload: unknown
  private tickets: Scope.Closeable | undefined
  private observers: ReadonlyArray<Observer> = nobody

  constructor(
    id: number,
    target: TaskTarget,
    payload: unknown,
    isSeries: boolean,
    options: TaskOptions,
    submittedAt: number
  ) {
    this.id = id
    this.target = target
    this.payload = payload
    this.isSeries = isSeries
    this.options = options
    this.priority = options.priority
    this.submittedAt = submittedAt
  }

  /** Makes its frame. Queues and connections inside of the payload stay alive until it is over. */
  encode(local: boolean): Effect.Effect<void, EncodeError> {
    const { payload, payloads } = this.target
    const bytes = this.isSeries
      ? payloads.encode(this.payload as ReadonlyArray<unknown>, "run")
      : payload.encode(this.payload, "run")
    if (Codec.isDone(bytes)) return this.toFrame(bytes.value)
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Scope.make(), (scope) => {
        const transit = { scope, local }
        return restore(Effect.provideService(bytes, CurrentTransit, transit)).pipe(
          Effect.flatMap((bytes) => this.toFrame(bytes)),
          Effect.onExit((exit) => {
            if (Exit.isFailure(exit)) return Scope.close(scope, exit)
            const before = this.tickets
            this.tickets = scope
            return before === undefined ? Effect.void : Scope.close(before, Exit.void)
          })
        )
      })
    )
  }

  /** Tickets inside of it can be used once. */
  get canBeSentAgain(): boolean {
    return this.tickets === undefined
  }

  private toFrame(payload: Uint8Array): Effect.Effect<void, EncodeError> {
    const { id, isSeries, options: { batch, span }, target } = this
    if (payload.length > maxMessageSize) {
      const { name: object } = target.definition
      return Effect.fail(new EncodeError({ object, operation: "run", problem: tooLarge(payload.length) }))
    }
    this.frame = Frames.task({ id, isSeries, target: target.number, batch, span, payload }, target.memory)
    this.size = this.frame.length
    return Effect.void
  }

  get state(): "queued" | "running" | "done" {
    if (this.isOver) return "done"
    return this.slot !== undefined && this.slot.assigned[0] === this ? "running" : "queued"
  }

  /** It is over; once. */
  deliver(answer: Answer): void {
    if (this.isOver) return
    this.isOver = true
    // The worker that has answered has read it. Of those that were lost nobody knows what they have.
    if (this.frame !== undefined && isFrame(answer) && this.losses === 0) this.target.memory.give(this.frame)
    this.frame = this.payload = undefined
    this.slot = undefined
    if (this.tickets !== undefined) Effect.runFork(Scope.close(this.tickets, Exit.void))
    const { observers } = this
    this.observers = nobody
    // What has waited is old for V8. If it kept what it has waited for, that would be no garbage before all that is old is looked at.
    if (this.isKept || observers.length === 0) this.answer = answer
    for (const observer of observers) observer(answer)
  }

  observe(observer: Observer): void {
    if (this.isOver) observer(this.answer!)
    else this.observers = this.observers.length === 0 ? [observer] : [...this.observers, observer]
  }

  /** Its answer, when it is over; once, if it {@link isKept} not. */
  get answered(): Effect.Effect<Answer> {
    return this.whenOver(Effect.succeed)
  }

  /** Waits until it is over. */
  get over(): Effect.Effect<void> {
    return Effect.suspend(() => this.isOver ? Effect.void : this.whenOver(() => Effect.void))
  }

  private whenOver<A>(outcome: (answer: Answer) => Effect.Effect<A>): Effect.Effect<A> {
    return Effect.callback((resume) => {
      const observer: Observer = (answer) => resume(outcome(answer))
      this.observe(observer)
      return Effect.sync(() => {
        this.observers = this.observers.filter((other) => other !== observer)
      })
    })
  }
}

const notLoaded = ({ definition }: TaskTarget, body: Uint8Array): SpawnError => {
  const { message, reason, stack }: Frames.NotLoaded = Frames.parseJson(body)
  const cause = new Error(message)
  if (stack !== "") cause.stack = stack
  return new SpawnError({ process: "worker", target: definition.name, module: definition.module, reason, cause })
}

const decodeExit = ({ outcome }: TaskTarget, body: Uint8Array): Effect.Effect<never, unknown> =>
  // Interrupted before it could say anything.
  body.length === 0
    ? Effect.failCause(Cause.interrupt())
    : Effect.flatMap(Effect.orDie(outcome.decode(body)), (exit) => exit as Exit.Exit<never, unknown>)

/** The value of a task, or what it failed with. */
export const valueOf = (target: TaskTarget, answer: Answer): Effect.Effect<unknown, unknown> => {
  if (!isFrame(answer)) return Effect.failCause(answer)
  const { body, kind } = answer
  if (kind === Frames.Kind.Success) {
    const value = target.success.decode(body, "run")
    return Codec.isDone(value) ? value : Effect.orDie(value)
  }
  if (kind === Frames.Kind.NotLoaded) return Effect.fail(notLoaded(target, body))
  return decodeExit(target, body)
}

/** What a series gave: the values until the first failure, and that failure. */
export interface Values {
  readonly values: ReadonlyArray<unknown>
  readonly failure: Cause.Cause<unknown> | undefined
}

export const valuesOf = (target: TaskTarget, answer: Answer, isSeries: boolean): Effect.Effect<Values> => {
  const failed = (effect: Effect.Effect<never, unknown>, values: ReadonlyArray<unknown> = []): Effect.Effect<Values> =>
    Effect.catchCause(effect, (failure) => Effect.succeed({ values, failure }))
  if (!isFrame(answer)) return Effect.succeed({ values: [], failure: answer })
  const { body, kind } = answer
  const decode = (bytes: Uint8Array): Effect.Effect<ReadonlyArray<unknown>> => {
    const values = isSeries
      ? target.successes.decode(bytes, "run")
      : Effect.mapEager(target.success.decode(bytes, "run"), (value) => [value])
    return Codec.isDone(values) ? values : Effect.orDie(values)
  }
  if (kind === Frames.Kind.Success) {
    return Effect.mapEager(decode(body), (values) => ({ values, failure: undefined }))
  }
  if (kind === Frames.Kind.FailureAfter) {
    const { exit, values } = Frames.parseFailureAfter(body)
    return Effect.flatMap(decode(values), (values) => failed(decodeExit(target, exit), values))
  }
  return failed(
    kind === Frames.Kind.NotLoaded
      ? Effect.fail(notLoaded(target, body))
      : decodeExit(target, body)
  )
}
