/**
 * Keeps idle Node processes that have imported what targets need, and turns one into the process that is asked for.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Request, Spawned, SpawnerService, StartFailure } from "../../Spawner.ts"
import * as Control from "./control.ts"
import { launch, type NodeProcess, spawn, spawned, usual } from "./freshProcess.ts"
import type { Guard } from "./guard.ts"
import { runtimeModule } from "./ownFiles.ts"
import type { Imports } from "./quickImports.ts"
import { Reserve } from "./reserve.ts"

/** When another spare is started after one was used: what was asked for comes first, and a start costs this process milliseconds. */
const refillDelay = 20

/** How long a spare may take to answer. One that does not is stuck in what it has imported. */
const answerDeadline = 1000

/** A spare that has lived that long is none of those that end because of what they import. */
const longLife = 10_000

/** How long the last of the spares may take to end by themselves. */
const endDeadline = 500

export interface Options {
  readonly spares: number
  readonly preload: ReadonlyArray<string>
  readonly imports: () => Imports
}

interface Spare extends NodeProcess {
  readonly since: number
  /** Its end is none of the business of the reserve any more. */
  used: boolean
}

/** An idle process is no reason for this one to live. */
const hold = ({ channel, child }: NodeProcess, held: boolean): void => {
  if (held) {
    child.ref()
    channel.ref()
  } else {
    child.unref()
    channel.unref()
  }
}

/** Waits for an effect in real time; `undefined` if it takes too long. */
const inTime = <A>(effect: Effect.Effect<A>, milliseconds: number): Effect.Effect<A | undefined> =>
  Effect.callback<A | undefined>((resume) => {
    const timer = setTimeout(() => resume(Effect.undefined), milliseconds)
    Effect.runFork(effect).addObserver((exit) => {
      clearTimeout(timer)
      resume(exit)
    })
  })

/** Makes the one operation of a spawner; the spares end with the scope. */
export const make = Effect.fnUntraced(function*(
  guard: Guard,
  options: Options
): Effect.fn.Return<SpawnerService["spawn"], never, Scope.Scope> {
  const runFork = Effect.runForkWith(yield* Effect.context<never>())
  const reserve = new Reserve<Spare>(options.spares)
  const preload = runtimeModule === undefined ? options.preload : [runtimeModule, ...options.preload]
  const fresh = spawn(guard, options.imports)
  /** Taken, and not yet in use. */
  const asked = new Set<Spare>()
  let refilling: NodeJS.Timeout | undefined

  const giveUp = (why: string, cause: unknown) =>
    Effect.logWarning(`No process is kept ready any more: ${why}. Processes are started fresh.`, cause)

  const watch = (spare: Spare) =>
    Effect.matchEffect(spare.life.ready, {
      onFailure: ({ cause, reason }) =>
        reason !== "EndedEarly" && reserve.giveUp()
          ? giveUp("a module that should be imported beforehand failed", cause)
          : Effect.void,
      onSuccess: () =>
        Effect.andThen(
          Effect.sync(() => {
            reserve.ready(spare)
            spare.channel.write(Control.frame(Control.Kind.Rehearse))
          }),
          Effect.logDebug(`spare ${spare.pid} is ready`)
        )
    }).pipe(
      Effect.andThen(spare.life.ended),
      Effect.andThen(({ exitCode }) => {
        if (spare.used) return Effect.void
        const tooMany = reserve.gone(spare, performance.now() - spare.since > longLife)
        refillLater()
        return tooMany ? giveUp("one after the other ended while it waited", `exit code ${exitCode}`) : Effect.void
      })
    )
  const launchSpare = Effect.suspend(() =>
    launch(guard, usual, { module: "", target: "", preload, imports: options.imports() })
  )
  const start = launchSpare.pipe(
    Effect.matchEffect({
      onFailure: ({ cause }) => reserve.giveUp() ? giveUp("the interpreter could not be started", cause) : Effect.void,
      onSuccess: (process) =>
        Effect.sync(() => {
          const spare: Spare = { ...process, since: performance.now(), used: false }
          hold(spare, false)
          reserve.started(spare)
          runFork(watch(spare))
        })
    })
  )
  const refill = Effect.suspend(() => Effect.replicateEffect(start, reserve.missing, { discard: true }))
  const refillLater = () => {
    if (refilling !== undefined || reserve.missing === 0) return
    refilling = setTimeout(() => {
      refilling = undefined
      runFork(refill)
    }, refillDelay).unref()
  }

  const discard = (spare: Spare) =>
    Effect.suspend(() => {
      spare.child.kill("SIGKILL")
      return spare.life.ended
    })
  const end = (spare: Spare) =>
    Effect.suspend(() => {
      hold(spare, true)
      spare.channel.end()
      return inTime(spare.life.ended, endDeadline)
    }).pipe(
      Effect.andThen((ended) => ended === undefined ? Effect.asVoid(discard(spare)) : Effect.void)
    )
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      clearTimeout(refilling)
      return Effect.forEach([...reserve.close(), ...asked], end, { concurrency: "unbounded", discard: true })
    })
  )
  yield* refill

  /** `undefined` if the spare has ended, or does not answer: it has begun nothing that another one may not begin. */
  const become = (spare: Spare, { boot, module, target }: Request) =>
    Effect.gen(function*() {
      asked.add(spare)
      hold(spare, true)
      const isReady = yield* Effect.interruptible(Effect.isSuccess(spare.life.ready))
      const write = (kind: number, body: Uint8Array) => {
        if (isReady) spare.channel.write(Control.frame(kind, body))
      }
      const say = Effect.sync(() => write(Control.Kind.Become, Buffer.from(JSON.stringify([module, target]))))
      // It wakes up meanwhile. But no module is imported for a process that may never be.
      const body = yield* preload.includes(module) ? Effect.andThen(say, boot) : Effect.tap(boot, () => say)
      const isAlive = isReady && spare.channel.writable
      write(Control.Kind.Boot, body)
      const answered = isAlive && (yield* inTime(spare.life.becoming, answerDeadline)) === true
      if (!answered) yield* discard(spare)
      // It answers before it begins. Whether one that had to be ended has answered nevertheless is known when it has ended.
      const began = answered || isAlive && (yield* spare.life.becoming)
      if (began) {
        spare.used = true
        reserve.used()
      }
      return { body, spawned: began ? spawned(spare) : undefined }
    }).pipe(
      Effect.onError(() => {
        // That is no fault of the spare.
        spare.used = true
        return discard(spare)
      }),
      Effect.ensuring(Effect.sync(() => {
        asked.delete(spare)
        refillLater()
      }))
    )
  const isUsual = (request: Request) =>
    request.stdin === usual.stdin && request.stdout === usual.stdout && request.stderr === usual.stderr &&
    request.maxHeap === usual.maxHeap

  return (request) =>
    Effect.suspend((): Effect.Effect<Spawned, StartFailure> => {
      const spare = isUsual(request) ? reserve.take() : undefined
      if (spare === undefined) return fresh(request)
      return Effect.flatMap(
        become(spare, request),
        ({ body, spawned }) =>
          spawned === undefined ? fresh({ ...request, boot: Effect.succeed(body) }) : Effect.succeed(spawned)
      )
    }).pipe(Effect.uninterruptible)
})
