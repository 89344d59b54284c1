/**
 * Moments between two steps of a program, and what may happen at them.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { Random } from "./random.ts"

const afterMicrotasks = (count: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const step = (left: number) => left === 0 ? resume(Effect.void) : queueMicrotask(() => step(left - 1))
    step(count)
  })

const afterTurns = (count: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const step = (left: number) => left === 0 ? resume(Effect.void) : void setImmediate(() => step(left - 1))
    step(count)
  })

/** Now, or after some microtasks, turns of the event loop, or milliseconds. */
export const anyMoment = (random: Random): Effect.Effect<void> => {
  switch (random.int(5)) {
    case 0:
      return Effect.void
    case 1:
      return afterMicrotasks(random.int(12))
    case 2:
      return Effect.yieldNow
    case 3:
      return afterTurns(1 + random.int(4))
    default:
      return Effect.sleep(random.int(3))
  }
}

/** Runs an effect, and interrupts it at any moment. */
export const harried = <A, E, R>(
  random: Random,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<Exit.Exit<A, E>, never, R> =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect, { startImmediately: random.chance(0.8) })
    yield* anyMoment(random)
    yield* Fiber.interrupt(fiber)
    return yield* Fiber.await(fiber)
  })
