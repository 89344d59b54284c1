/**
 * What runs in a process, whatever the process is: the target with its inherited services, and its exit as bytes.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { CurrentProcess, makeCurrentProcess } from "../../CurrentProcess.ts"
import * as Hub from "../../Hub.ts"
import * as Inheritable from "../../Inheritable.ts"
import type * as Spawner from "../../Spawner.ts"
import type { Definition } from "../../Target.ts"
import * as Codec from "../codec.ts"
import { CurrentTransit } from "../transit.ts"
import type * as Control from "./control.ts"
import { Identity } from "./identity.ts"
import * as Outcome from "./outcome.ts"
import { Importing } from "./registry.ts"

/** What a process is to the target that runs in it. */
export interface Place {
  readonly pid: number
  readonly parentEnded: Effect.Effect<void>
  readonly hasParentEnded: () => boolean
  readonly layer: Layer.Layer<Hub.Hub | Spawner.Spawner>
}

/** How a target ended, ready to travel. */
export interface Report {
  readonly exitCode: 0 | 1
  readonly bytes: Uint8Array
}

/** The exit as bytes; an exit that does not fit its schemas becomes a defect that says so. */
export const report = (definition: Definition, outcome: Exit.Exit<unknown, unknown>): Effect.Effect<Report> => {
  return Effect.map(encodeExit(definition, Outcome.make(definition), outcome), ({ bytes, exit }) => ({
    exitCode: Exit.isSuccess(exit) ? 0 : 1,
    bytes
  }))
}

/** The exit that travels, and its bytes. */
export const encodeExit = (
  definition: Definition,
  codec: Outcome.Codec,
  outcome: Exit.Exit<unknown, unknown>
): Effect.Effect<{ readonly exit: Exit.Exit<unknown, unknown>; readonly bytes: Uint8Array }> => {
  const encode = (exit: Exit.Exit<unknown, unknown>) => Effect.map(codec.encode(exit), (bytes) => ({ exit, bytes }))
  return Effect.orDie(
    Effect.catch(encode(outcome), (problem) => encode(Exit.die(misfit(definition, outcome, problem))))
  )
}

/** What an exit becomes that does not fit its schemas. */
export const misfit = (
  { name }: Definition,
  outcome: Exit.Exit<unknown, unknown>,
  problem: string
): Error =>
  new Error(
    `target "${name}": its ${Exit.isSuccess(outcome) ? "success" : "failure"} ` +
      `does not fit its schema: ${problem}` +
      (Exit.isFailure(outcome) ? `\n${Cause.pretty(outcome.cause)}` : "")
  )

/** Runs an effect so that the fibers it has forked end with it, and not later than the services that they use. */
const inOwnFiber = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(restore(effect), { startImmediately: true })
      const exit = yield* Effect.exit(restore(Fiber.await(fiber)))
      if (Exit.isFailure(exit)) yield* Fiber.interrupt(fiber)
      return yield* yield* Fiber.await(fiber)
    })
  )

/** The target, from its boot message to its exit. */
export const program = (definition: Definition, boot: Control.Boot, place: Place): Effect.Effect<unknown, unknown> => {
  const current = makeCurrentProcess({
    name: boot.name,
    pid: place.pid,
    daemon: boot.daemon,
    authkey: Redacted.make(boot.authkey, { label: "authkey" }),
    parent: Option.some({
      name: boot.parent.name,
      pid: boot.parent.pid,
      isAlive: Effect.sync(() => !place.hasParentEnded()),
      join: place.parentEnded
    })
  })
  const references = Context.make(CurrentProcess, current).pipe(
    Context.add(Importing, false),
    Context.add(Identity, boot.identity),
    Context.add(References.MinimumLogLevel, boot.minimumLogLevel),
    Context.add(References.CurrentLogAnnotations, { ...JSON.parse(boot.logAnnotations), process: boot.name })
  )
  const target = Effect.gen(function*() {
    const scope = yield* Effect.scope
    const inherited = yield* Effect.orDie(Inheritable.receiveAll(definition.inherits, boot.inherited))
    const hub = yield* Hub.Hub
    const payload = yield* Codec.make(definition.payload, definition.name, hub).decode(boot.payload, "payload").pipe(
      Effect.provideService(CurrentTransit, { scope }),
      Effect.orDie
    )
    const run = Effect.provideContext(definition.run(payload), inherited) as Effect.Effect<
      unknown,
      unknown,
      Hub.Hub | Spawner.Spawner | Scope.Scope
    >
    return yield* inOwnFiber(run)
  })
  return target.pipe(
    Effect.scoped,
    boot.span === undefined ? (effect) => effect : Effect.withParentSpan(Tracer.externalSpan(boot.span)),
    Effect.provide(place.layer),
    Effect.provideContext(references)
  )
}
