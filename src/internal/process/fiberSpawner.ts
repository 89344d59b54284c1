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
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { Hub } from "../../Hub.ts"
import type { Request, Spawned, Spawner, SpawnerService, StartFailure } from "../../Spawner.ts"
import type { Definition } from "../../Target.ts"
import * as Codec from "../codec.ts"
import * as Control from "./control.ts"
import { signalNumber } from "./exitStatus.ts"
import * as Life from "./life.ts"
import { program, report } from "./program.ts"
import { registry } from "./registry.ts"

/** What all processes of a machine share. */
export const surroundings: Effect.Effect<Context.Context<never>> = Effect.gen(function*() {
  return Context.make(Clock.Clock, yield* Clock.Clock).pipe(
    Context.add(Console.Console, yield* Console.Console),
    Context.add(Logger.CurrentLoggers, yield* Logger.CurrentLoggers),
    Context.add(Tracer.Tracer, yield* Tracer.Tracer)
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
    const boot = yield* Effect.orDie(Codec.decode(Control.Boot, request.boot, definition.name, "boot"))
    const pid = options.nextPid()
    const life = Life.make()
    // What the death of a process ends at once: its hold on shared objects.
    const holders = yield* Scope.make()
    const hub = yield* Scope.provide(request.hub.fork, holders)
    let signal: "SIGTERM" | "SIGKILL" | undefined

    const end = (exitCode: number) =>
      Effect.andThen(
        Scope.close(holders, Exit.void),
        Effect.sync(() => life.end(signal === undefined ? exitCode : -signalNumber(signal)))
      )
    const run = program(definition, boot, {
      pid,
      parentEnded: Effect.never,
      hasParentEnded: () => false,
      layer: Layer.merge(Layer.succeed(Hub)(hub), options.spawner)
    })
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
          fiber.interruptUnsafe()
          return name === "SIGKILL" ? end(0) : Effect.void
        }),
      stdin: Option.none(),
      stdout: Option.none(),
      stderr: Option.none(),
      drain: Effect.void
    }
  }, Effect.uninterruptible)
