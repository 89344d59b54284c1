/**
 * The process of one worker, as its pool sees it: its start, its pipes, its end. Which tasks it gets is not its business.
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Closed, HubLost, InvalidState, SpawnError } from "../../Failure.ts"
import { Hub } from "../../Hub.ts"
import * as Inheritable from "../../Inheritable.ts"
import * as Process from "../../Process.ts"
import { Spawner } from "../../Spawner.ts"
import * as Codec from "../codec.ts"
import { ConnectionImpl } from "../connection.ts"
import { CurrentTransit } from "../transit.ts"
import type { WorkerTarget } from "./definition.ts"
import * as Frames from "./frames.ts"
import * as HeapReport from "./heapReport.ts"
import { oneByOne } from "./oneByOne.ts"
import type { TaskTarget } from "./task.ts"

/** What waits in a pipe is bounded by what the pool sends ahead, and not by the pipe. */
const pipeBytes = 1 << 30

const owned = { isOwned: true }

const bytesEnd = { send: Schema.Uint8Array, receive: Schema.Uint8Array }

/** How a worker is started. */
export interface WorkerSettings {
  readonly worker: WorkerTarget
  readonly output: "inherit" | "tagged" | "ignore"
  readonly maxHeap: number | undefined
  readonly watchMemory: boolean
}

export class WorkerProcess {
  readonly name: string
  /** Its layer is built; or it will never be, and why. */
  readonly ready = Deferred.makeUnsafe<void, unknown>()
  readonly ended = Deferred.makeUnsafe<void>()
  pid: number | undefined
  private readonly context: Context.Context<Hub | Spawner>
  private readonly scope = Scope.makeUnsafe()
  private readonly heapReport: string
  private process: Process.Process<void, unknown> | undefined
  /** Where its tasks go in, and where they can be taken back. */
  private tasks: { readonly sink: ConnectionImpl; readonly source: ConnectionImpl } | undefined
  private control: ConnectionImpl | undefined
  private readonly loaded = new Set<number>()

  constructor(name: string, context: Context.Context<Hub | Spawner>) {
    this.name = name
    this.context = context
    // Others have no process of their own that could leave one.
    this.heapReport = Context.get(context, Spawner).ownProcesses ? HeapReport.fileFor(name) : ""
  }

  /** From its start to its end: `onGone` learns how it ended when nothing else comes from it, and before its pipes are closed. */
  run(settings: WorkerSettings, on: {
    readonly frame: (bytes: Uint8Array) => Effect.Effect<void>
    readonly layerEnds: (exit: Exit.Exit<unknown, unknown>) => Effect.Effect<void>
    readonly silence: () => void
    readonly gone: (exit: Exit.Exit<void, unknown>) => Effect.Effect<void>
  }): Effect.Effect<void> {
    const live = Effect.gen({ self: this }, function*() {
      const [tasks, control, itsControl] = yield* this.pipes
      this.tasks = tasks
      this.control = control
      const stdio = settings.output === "tagged" ? "pipe" : settings.output
      const process = yield* Process.make(settings.worker, {
        tasks: tasks.source,
        control: itsControl,
        heapReport: this.heapReport,
        watchMemory: settings.watchMemory
      } as any, {
        name: this.name,
        // It may have children and pools of its own. The pool ends it.
        daemon: false,
        gracePeriod: 0,
        stdout: stdio,
        stderr: stdio,
        ...(settings.maxHeap === undefined ? {} : { maxHeap: settings.maxHeap })
      })
      yield* process.start
      this.process = process
      this.pid = Option.getOrUndefined(yield* process.pid)
      // A layer that ends before the pool's scope must not wait for a worker that waits for tasks.
      const { children } = Context.get(this.context, Spawner)
      if (children.has(process)) children.set(process, on.layerEnds)
      if (settings.output === "tagged") yield* tagOutput(this.name, process)
      yield* itsControl.close
      yield* Effect.catchTags(Effect.forever(oneByOne(control, on.frame), { disableYield: true }), {
        EndOfFile: () => Effect.void,
        Closed: () => Effect.void
      })
      on.silence()
      return yield* Effect.exit(process.join())
    }) as Effect.Effect<
      Exit.Exit<void, unknown>,
      SpawnError | InvalidState | Closed | HubLost,
      Hub | Spawner | Scope.Scope
    >
    return Effect.uninterruptibleMask((restore) =>
      Effect.exit(restore(Scope.provide(live, this.scope))).pipe(
        Effect.flatMap((exit) => on.gone(Exit.isSuccess(exit) ? exit.value : exit)),
        Effect.ensuring(Scope.close(this.scope, Exit.interrupt())),
        Effect.ensuring(Effect.sync(() => Deferred.doneUnsafe(this.ended, Effect.void)))
      )
    ).pipe(Effect.provideContext(this.context))
  }

  /** A pipe for tasks, of which the pool holds both ends, and one for all else. */
  private get pipes() {
    return Effect.gen({ self: this }, function*() {
      const hub = Context.get(this.context, Hub)
      const end = (reference: ConnectionImpl["reference"]) => new ConnectionImpl(reference, bytesEnd, hub)
      const make = (name: string, duplex: boolean) =>
        hub.create([`${this.name} ${name}`, `${this.name} ${name}`], { kind: "pipe", duplex, maxBytes: pipeBytes })
      const [source, sink] = yield* make("tasks", false)
      const [mine, its] = yield* make("control", true)
      return [{ source: end(source!), sink: end(sink!) }, end(mine!), end(its!)] as const
    })
  }

  /** It has its pipes: what is sent is kept until it can read it. */
  get isOpen(): boolean {
    return this.tasks !== undefined
  }

  /** Gives it a task; mostly in this very step. */
  send(frame: Uint8Array): Effect.Effect<void> {
    const { sink } = this.tasks!
    // Where the worker is a fiber of this process it would have these very bytes, which may be needed again.
    const sent = Context.get(this.context, Spawner).local ? undefined : sink.reference.putNow(frame, owned)
    if (sent === undefined) return Effect.ignore(sink.sendBytes(frame))
    return Codec.isDone(sent) ? sent : Effect.ignore(sent)
  }

  /** The number of a task that it has not begun, and will not get any more; none if there is no such task. */
  readonly takeBack: Effect.Effect<number | undefined> = Effect.suspend(() =>
    this.tasks === undefined ? Effect.void : Effect.match(this.tasks.source.takeBytes, {
      onSuccess: (bytes) => bytes === undefined ? undefined : Frames.taskId(bytes),
      onFailure: () => undefined
    })
  ) as Effect.Effect<number | undefined>

  /** There will be no more tasks: it ends. */
  readonly endTasks: Effect.Effect<void> = Effect.suspend(() =>
    this.tasks === undefined ? Effect.void : this.tasks.sink.close
  )

  /** Tells it where to find a target, and hands over what that inherits; once. */
  load({ definition, number }: TaskTarget): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.loaded.has(number)) return Effect.void
      this.loaded.add(number)
      const { inherits, module, name } = definition
      const inherited = Inheritable.handOverAll(inherits, this.context as Context.Context<never>).pipe(
        Scope.provide(this.scope),
        Effect.provideService(CurrentTransit, { scope: this.scope, local: Context.get(this.context, Spawner).local })
      )
      return Effect.match(inherited, {
        onSuccess: (inherited) => Frames.load(number, { module, name, inherited }),
        onFailure: (error) => Frames.cantLoad(number, error)
      }).pipe(Effect.flatMap((frame) => this.tell(frame)))
    })
  }

  isLoaded({ number }: TaskTarget): boolean {
    return this.loaded.has(number)
  }

  /** The task need not go on. */
  interruptTask(id: number): Effect.Effect<void> {
    return Effect.suspend(() => this.tell(Frames.frame(Frames.Kind.Interrupt, id)))
  }

  private tell(frame: Frames.Frame): Effect.Effect<void> {
    return this.control === undefined ? Effect.void : Effect.ignore(this.control.sendBytes(Frames.toBytes(frame)))
  }

  /** Interrupts what it does, so that its finalizers run and it ends. */
  readonly interrupt: Effect.Effect<void> = Effect.suspend(() =>
    this.process === undefined ? this.kill : Effect.ignore(this.process.interrupt)
  )

  /** Ends it now. */
  readonly kill: Effect.Effect<void> = Effect.suspend(() => {
    // Of one that is being started, and of a thread, which has no signals, the scope is the end.
    const close = Scope.close(this.scope, Exit.interrupt())
    if (this.process === undefined) return close
    return Effect.catchTags(this.process.kill, {
      Unsupported: () => close,
      InvalidState: () => Effect.void,
      Closed: () => Effect.void
    })
  })

  /** After its end, and once: was its heap full? */
  heapWasFull(): boolean {
    return this.heapReport !== "" && HeapReport.wasFull(this.heapReport)
  }

  /** It will never be ready. */
  failed(cause: Cause.Cause<unknown>): void {
    Deferred.doneUnsafe(this.ready, Effect.failCause(cause))
  }
}

/** Prints what the worker prints, with its name before each line. */
const tagOutput = (name: string, worker: Process.Any): Effect.Effect<void, never, Scope.Scope> =>
  Effect.forEach(["stdout", "stderr"] as const, (which) => {
    let rest = ""
    const decoder = new TextDecoder()
    const print = (text: string) => process[which].write(`[${name}] ${text}\n`)
    const onChunk = (chunk: Uint8Array) =>
      Effect.sync(() => {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n")
        rest = lines.pop()!
        for (const line of lines) print(line)
      })
    return Effect.forkScoped(
      Effect.ensuring(
        Effect.ignore(Stream.runForEach(worker[which], onChunk)),
        Effect.sync(() => rest !== "" && print(rest))
      )
    )
  }, { discard: true })
