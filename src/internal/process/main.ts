/**
 * A target's life in its child process: from the boot message over the control channel to the exit.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { Socket } from "node:net"
import { CurrentProcess, makeCurrentProcess } from "../../CurrentProcess.ts"
import * as Hub from "../../Hub.ts"
import * as Inheritable from "../../Inheritable.ts"
import * as Spawner from "../../Spawner.ts"
import type { Definition } from "../../Target.ts"
import * as Codec from "../codec.ts"
import { CurrentTransit } from "../transit.ts"
import { FrameDecoder } from "../transport/frames.ts"
import * as Control from "./control.ts"
import { Identity } from "./identity.ts"
import * as Outcome from "./outcome.ts"
import { Importing } from "./registry.ts"

/** How long finalizers may take once the parent is dead. The parent's guard kills at the same time. */
const orphanDeadline = 600

type Boot = Schema.Schema.Type<typeof Control.Boot>

/** Runs the target, and ends this process. */
export const run = (definition: Definition, descriptor: number): void => {
  const channel = new Socket({ fd: descriptor, readable: true, writable: true })
  const parentEnded = Deferred.makeUnsafe<void>()
  let fiber: Fiber.Fiber<unknown, unknown> | undefined
  let interrupted = false
  let terminated = false
  let defect: Option.Option<unknown> = Option.none()

  const interrupt = () => {
    interrupted = true
    fiber?.interruptUnsafe()
  }

  const exit = (code: number) => {
    if (!terminated) process.exit(code)
    // Ends by the signal that asked for it, now that the finalizers have run.
    process.removeAllListeners("SIGTERM")
    process.kill(process.pid, "SIGTERM")
  }

  const finish = (outcome: Exit.Exit<unknown, unknown>) =>
    Effect.runFork(report(definition, outcome)).addObserver((encoded) => {
      const code = Exit.isSuccess(outcome) && Exit.isSuccess(encoded) ? 0 : 1
      if (Exit.isFailure(encoded)) return exit(code)
      channel.write(Control.frame(Control.Kind.Ended, encoded.value), () => exit(code))
    })

  const boot = (boot: Boot) => {
    fiber = Effect.runFork(
      program(definition, boot, Deferred.await(parentEnded), () => Deferred.isDoneUnsafe(parentEnded))
    )
    fiber.addObserver((outcome) => finish(Option.isSome(defect) ? Exit.die(defect.value) : outcome))
    if (interrupted) fiber.interruptUnsafe()
  }

  // What escapes from a callback is a defect of the target, like what escapes from its effect.
  process.on("uncaughtException", (error) => {
    if (Option.isNone(defect)) defect = Option.some(error)
    if (fiber === undefined) finish(Exit.die(error))
    interrupt()
  })
  process.on("SIGTERM", () => {
    terminated = true
    interrupt()
    if (fiber === undefined) exit(0)
  })
  const onParentEnded = () => {
    if (Deferred.isDoneUnsafe(parentEnded)) return
    Deferred.doneUnsafe(parentEnded, Effect.void)
    interrupt()
    if (fiber === undefined) process.exit(1)
    setTimeout(() => process.exit(1), orphanDeadline).unref()
  }

  const decoder = new FrameDecoder()
  channel.on("error", () => {})
  channel.on("close", onParentEnded)
  channel.on("data", (chunk) => {
    decoder.feed(chunk, (frame) => {
      if (frame[0] === Control.Kind.Interrupt) return interrupt()
      const decoded = Effect.runSyncExit(Codec.decode(Control.Boot, frame.subarray(1), definition.name, "boot"))
      if (Exit.isSuccess(decoded)) boot(decoded.value)
      else finish(decoded)
    })
  })
}

/** The exit as bytes; an exit that does not fit its schemas becomes a defect that says so. */
const report = (definition: Definition, outcome: Exit.Exit<unknown, unknown>) =>
  Outcome.encode(definition, outcome).pipe(
    Effect.catch((error) =>
      Outcome.encode(
        definition,
        Exit.die(
          new Error(
            `target "${definition.name}": its ${Exit.isSuccess(outcome) ? "success" : "failure"} ` +
              `does not fit its schema: ${Codec.oneLine(error.message)}` +
              (Exit.isFailure(outcome) ? `\n${Cause.pretty(outcome.cause)}` : "")
          )
        )
      )
    ),
    Effect.map((bytes) => bytes.slice()),
    Effect.provide(Hub.layer)
  )

const program = (
  definition: Definition,
  boot: Boot,
  parentEnded: Effect.Effect<void>,
  hasParentEnded: () => boolean
): Effect.Effect<unknown, unknown> => {
  const current = makeCurrentProcess({
    name: boot.name,
    pid: process.pid,
    daemon: boot.daemon,
    authkey: Redacted.make(boot.authkey, { label: "authkey" }),
    parent: Option.some({
      name: boot.parent.name,
      pid: boot.parent.pid,
      isAlive: Effect.sync(() => !hasParentEnded()),
      join: parentEnded
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
    let inherited: Context.Context<never> = Context.empty()
    for (const [i, service] of definition.inherits.entries()) {
      const shape = yield* Effect.orDie(service[Inheritable.TypeId].receive(boot.inherited[i]!))
      inherited = Context.add(inherited, service, shape)
    }
    const hub = yield* Hub.Hub
    const payload = yield* Codec.make(definition.payload, definition.name, hub).decode(boot.payload, "payload").pipe(
      Effect.provideService(CurrentTransit, { scope, attachments: undefined }),
      Effect.orDie
    )
    return yield* Effect.provideContext(definition.run(payload), inherited) as Effect.Effect<
      unknown,
      unknown,
      Hub.Hub | Spawner.Spawner | Scope.Scope
    >
  })
  return target.pipe(
    Effect.scoped,
    boot.span === undefined ? (effect) => effect : Effect.withParentSpan(Tracer.externalSpan(boot.span)),
    Effect.provide(Layer.mergeAll(Hub.layer, Spawner.layer)),
    Effect.provideContext(references)
  )
}
