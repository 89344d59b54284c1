/**
 * A pool: the dispatcher's shell. It starts workers, sends them what the dispatcher says, and ends them.
 *
 * What makes a death cost one task and no other: each worker reads its tasks from a pipe of its own, and the pool holds the reading end too.
 * What the worker has not taken can be taken back; what it has taken and not answered when its answers have all been read is lost.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { type EncodeError, PoisonousTask, PoolClosed, SpawnError, WorkerLost } from "../../Failure.ts"
import { Hub } from "../../Hub.ts"
import { Spawner } from "../../Spawner.ts"
import * as StreamTarget from "../../StreamTarget.ts"
import * as Target from "../../Target.ts"
import * as Codec from "../codec.ts"
import { Dispatcher, Slot } from "./dispatcher.ts"
import { FrameMemory } from "./frameMemory.ts"
import * as Frames from "./frames.ts"
import { diagnose, type Loss, startFailure } from "./loss.ts"
import { memoryOf } from "./memory.ts"
import * as Metrics from "./metrics.ts"
import { Task, type TaskOptions, type TaskTarget } from "./task.ts"
import * as TaskCodecs from "./taskCodecs.ts"
import { WorkerProcess, type WorkerSettings } from "./workerProcess.ts"

/** How many workers may fail to start one after the other before the pool gives up. */
const maxStartFailures = 3

/** How often the memory of workers is looked at. */
const memoryInterval = Duration.millis(250)

export interface Settings extends WorkerSettings {
  readonly name: string
  readonly size: number
  readonly minSize: number
  readonly idleTimeToLive: Duration.Duration | undefined
  readonly maxTasks: number
  readonly maxMemory: number | undefined
  readonly onMaxMemory: "finish" | "stop"
  readonly maxQueued: number
  readonly gracePeriod: Duration.Duration
  readonly retry: Schedule.Schedule<unknown, WorkerLost>
  readonly maxLosses: number
  readonly preload: ReadonlyArray<Target.Any | StreamTarget.Any>
}

/** One worker, as the pool sees it. */
export class Worker extends Slot<Task> {
  readonly process: WorkerProcess
  /** Tasks that were just read from its pipe. */
  readonly takenBack: Array<number> = []
  /** Bytes. */
  memory: number | undefined
  readyAt = 0
  idleSince = 0
  busy = 0
  /** The pool ends it, for its memory. */
  recycled = false
  private readonly clock: Clock.Clock
  removeMetrics = () => {}

  constructor(process: WorkerProcess, clock: Clock.Clock) {
    super()
    this.process = process
    this.clock = clock
  }

  /** The part of its time in which it had a task. */
  get utilization(): number {
    if (this.readyAt === 0) return 0
    const now = this.clock.currentTimeMillisUnsafe()
    const [current] = this.assigned
    const busy = this.busy + (current === undefined ? 0 : now - Math.max(current.startedAt, this.idleSince))
    return Math.min(1, busy / Math.max(1, now - this.readyAt))
  }
}

type Mode = "drain" | "interrupt" | "kill"
const strength: Record<Mode, number> = { drain: 1, interrupt: 2, kill: 3 }

export class PoolImpl {
  readonly name: string
  readonly settings: Settings
  readonly local: boolean
  private readonly dispatcher: Dispatcher<Task, Worker>
  private readonly context: Context.Context<Hub | Spawner>
  readonly hub: Hub["Service"]
  private readonly scope: Scope.Scope
  private readonly clock: Clock.Clock
  private readonly metrics: Metrics.OfPool
  private readonly targets = new Map<Target.Any, TaskTarget>()
  private readonly memory = new FrameMemory()
  private readonly admissions = new Set<() => void>()
  private readonly whenIdle = new Set<() => void>()
  /** Tasks that have lost their worker and will be run again. */
  private readonly retrying = new Set<Task>()
  private nextTask = 0
  private lastBatch = 0
  private nextWorker = 0
  private startFailures = 0
  private mode: Mode | undefined
  private closing: Deferred.Deferred<void> | undefined
  private failure: Cause.Cause<unknown> | undefined
  readonly counts = { completed: 0, failed: 0, lost: 0, recycled: 0 }

  constructor(settings: Settings, context: Context.Context<Hub | Spawner>, scope: Scope.Scope) {
    this.name = settings.name
    this.settings = settings
    this.context = context
    this.hub = Context.get(context, Hub)
    this.local = Context.get(context, Spawner).local
    this.scope = scope
    this.clock = Context.get(context, Clock.Clock)
    this.metrics = Metrics.ofPool(settings.name, context as Context.Context<never>, {
      queued: () => this.queued,
      running: () => this.running
    })
    this.dispatcher = new Dispatcher({
      size: settings.size,
      minSize: settings.minSize,
      maxTasks: settings.maxTasks
    })
  }

  toJSON() {
    return { _id: "Pool", name: this.name, size: this.settings.size, workers: this.dispatcher.alive }
  }
  [NodeInspectSymbol]() {
    return this.toJSON()
  }

  get workers(): ReadonlyArray<Worker> {
    return Array.from(this.dispatcher.slots)
  }
  get queued(): number {
    return this.dispatcher.queued
  }
  get running(): number {
    return this.dispatcher.running
  }
  private get isIdle(): boolean {
    return this.dispatcher.isIdle && this.retrying.size === 0
  }
  get isClosed(): boolean {
    return this.mode !== undefined || this.failure !== undefined
  }
  get now(): number {
    return this.clock.currentTimeMillisUnsafe()
  }

  // ---------------------------------------------------------------------------------------------- tasks

  target(target: Target.Any): TaskTarget {
    let known = this.targets.get(target)
    if (known === undefined) {
      known = {
        number: this.targets.size,
        memory: this.memory,
        ...TaskCodecs.make(Target.definitionOf(target), this.hub)
      }
      this.targets.set(target, known)
    }
    return known
  }

  /** Why no task is taken any more. */
  private get refusal(): Cause.Cause<unknown> | undefined {
    if (this.failure !== undefined) return this.failure
    return this.mode === undefined ? undefined : Cause.fail(new PoolClosed({ pool: this.name }))
  }

  /** Waits while the pool has as many tasks waiting as it may. */
  readonly admitted: Effect.Effect<void, unknown> = Effect.suspend((): Effect.Effect<void, unknown> => {
    const refusal = this.refusal
    if (refusal !== undefined) return Effect.failCause(refusal)
    if (this.dispatcher.queued < this.settings.maxQueued) return Effect.void
    return Effect.andThen(
      Effect.callback<void>((resume) => {
        const admit = () => resume(Effect.void)
        this.admissions.add(admit)
        return Effect.sync(() => this.admissions.delete(admit))
      }),
      this.admitted
    )
  })

  /** A task that may be enqueued now. If it can't be made, somebody else may. */
  whenAdmitted(made: Effect.Effect<Task, EncodeError>): Effect.Effect<Task, unknown> {
    return Effect.andThen(this.admitted, Effect.onError(made, () => Effect.sync(() => this.admit())))
  }

  /** Whoever is in line may come, as far as there is room. */
  admit(): void {
    if (this.admissions.size === 0) return
    let room = this.isClosed ? Infinity : this.settings.maxQueued - this.dispatcher.queued
    for (const admit of this.admissions) {
      if (room-- <= 0) return
      this.admissions.delete(admit)
      admit()
    }
  }

  /** Makes a task whose payload fits. It waits nowhere yet. */
  makeTask(
    target: TaskTarget,
    payload: unknown,
    options: TaskOptions,
    isSeries = false,
    submittedAt = this.now
  ): Effect.Effect<Task, EncodeError> {
    const task = new Task(this.nextTask++, target, payload, isSeries, options, submittedAt)
    return Effect.mapEager(task.encode(this.local), () => task)
  }

  /** A number for tasks whose values nobody sees before all are there. */
  makeBatch(): number {
    return this.lastBatch = (this.lastBatch + 1) >>> 0 || 1
  }

  /** A task for several payloads, one after the other. A single one needs no array around it. */
  makeSeries(
    target: TaskTarget,
    payloads: ReadonlyArray<unknown>,
    options: TaskOptions,
    submittedAt = this.now
  ): Effect.Effect<Task, EncodeError> {
    return payloads.length === 1
      ? this.makeTask(target, payloads[0], options, false, submittedAt)
      : this.makeTask(target, payloads, options, true, submittedAt)
  }

  /** The task waits for a worker from now on, or for this one; then {@link flush}. */
  enqueue(task: Task, worker?: Worker): void {
    const refusal = this.refusal
    if (refusal !== undefined) return task.deliver(refusal)
    if (worker === undefined) this.dispatcher.backlog.add(task)
    else if (worker.state === "starting" || worker.state === "ready") {
      task.slot = worker
      worker.pinned.add(task)
    } else task.deliver(Cause.fail(this.lost(task, worker, { reason: "Recycled" })))
  }

  /** Sends what can be sent, takes back what was sent ahead too early, starts the workers that are needed. */
  readonly flush: Effect.Effect<void> = Effect.uninterruptible(Effect.suspend(() => {
    const { now } = this
    for (let next = this.dispatcher.next(); next !== undefined; next = this.dispatcher.next()) {
      const { job, slot } = next
      const sent = this.send(slot, job, now)
      if (!Codec.isDone(sent)) {
        slot.isSending = true
        return Effect.andThen(Effect.onExit(sent, () => Effect.sync(() => slot.isSending = false)), this.flush)
      }
    }
    this.admit()
    const overloaded = this.dispatcher.overloaded
    return overloaded === undefined ? this.grow : Effect.andThen(this.takeBack(overloaded), this.flush)
  }))

  private readonly grow: Effect.Effect<void> = Effect.suspend(() => {
    if (this.hurry !== undefined) return Effect.void
    return this.dispatcher.missing === 0 ? Effect.void : Effect.andThen(this.startWorker, this.grow)
  })

  private send(worker: Worker, task: Task, now: number): Effect.Effect<void> {
    task.slot = worker
    task.startedAt = now
    return worker.process.isLoaded(task.target)
      ? this.transmit(worker, task)
      : Effect.andThen(worker.process.load(task.target), Effect.suspend(() => this.transmit(worker, task)))
  }

  private transmit(worker: Worker, task: Task): Effect.Effect<void> {
    // The worker is gone meanwhile, and the task waits again.
    if (task.slot !== worker || task.frame === undefined || !worker.process.isOpen) return Effect.void
    if (task.isCancelled) {
      this.dispatcher.tookBack(worker, task.id)
      this.waits(task)
      return Effect.void
    }
    task.sent = task.isAhead = true
    return worker.process.send(task.frame)
  }

  /**
   * Takes back what a worker has not begun. The tasks wait again when all are there, and not one by one: another fiber would send them to the
   * same worker meanwhile. Whoever is the first to find nothing more speaks for all.
   */
  private takeBack(worker: Worker): Effect.Effect<void> {
    const next: Effect.Effect<void> = Effect.flatMap(worker.process.takeBack, (id) => {
      if (id !== undefined) {
        worker.takenBack.push(id)
        return next
      }
      for (const id of worker.takenBack.splice(0)) {
        const task = this.dispatcher.tookBack(worker, id)
        if (task !== undefined) this.waits(task)
      }
      for (const task of worker.assigned) task.isAhead = false
      return Effect.void
    })
    return Effect.uninterruptible(next)
  }

  /** It is in the backlog again, unless nobody wants it any more. */
  private waits(task: Task): void {
    // It was refused while it was on its way.
    if (task.isOver) return
    task.slot = undefined
    task.sent = false
    if (!task.isCancelled) return this.dispatcher.backlog.add(task)
    task.deliver(Cause.interrupt())
    this.settled()
  }

  /** The task need not go on. Returns when it does not. */
  cancel(task: Task): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (task.isOver) return Effect.void
      task.isCancelled = true
      const worker = task.slot as Worker | undefined
      if (this.dispatcher.backlog.delete(task) || worker === undefined || worker.pinned.delete(task)) {
        task.deliver(Cause.interrupt())
        this.settled()
        return this.flush
      }
      // What can't be taken back, the worker has begun, or will before it hears of the interruption.
      return Effect.flatMap(
        this.takeBack(worker),
        // What was taken back from the worker besides has another place.
        () => task.slot === worker ? this.interruptTask(worker, task) : Effect.andThen(this.flush, this.cancel(task))
      )
    })
  }

  /** The same for several. None of those that wait is sent to a worker again when another one is taken back or ends. */
  cancelAll(tasks: ReadonlyArray<Task>): Effect.Effect<void> {
    return Effect.suspend(() => {
      for (const task of tasks) task.isCancelled = true
      return Effect.forEach(tasks, (task) => this.cancel(task), { concurrency: "unbounded", discard: true })
    })
  }

  private interruptTask(worker: Worker, task: Task): Effect.Effect<void> {
    return worker.process.interruptTask(task.id).pipe(
      Effect.andThen(this.flush),
      Effect.andThen(this.within(task.over)),
      Effect.andThen(Effect.suspend(() => this.isStuck(worker, task) ? this.end(worker, task) : Effect.void)),
      Effect.andThen(task.over)
    )
  }

  private isStuck(worker: Worker, task: Task): boolean {
    return !task.isOver && task.slot === worker
  }

  /** Ends a worker with a task that does not let itself be interrupted. It gets no other one that would suffer. */
  private end(worker: Worker, task: Task): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (worker.state === "ready") worker.state = "retiring"
      return this.takeBack(worker).pipe(
        Effect.andThen(Effect.suspend(() =>
          this.isStuck(worker, task)
            ? worker.process.kill
            : worker.assigned.length === 0
            ? this.dismiss(worker)
            : Effect.void
        )),
        Effect.andThen(this.flush)
      )
    })
  }

  /** Waits for something, but not longer than the grace period. */
  private within(effect: Effect.Effect<unknown>): Effect.Effect<void> {
    return Effect.raceFirst(
      Effect.asVoid(effect),
      Effect.provideContext(Effect.sleep(this.settings.gracePeriod), this.context)
    )
  }

  /** A task is over. */
  private settled(): void {
    if (this.whenIdle.size === 0 || !this.isIdle) return
    for (const tell of this.whenIdle) tell()
    this.whenIdle.clear()
  }

  private count(what: keyof PoolImpl["counts"]): void {
    this.counts[what]++
    this.metrics[what]()
  }

  // ---------------------------------------------------------------------------------------------- workers

  private readonly startWorker: Effect.Effect<void> = Effect.suspend(() => {
    const name = `${this.name}-Worker-${++this.nextWorker}`
    const process = new WorkerProcess(name, this.context)
    const worker = new Worker(process, this.clock)
    worker.removeMetrics = Metrics.ofWorker(this.name, name, this.context as Context.Context<never>, {
      utilization: () => worker.utilization,
      memory: this.settings.watchMemory ? () => worker.memory ?? 0 : undefined
    })
    this.dispatcher.slots.add(worker)
    const run = process.run(this.settings, {
      frame: (bytes) => this.onFrame(worker, bytes),
      layerEnds: (exit) => this.close(Exit.isSuccess(exit) ? "drain" : "interrupt"),
      silence: () => {
        worker.state = "retiring"
      },
      gone: (exit) => this.onGone(worker, exit)
    })
    return Effect.asVoid(Effect.forkIn(run, this.scope))
  })

  private onFrame(worker: Worker, bytes: Uint8Array): Effect.Effect<void> {
    const frame = Frames.parse(bytes)
    if (frame.kind === Frames.Kind.Ready) {
      if (worker.state === "starting") worker.state = "ready"
      this.startFailures = 0
      worker.readyAt = worker.idleSince = this.now
      Deferred.doneUnsafe(worker.process.ready, Effect.void)
      // It imports them before its first task.
      const load = Effect.forEach(this.targets.values(), (target) => worker.process.load(target), { discard: true })
      return Effect.andThen(load, this.flush)
    }
    if (frame.kind === Frames.Kind.Memory) return this.onMemory(worker, frame.number * 1024)
    const task = this.dispatcher.finished(worker, frame.number)
    if (task === undefined) return Effect.void
    const now = this.now
    const isSuccess = frame.kind === Frames.Kind.Success
    this.count(isSuccess ? "completed" : "failed")
    worker.busy += now - Math.max(task.startedAt, worker.idleSince)
    worker.idleSince = now
    this.metrics.finished(task.startedAt - task.submittedAt, now - task.startedAt)
    // Whoever waits for the task may look at the pool at once.
    this.settled()
    task.deliver(frame)
    if (this.dispatcher.isWornOut(worker)) return this.retire(worker)
    if (worker.state === "retiring" && worker.assigned.length === 0) {
      return Effect.andThen(this.dismiss(worker), this.flush)
    }
    return this.dispatcher.isSupplied(worker) && this.admissions.size === 0 ? Effect.void : this.flush
  }

  /** The worker runs what it has begun, and then ends. Another one takes its place. */
  retire(worker: Worker): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (worker.state !== "ready") return Effect.void
      worker.state = "retiring"
      this.count("recycled")
      return Effect.flatMap(
        this.takeBack(worker),
        () => Effect.andThen(worker.assigned.length === 0 ? this.dismiss(worker) : Effect.void, this.flush)
      )
    })
  }

  /** It has nothing left to do: its pipe of tasks ends. If it does not, it is stopped. */
  private dismiss(worker: Worker): Effect.Effect<void> {
    for (const task of worker.pinned.clear()) task.deliver(Cause.fail(this.lost(task, worker, { reason: "Recycled" })))
    return Effect.andThen(
      worker.process.endTasks,
      Effect.forkIn(
        Effect.andThen(
          this.within(Deferred.await(worker.process.ended)),
          Effect.suspend(() => worker.state === "gone" ? Effect.void : this.stopWorker(worker))
        ),
        this.scope
      )
    )
  }

  /** Interrupts it, and kills it when the grace period is over. */
  private stopWorker(worker: Worker): Effect.Effect<void> {
    return worker.process.interrupt.pipe(
      Effect.andThen(this.within(Deferred.await(worker.process.ended))),
      Effect.andThen(Effect.suspend(() => worker.state === "gone" ? Effect.void : worker.process.kill))
    )
  }

  private onMemory(worker: Worker, bytes: number): Effect.Effect<void> {
    const { maxMemory, onMaxMemory } = this.settings
    worker.memory = bytes
    if (maxMemory === undefined || bytes <= maxMemory) return Effect.void
    if (onMaxMemory === "finish") return worker.state === "ready" ? this.retire(worker) : Effect.void
    if (worker.recycled || worker.state === "gone") return Effect.void
    worker.recycled = true
    return worker.assigned.length === 0 ? this.retire(worker) : worker.process.kill
  }

  /** Nothing else comes from the worker. */
  private onGone(worker: Worker, exit: Exit.Exit<void, unknown>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const { process, recycled } = worker
      worker.state = "retiring"
      yield* this.takeBack(worker)
      const { assigned, pinned } = this.dispatcher.gone(worker)
      worker.removeMetrics()
      if (Deferred.isDoneUnsafe(process.ready)) this.startFailures = 0
      else if (Exit.isFailure(exit)) this.onStartFailed(worker, exit.cause)
      const loss = diagnose(exit, { recycled, heapWasFull: process.heapWasFull() })
      for (const task of [...assigned, ...pinned]) {
        if (task.sent) {
          task.slot = undefined
          this.onLost(task, this.lost(task, worker, loss))
        } else if (assigned.includes(task)) this.waits(task)
        else task.deliver(Cause.fail(this.lost(task, worker, loss)))
      }
      if (this.failure !== undefined) {
        yield* Effect.forEach(this.workers, (worker) => this.takeBack(worker), { discard: true })
        this.refuseAll(this.failure)
      }
      this.settled()
      yield* this.flush
    })
  }

  private lost(task: Task, worker: Worker, loss: Loss): WorkerLost {
    const { name: target } = task.target.definition
    return new WorkerLost({ pool: this.name, worker: worker.process.name, target, ...loss })
  }

  private onLost(task: Task, error: WorkerLost): void {
    if (task.isOver) return
    if (task.isCancelled) {
      this.count("failed")
      return task.deliver(Cause.interrupt())
    }
    this.count("lost")
    task.losses++
    task.sent = false
    const hurry = this.hurry
    if (hurry !== undefined || task.options.retry === undefined) return task.deliver(hurry ?? Cause.fail(error))
    if (task.losses >= this.settings.maxLosses) {
      const { name: target } = task.target.definition
      return task.deliver(
        Cause.fail(new PoisonousTask({ pool: this.name, target, losses: task.losses, last: error }))
      )
    }
    this.retrying.add(task)
    Effect.runForkWith(this.context)(this.again(task, error))
  }

  /** Why not even tasks that were taken are run any more. */
  private get hurry(): Cause.Cause<unknown> | undefined {
    return this.mode === "drain" && this.failure === undefined ? undefined : this.refusal
  }

  /** Runs a task again that its worker did not survive, when its schedule says so. */
  private again(task: Task, error: WorkerLost): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      task.retryStep ??= yield* Schedule.toStep(task.options.retry!)
      const [, delay] = yield* task.retryStep(this.now, error)
      yield* Effect.sleep(delay)
      if (task.isOver) return
      if (!task.canBeSentAgain) yield* task.encode(this.local)
      const hurry = this.hurry
      if (hurry === undefined) this.dispatcher.backlog.add(task)
      else task.deliver(hurry)
    }).pipe(
      Effect.catchCause((cause) =>
        Effect.sync(() => task.deliver(Pull.isDoneCause(cause) ? Cause.fail(error) : cause))
      ),
      Effect.andThen(Effect.suspend(() => {
        this.retrying.delete(task)
        this.settled()
        return this.flush
      }))
    )
  }

  private onStartFailed({ process }: Worker, why: Cause.Cause<unknown>): void {
    const { cause, mayPass } = startFailure(this.name, process.name, why)
    process.failed(cause)
    if (this.mode === "interrupt" || this.mode === "kill" || this.failure !== undefined) return
    if (mayPass && ++this.startFailures < maxStartFailures) return
    const error = Cause.squash(cause)
    this.failure = error instanceof SpawnError
      ? Cause.fail(
        new WorkerLost({ pool: this.name, worker: process.name, target: "", reason: "StartFailed", cause: error })
      )
      : cause
  }

  /** No task will be run any more, and all that wait learn why. */
  private refuseAll(cause: Cause.Cause<unknown>): void {
    for (const task of [...this.dispatcher.backlog.clear(), ...this.retrying]) task.deliver(cause)
    for (const worker of this.dispatcher.slots) for (const task of worker.pinned.clear()) task.deliver(cause)
    this.admit()
  }

  // ---------------------------------------------------------------------------------------------- begin and end

  /** Starts the first workers; fails as the first of them that can't be started. */
  readonly open: Effect.Effect<void, unknown> = Effect.gen({ self: this }, function*() {
    yield* Scope.addFinalizer(this.scope, Effect.sync(() => this.metrics.remove()))
    for (const target of this.settings.preload) {
      this.target(StreamTarget.isStreamTarget(target) ? StreamTarget.definitionOf(target).target as Target.Any : target)
    }
    yield* Effect.uninterruptible(this.grow)
    yield* Effect.forEach(this.workers, (worker) => Deferred.await(worker.process.ready), {
      concurrency: "unbounded",
      discard: true
    })
    yield* Effect.forkIn(this.shrink, this.scope)
    yield* Effect.forkIn(this.watchMemory, this.scope)
  })

  /** Workers that had nothing to do for long go. */
  private get shrink(): Effect.Effect<void> {
    const { idleTimeToLive, minSize, size } = this.settings
    if (idleTimeToLive === undefined || minSize === size) return Effect.void
    const milliseconds = Duration.toMillis(idleTimeToLive)
    return Effect.sleep(Math.max(1, milliseconds / 4)).pipe(
      Effect.andThen(Effect.suspend(() => {
        const now = this.now
        const idle = this.workers.filter((worker) => worker.isIdle && now - worker.idleSince >= milliseconds)
        return Effect.forEach(this.dispatcher.spare(idle), (worker) => this.retire(worker), { discard: true })
      })),
      Effect.forever
    )
  }

  /** Also of a worker that is too busy to say so itself. */
  private get watchMemory(): Effect.Effect<void> {
    if (!this.settings.watchMemory) return Effect.void
    return Effect.sleep(memoryInterval).pipe(
      Effect.andThen(Effect.forEach(Array.from(this.workers), (worker) => {
        const { pid } = worker.process
        const bytes = pid === undefined || worker.state === "gone" ? undefined : memoryOf(pid)
        return bytes === undefined ? Effect.void : this.onMemory(worker, bytes)
      }, { discard: true })),
      Effect.forever
    )
  }

  private readonly idle: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.isIdle) return resume(Effect.void)
    const tell = () => resume(Effect.void)
    this.whenIdle.add(tell)
    return Effect.sync(() => this.whenIdle.delete(tell))
  })

  /** Takes no more tasks, ends those that are left as `mode` says, then all workers. A stronger one overtakes a weaker one. */
  close(mode: Mode): Effect.Effect<void> {
    return Effect.suspend(() => {
      const closed = this.closing ??= Deferred.makeUnsafe<void>()
      const before = this.mode
      if (before !== undefined && strength[before] >= strength[mode]) return Deferred.await(closed)
      this.mode = mode
      this.dispatcher.close()
      this.admit()
      const end = Effect.andThen(
        mode === "drain" ? this.drain : this.stop(mode),
        // Somebody was in a greater hurry meanwhile, and tells.
        Effect.sync(() => this.mode === mode && Deferred.doneUnsafe(closed, Effect.void))
      )
      // It goes on when whoever asked for it waits no more.
      Effect.runForkWith(this.context)(end)
      return Deferred.await(closed)
    })
  }

  private readonly drain: Effect.Effect<void> = Effect.suspend(() =>
    Effect.andThen(
      this.idle,
      Effect.suspend(() =>
        this.mode === "drain"
          ? Effect.forEach(this.workers, (worker) => {
            const begin = worker.state === "ready" ? Effect.sync(() => void (worker.state = "retiring")) : Effect.void
            return begin.pipe(
              Effect.andThen(worker.state === "starting" ? this.stopWorker(worker) : this.dismiss(worker)),
              Effect.andThen(Deferred.await(worker.process.ended))
            )
          }, { concurrency: "unbounded", discard: true })
          : Effect.void
      )
    )
  )

  private stop(mode: "interrupt" | "kill"): Effect.Effect<void> {
    const refusal = Cause.fail(new PoolClosed({ pool: this.name }))
    this.refuseAll(refusal)
    return Effect.forEach(this.workers, (worker) => {
      for (const task of worker.assigned) task.deliver(refusal)
      return Effect.andThen(
        mode === "interrupt" ? this.stopWorker(worker) : worker.process.kill,
        Deferred.await(worker.process.ended)
      )
    }, { concurrency: "unbounded", discard: true }).pipe(
      Effect.andThen(Effect.sync(() => this.settled()))
    )
  }
}
