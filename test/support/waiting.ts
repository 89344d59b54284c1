/**
 * Bounded waits that say what they waited for.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** In real time, whatever the clock of the test is: the bound is for what never comes. */
const expired = (duration: Duration.Input, what: string) =>
  Effect.callback<never>((resume) => {
    const bound = Duration.fromInputUnsafe(duration)
    const timer = setTimeout(
      () => resume(Effect.die(new Error(`not within ${Duration.format(bound)}: ${what}`))),
      Duration.toMillis(bound)
    )
    return Effect.sync(() => clearTimeout(timer))
  })

/** Dies if the effect has not ended by then. */
export const within =
  (duration: Duration.Input, what: string) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.raceFirst(effect, expired(duration, what))

/** Looks again and again, for something that nobody tells; dies if it does not come true in time. */
export const eventually = <E, R>(
  what: string,
  check: Effect.Effect<boolean, E, R>,
  duration: Duration.Input = "10 seconds"
): Effect.Effect<void, E, R> =>
  Effect.suspend(() => check).pipe(
    Effect.flatMap((ok) => ok ? Effect.succeed(true) : Effect.as(Effect.sleep(5), false)),
    Effect.repeat({ until: (ok) => ok }),
    Effect.asVoid,
    within(duration, what)
  )
