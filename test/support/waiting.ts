/**
 * Bounded waits that say what they waited for.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

const expired = (duration: Duration.Input, what: string) =>
  Effect.suspend(() =>
    Effect.die(new Error(`not within ${Duration.format(Duration.fromInputUnsafe(duration))}: ${what}`))
  )

/** Dies if the effect has not ended by then. */
export const within =
  (duration: Duration.Input, what: string) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.timeoutOrElse(effect, { duration, orElse: () => expired(duration, what) })

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
