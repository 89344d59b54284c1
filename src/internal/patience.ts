/**
 * How long operations wait.
 */
import * as Duration from "effect/Duration"

/** How long an operation may wait: not at all, for a time, or (undefined) without limit. */
export type Patience = "nowait" | Duration.Duration | undefined

/** Python's reading of a timeout: negative is zero, and zero does not wait. */
export const patience = (timeout: Duration.Input | undefined): Patience => {
  if (timeout === undefined) return undefined
  const duration = Duration.fromInputUnsafe(timeout)
  if (!Duration.isFinite(duration)) return Duration.isNegative(duration) ? "nowait" : undefined
  return Duration.isPositive(duration) ? duration : "nowait"
}
