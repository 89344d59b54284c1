/**
 * The ways to start processes, and what a suite has to know of each.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import * as Mp from "../../src/index.ts"

/** What some can do and others can't. */
export interface Abilities {
  /** `terminate` and `kill`. */
  readonly signals: boolean
  /** Variables, callbacks, standard streams and `process.exit` of its own. */
  readonly interpreter: boolean
  /** A number of its own at the operating system. */
  readonly ownPid: boolean
}

type Services = Mp.Hub.Hub | Mp.Spawner.Spawner

const turn = Effect.callback<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

/** Moves the time a step whenever everybody has had a turn: nobody has to wait for it. */
const passing = Layer.effectDiscard(
  Effect.forkScoped(Effect.forever(Effect.andThen(Effect.replicateEffect(turn, 4), TestClock.adjust("5 millis"))))
)

/** Fibers, in a time that passes as fast as they let it. */
const fibers: Layer.Layer<Services> = Mp.Spawner.layerFiber.pipe(
  Layer.provideMerge(Mp.Hub.layer),
  Layer.provideMerge(passing),
  Layer.provideMerge(TestClock.layer())
)

/** The hub ends after the spawner, whose children use it until their end. */
export const spawners = {
  fresh: ["fresh", Mp.layer, { signals: true, interpreter: true, ownPid: true }],
  warm: [
    "spares",
    Mp.Spawner.layerWarm({ preload: [new URL("../fixtures/process/sleeper.ts", import.meta.url)] }).pipe(
      Layer.provideMerge(Mp.Hub.layer)
    ),
    { signals: true, interpreter: true, ownPid: true }
  ],
  thread: [
    "threads",
    Mp.Spawner.layerThread.pipe(Layer.provideMerge(Mp.Hub.layer)),
    { signals: false, interpreter: true, ownPid: false }
  ],
  fiber: ["fibers in virtual time", fibers, { signals: true, interpreter: false, ownPid: false }]
} satisfies Record<string, readonly [name: string, layer: Layer.Layer<Services>, abilities: Abilities]>
