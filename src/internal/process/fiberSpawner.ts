/**
 * Runs a target as a fiber of this process, with nothing but what a process of its own would have.
 */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { Hub } from "../../Hub.ts"
import type { Request, Spawned, Spawner, SpawnerService, StartFailure } from "../../Spawner.ts"
import type { Definition } from "../../Target.ts"
import * as Control from "./control.ts"
import { signalNumber } from "./exitStatus.ts"
import * as Life from "./life.ts"
import { program, report } from "./program.ts"
import { registry } from "./registry.ts"

/** How long finalizers may take once the parent is dead, as in a process. */
const orphanDeadline = 600

/** The life of a process, as its children see it. The main process outlives them all. */
const CurrentLife = Context.Reference<{ readonly ended: Effect.Effect<void>; readonly hasEnded: () => boolean }>(
  "effect-multiprocessing/CurrentLife",
  { defaultValue: () => ({ ended: Effect.never, hasEnded: () => false }) }
)

/** What all processes of a machine share, and the life of the one that starts others. */
export const surroundings: Effect.Effect<Context.Context<never>> = Effect.gen(function*() {
  return Context.make(Clock.Clock, yield* Clock.Clock).pipe(
    Context.add(Console.Console, yield* Console.Console),
    Context.add(Logger.CurrentLoggers, yield* Logger.CurrentLoggers),
    Context.add(Tracer.Tracer, yield* Tracer.Tracer),
    // Whoever moves a test clock waits until nobody has anything to do, in the processes too.
    Context.add(Scheduler.Scheduler, yield* Scheduler.Scheduler),
    Context.add(CurrentLife, yield* CurrentLife)
  )
})

const find = (request: Request): Effect.Effect<Definition, StartFailure> => {
  const named = (registry.targets.get(request.module) ?? []).filter(({ name }) => name === request.target)
  if (named.length === 1) return Effect.succeed(named[0]!.definition as Definition)
  return Effect.fail({
    reason: named.length === 0 ? "TargetNotFound" : "TargetAmbiguous",
    cause: new Error("it was looked up in this process")
  })
}

/** Makes the one operation of a spawner. */
export const spawn = (options: {
  readonly surroundings: Context.Context<never>
  readonly nextPid: () => number
  /** How the children of a child are started. */
  readonly spawner: Layer.Layer<Spawner>
}): SpawnerService["spawn"] =>
  Effect.fnUntraced(function*(request: Request): Effect.fn.Return<Spawned, StartFailure> {
    const definition = yield* find(request)
    const boot = Control.decodeBoot(yield* request.boot)
    const pid = options.nextPid()
    const life = Life.make()
    const parent = Context.get(options.surroundings, CurrentLife)
    // What the death of a process ends at once: its hold on shared objects.
    const holders = yield* Scope.make()
    const hub = yield* Scope.provide(request.hub.fork, holders)
    let signal: "SIGTERM" | "SIGKILL" | undefined
    let ended = false

    const end = (exitCode: number) =>
      Effect.andThen(
        Scope.close(holders, Exit.void),
        Effect.sync(() => {
          ended = true
          life.end(signal === undefined ? exitCode : -signalNumber(signal))
        })
      )
    const run = program(definition, boot, {
      pid,
      parentEnded: parent.ended,
      hasParentEnded: parent.hasEnded,
      layer: Layer.merge(Layer.succeed(Hub)(hub), options.spawner)
    }).pipe(
      Effect.provideService(CurrentLife, { ended: Effect.asVoid(life.ended), hasEnded: () => ended })
    )
    const fiber = Effect.runForkWith(options.surroundings)(
      Effect.uninterruptibleMask((restore) =>
        Effect.exit(restore(run)).pipe(
          Effect.flatMap((exit) => report(definition, exit)),
          Effect.flatMap(({ bytes, exitCode }) => {
            if (signal !== "SIGKILL") life.onFrame(Control.message(Control.Kind.Ended, bytes))
            return end(exitCode)
          })
        )
      )
    )
    const orphaned = parent.ended.pipe(
      Effect.andThen(Effect.sync(() => fiber.interruptUnsafe())),
      Effect.andThen(Effect.sleep(orphanDeadline)),
      Effect.andThen(end(1))
    )
    Effect.runForkWith(options.surroundings)(Effect.raceFirst(orphaned, Effect.asVoid(life.ended)))
    return {
      pid,
      imported: Effect.void,
      ended: life.ended,
      interrupt: Effect.sync(() => fiber.interruptUnsafe()),
      hasSignals: true,
      signal: (name) =>
        Effect.suspend(() => {
          if (fiber.pollUnsafe() !== undefined) return Effect.void
          signal = name
          const interrupt = Effect.sync(() => fiber.interruptUnsafe())
          // What its finalizers still try must not reach anybody.
          return name === "SIGKILL" ? Effect.andThen(end(0), interrupt) : interrupt
        }),
      stdin: Option.none(),
      stdout: Option.none(),
      stderr: Option.none(),
      drain: Effect.void
    }
  }, Effect.uninterruptible)
