/**
 * Waits until something holds, which changes with what others do.
 */
import * as Effect from "effect/Effect"

/** For one who waits at a time. */
export class Condition {
  private readonly holds: () => boolean
  private wake: (() => void) | undefined

  constructor(holds: () => boolean) {
    this.holds = holds
  }

  /** Waits until it holds, unless it does already. */
  readonly wait: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.holds()) return resume(Effect.void)
    this.wake = () => resume(Effect.void)
    return Effect.sync(() => this.wake = undefined)
  })

  /** Something has changed. Who waits may go on in this very step. */
  changed(): void {
    const { wake } = this
    if (wake === undefined || !this.holds()) return
    // It may wait again at once.
    this.wake = undefined
    wake()
  }
}
