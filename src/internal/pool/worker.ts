/**
 * A worker of a pool, in its process: builds its layer once, then runs one task after the other until nobody sends any.
 *
 * The rule that makes a death cost one task: a worker takes a task only when the answer to the one before has left its process. What it has
 * not taken is still the pool's.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type { BrokenPipe, Closed, EncodeError, EndOfFile, HubLost, InvalidArgument } from "../../Failure.ts"
import { Hub } from "../../Hub.ts"
import * as Inheritable from "../../Inheritable.ts"
import type { Definition } from "../../Target.ts"
import * as Codec from "../codec.ts"
import type { ConnectionImpl } from "../connection.ts"
import { encodeExit, misfit } from "../process/program.ts"
import { registry } from "../process/registry.ts"
import { CurrentTransit } from "../transit.ts"
import * as Frames from "./frames.ts"
import * as HeapReport from "./heapReport.ts"
import { oneByOne } from "./oneByOne.ts"
import * as TaskCodecs from "./taskCodecs.ts"

/** How often a worker says at most how much memory it has. */
const memoryInterval = 100

/** How many interruptions of other tasks than the current one are remembered. */
const maxEarly = 1024

/** How long, in milliseconds, the pool's process is not woken for values that are of no use yet, if there is more to do. */
const quietTime = 50

/** With less than that to do it is woken, so that more may come in time. */
const fewTasks = 4

/** What a worker needs to know. */
export interface Mission {
  readonly tasks: ConnectionImpl
  readonly control: ConnectionImpl
  /** Where it leaves a report if its heap is full. */
  readonly heapReport: string
  readonly watchMemory: boolean
}

/** A target that is ready to run. */
interface Loaded extends TaskCodecs.TaskCodecs {
  readonly context: Context.Context<never>
}

/** The task that runs. */
interface Current {
  readonly id: number
  interrupted: boolean
  fiber: Fiber.Fiber<Frames.Frame> | undefined
}

/** Ends without a failure when the pool has let go of this worker. */
const untilOver = <A, R>(
  effect: Effect.Effect<A, Closed | EndOfFile | HubLost | BrokenPipe | InvalidArgument, R>
): Effect.Effect<void, never, R> =>
  Effect.catch(
    Effect.asVoid(effect),
    (error) => error._tag === "HubLost" || error._tag === "InvalidArgument" ? Effect.die(error) : Effect.void
  )

const importModule = (module: string) =>
  Effect.tryPromise({
    try: () => import(module),
    catch: (error): Frames.NotLoaded => {
      const isMissing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND" &&
        "url" in error && error.url === module
      return Frames.notLoaded(isMissing ? "ModuleNotFound" : "ModuleFailed", error)
    }
  })

const find = Effect.fnUntraced(
  function*({ module, name }: Frames.Load): Effect.fn.Return<Definition, Frames.NotLoaded> {
    const defined = () => registry.targets.get(module) ?? []
    // Where a worker is a fiber of the process that defines the target, the module may be waiting for this very task.
    if (!defined().some((target) => target.name === name)) yield* importModule(module)
    const named = defined().filter((target) => target.name === name)
    if (named.length === 1) return named[0]!.definition as Definition
    const names = defined().map((target) => `"${target.name}"`).join(", ")
    return yield* Effect.fail(
      named.length > 1
        ? Frames.notLoaded("TargetAmbiguous", "")
        : Frames.notLoaded("TargetNotFound", names === "" ? "it defines no targets" : `it defines ${names}`)
    )
  }
)

const makeLoad = (hub: Hub["Service"], context: Context.Context<never>, scope: Scope.Scope) =>
  Effect.fnUntraced(function*(load: Frames.Load): Effect.fn.Return<Loaded, Frames.NotLoaded> {
    const definition = yield* find(load)
    const inherited = yield* Inheritable.receiveAll(definition.inherits, load.inherited).pipe(
      Effect.provideService(Hub, hub),
      Scope.provide(scope),
      Effect.mapError((error) => Frames.notLoaded("HandOverFailed", error))
    )
    return { ...TaskCodecs.make(definition, hub), context: Context.merge(context, inherited) }
  })

/** Builds the layer, then works until the pipe of tasks ends. */
export const serve = <E, R>(
  { control, heapReport, tasks, watchMemory }: Mission,
  layer: Layer.Layer<never, E, R>
): Effect.Effect<void, E, R | Hub | Scope.Scope> =>
  Effect.gen(function*() {
    HeapReport.prepare(heapReport)
    const scope = yield* Effect.scope
    const hub = yield* Hub
    const surroundings = yield* Effect.context<never>()
    const provided = yield* Layer.buildWithScope(layer, scope)
    const context = Context.merge(surroundings, provided)
    const load = makeLoad(hub, context, scope)

    const targets = new Map<number, Deferred.Deferred<Loaded, Frames.NotLoaded>>()
    const target = (number: number) => {
      let target = targets.get(number)
      if (target === undefined) targets.set(number, target = Deferred.makeUnsafe())
      return target
    }
    let current: Current | undefined
    /** Tasks that were interrupted before they were taken, or when they had just been answered. */
    const early = new Set<number>()

    /**
     * To wake the pool's process takes a time that is missing for the tasks, and so does what it does then. So it is not woken for each value that
     * nobody sees before others are there, but before this process waits for something, begins one of its last tasks, or one of others, and after
     * some time.
     */
    let announcedAt = 0
    let quietBatch = 0
    const announce = () => {
      if (!control.reference.owesBell) return
      control.reference.ring()
      announcedAt = performance.now()
    }

    /** The value of one payload: already there, or with a scope of its own that closes when it is over. */
    const runOne = ({ context, definition }: Loaded, payload: unknown): Effect.Effect<unknown, unknown> => {
      let run: Effect.Effect<unknown, unknown>
      try {
        run = definition.run(payload) as Effect.Effect<unknown, unknown>
      } catch (defect) {
        return Exit.die(defect)
      }
      return Exit.isExit(run) ? run : Effect.scoped(Effect.provideContext(run, context))
    }

    const decoded = <A>(bytes: Effect.Effect<A, { readonly message: string }>): Effect.Effect<A, never, Scope.Scope> =>
      Codec.isDone(bytes) ? bytes : Effect.flatMap(
        Effect.scope,
        (scope) => Effect.orDie(Effect.provideService(bytes, CurrentTransit, { scope }))
      )

    const failure = (
      { definition, outcome }: Loaded,
      id: number,
      exit: Exit.Exit<unknown, unknown>
    ): Effect.Effect<Frames.Frame> =>
      Effect.map(encodeExit(definition, outcome, exit), ({ bytes }) => Frames.frame(Frames.Kind.Failure, id, bytes))

    const success = (
      loaded: Loaded,
      id: number,
      encoded: Effect.Effect<Uint8Array, EncodeError>
    ): Effect.Effect<Frames.Frame> =>
      Effect.catchEager(
        Effect.mapEager(encoded, (bytes) => Frames.frame(Frames.Kind.Success, id, bytes)),
        ({ problem }) => failure(loaded, id, Exit.die(misfit(loaded.definition, Exit.void, problem)))
      )

    const runTask = (loaded: Loaded, id: number, bytes: Uint8Array): Effect.Effect<Frames.Frame> => {
      const payload = loaded.payload.decode(bytes, "run")
      const run = Codec.isDone(payload)
        ? runOne(loaded, payload.value)
        : Effect.scoped(Effect.flatMap(decoded(payload), (payload) => runOne(loaded, payload)))
      return Effect.matchCauseEffectEager(run, {
        onSuccess: (value) => success(loaded, id, loaded.success.encode(value, "run")),
        onFailure: (cause) => failure(loaded, id, Exit.failCause(cause))
      })
    }

    const runSeries = (loaded: Loaded, id: number, bytes: Uint8Array): Effect.Effect<Frames.Frame> => {
      const values: Array<unknown> = []
      const run = Effect.scoped(
        Effect.flatMap(decoded(loaded.payloads.decode(bytes, "run")), (payloads) => {
          let i = 0
          /** Goes on as long as nothing has to be waited for. */
          const next = (): Effect.Effect<void, unknown> => {
            while (i < payloads.length) {
              const one = runOne(loaded, payloads[i++])
              if (!Codec.isDone(one)) {
                return Effect.flatMap(one, (value) => {
                  values.push(value)
                  return next()
                })
              }
              values.push(one.value)
            }
            return Effect.void
          }
          return next()
        })
      )
      const encoded = loaded.successes
      return Effect.matchCauseEffect(run, {
        onSuccess: () => success(loaded, id, encoded.encode(values, "run")),
        onFailure: (cause) =>
          Effect.flatMap(
            encodeExit(loaded.definition, loaded.outcome, Exit.failCause(cause)),
            ({ bytes: exit }) =>
              Effect.match(encoded.encode(values, "run"), {
                onSuccess: (bytes) => Frames.failureAfter(id, bytes, exit),
                onFailure: () => Frames.frame(Frames.Kind.Failure, id, exit)
              })
          )
      })
    }

    /** The answer to a task: already there, if nothing has to be waited for. */
    const execute = (task: Frames.Task): Effect.Effect<Frames.Frame> => {
      const start = (loaded: Loaded) => {
        const run = task.isSeries
          ? runSeries(loaded, task.id, task.payload)
          : runTask(loaded, task.id, task.payload)
        return task.span === undefined || Exit.isExit(run)
          ? run
          : Effect.withParentSpan(run, Tracer.externalSpan(task.span))
      }
      const loading = target(task.target)
      return loading.effect !== undefined && Codec.isDone(loading.effect)
        ? start(loading.effect.value)
        : Effect.matchEffect(Deferred.await(loading), {
          onFailure: (why) => Effect.succeed(Frames.json(Frames.Kind.NotLoaded, task.id, why)),
          onSuccess: start
        })
    }

    /**
     * A task that waits for something has a fiber of its own, so that it can be interrupted, and so that what it has forked ends with it.
     */
    const perform = (
      task: Frames.Task,
      restore: <A>(effect: Effect.Effect<A>) => Effect.Effect<A>
    ): Effect.Effect<Frames.Frame> => {
      const interrupted = early.delete(task.id)
      const execution = execute(task)
      if (Codec.isDone(execution)) return execution
      const running: Current = current = { id: task.id, interrupted, fiber: undefined }
      return Effect.flatMap(Effect.forkChild(restore(execution), { startImmediately: true }), (fiber) => {
        running.fiber = fiber
        if (running.interrupted) fiber.interruptUnsafe()
        const answer = (exit: Exit.Exit<Frames.Frame>) => {
          current = undefined
          // Interrupted before it ran, or while its outcome was encoded.
          return Exit.isSuccess(exit) ? exit : Effect.succeed(Frames.frame(Frames.Kind.Failure, task.id))
        }
        const exit = fiber.pollUnsafe()
        if (exit !== undefined) return answer(exit)
        announce()
        return restore(Fiber.await(fiber)).pipe(
          Effect.onInterrupt(() => Fiber.interrupt(fiber)),
          Effect.flatMap(answer)
        )
      })
    }

    const tell = (frame: Frames.Frame) => control.sendBytes(Frames.toBytes(frame))

    let lastMemory = 0
    const reportMemory = Effect.suspend(() => {
      const now = performance.now()
      if (now - lastMemory < memoryInterval) return Effect.void
      lastMemory = now
      return tell(Frames.frame(Frames.Kind.Memory, process.memoryUsage.rss() / 1024))
    })

    const onControl = (bytes: Uint8Array): Effect.Effect<void> => {
      const { body, kind, number } = Frames.parse(bytes)
      if (kind === Frames.Kind.Load) {
        return Effect.asVoid(Effect.forkIn(Deferred.into(load(Frames.parseLoad(body)), target(number)), scope))
      }
      if (kind === Frames.Kind.CantLoad) {
        Deferred.doneUnsafe(target(number), Effect.fail(Frames.parseJson(body)))
      } else if (current?.id === number) {
        current.interrupted = true
        current.fiber?.interruptUnsafe()
      } else {
        early.add(number)
        if (early.size > maxEarly) early.delete(early.values().next().value!)
      }
      return Effect.void
    }

    yield* Effect.forkIn(
      untilOver(Effect.forever(oneByOne(control, onControl), { disableYield: true })),
      scope
    )
    yield* untilOver(tell(Frames.frame(Frames.Kind.Ready, 0)))
    const header = new Uint8Array(Frames.headerSize)
    const plainly = { head: header }
    const quietly = { head: header, quiet: true }
    const send = (
      answer: Frames.Frame,
      batch: number
    ): Effect.Effect<void, BrokenPipe | Closed | HubLost | InvalidArgument> => {
      Frames.writeHeader(answer, header)
      const isQuiet = batch !== 0 && answer.kind === Frames.Kind.Success
      const sent = control.reference.putNow(answer.body, isQuiet ? quietly : plainly)
      if (sent === undefined) return tell(answer)
      if (control.reference.owesBell && performance.now() - announcedAt >= quietTime) announce()
      return sent
    }
    // A task that was taken is answered.
    const work = Effect.uninterruptibleMask((restore) =>
      oneByOne(tasks, (bytes) => {
        const task = Frames.parseTask(bytes)
        const { batch } = task
        if (control.reference.owesBell && (batch !== quietBatch || tasks.reference.countNow < fewTasks)) announce()
        quietBatch = batch
        const answer = perform(task, restore)
        return Codec.isDone(answer) ? send(answer.value, batch) : Effect.flatMap(answer, (frame) => send(frame, batch))
      }, (receive) =>
        Effect.suspend(() => {
          announce()
          return restore(receive)
        }))
    )
    yield* untilOver(Effect.forever(watchMemory ? Effect.andThen(work, reportMemory) : work, { disableYield: true }))
  })
