/**
 * How far something with a number of parts has come: for `Pool.map`, `Pool.forEach` and the like, or by hand.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~effect-multiprocessing/Progress"

/**
 * How far it has come at one moment.
 *
 * @category models
 * @since 0.1.0
 */
export interface Snapshot {
  readonly done: number
  /** None if it is not known. */
  readonly total: Option.Option<number>
  readonly elapsed: Duration.Duration
  /** How many a second, on average. */
  readonly rate: number
  /** None if nothing is done yet, or the total is not known. */
  readonly remaining: Option.Option<Duration.Duration>
  readonly isComplete: boolean
}

/**
 * Counts what is done.
 *
 * @category models
 * @since 0.1.0
 */
export interface Progress {
  readonly [TypeId]: typeof TypeId
  readonly label: string
  /** So many more are done; by default one. */
  readonly advance: (count?: number) => Effect.Effect<void>
  /** So many there are. */
  readonly setTotal: (total: number) => Effect.Effect<void>
  readonly snapshot: Effect.Effect<Snapshot>
  /** How far it is, at once, then ten times a second if it has changed, and at its end. Ends when all is done. */
  readonly changes: Stream.Stream<Snapshot>
}

/** @internal */
export class ProgressImpl implements Progress {
  readonly [TypeId]: typeof TypeId = TypeId
  readonly label: string
  private readonly clock: Clock.Clock
  private readonly begin: number
  private done = 0
  private total: number | undefined

  constructor(label: string, total: number | undefined, clock: Clock.Clock) {
    this.label = label
    this.total = total
    this.clock = clock
    this.begin = clock.currentTimeMillisUnsafe()
  }

  /** @internal */
  advanceUnsafe(count: number): void {
    this.done += count
  }

  /** @internal Only if nobody has said it. */
  expectUnsafe(total: number): void {
    this.total ??= total
  }

  readonly advance = (count = 1) => Effect.sync(() => this.advanceUnsafe(count))
  readonly setTotal = (total: number) =>
    Effect.sync(() => {
      this.total = total
    })

  readonly snapshot: Effect.Effect<Snapshot> = Effect.sync(() => {
    const { done, total } = this
    const elapsed = this.clock.currentTimeMillisUnsafe() - this.begin
    const rate = elapsed > 0 ? done / elapsed * 1000 : 0
    return {
      done,
      total: Option.fromUndefinedOr(total),
      elapsed: Duration.millis(elapsed),
      rate,
      remaining: total === undefined || rate === 0
        ? Option.none()
        : Option.some(Duration.seconds(Math.max(0, total - done) / rate)),
      isComplete: total !== undefined && done >= total
    }
  })

  get changes(): Stream.Stream<Snapshot> {
    return Stream.fromEffectSchedule(this.snapshot, Schedule.spaced("100 millis")).pipe(
      Stream.changesWith((a, b) => a.done === b.done && a.isComplete === b.isComplete),
      Stream.takeUntil((snapshot) => snapshot.isComplete)
    )
  }
}

/**
 * Begins to count, from now on.
 *
 * **Example** (Counting by hand)
 *
 * ```ts
 * import { Effect, Option } from "effect"
 * import * as Mp from "effect-multiprocessing"
 *
 * const program = Effect.gen(function*() {
 *   const progress = yield* Mp.Progress.make({ total: 3 })
 *   yield* progress.advance(2)
 *   const { done, isComplete, total } = yield* progress.snapshot
 *   return [done, Option.getOrThrow(total), isComplete]
 * })
 *
 * console.log(await Effect.runPromise(program)) // => [ 2, 3, false ]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: {
  /** How many there are. By default the pool says it, where it knows. */
  readonly total?: number | undefined
  /** What is counted. Default: none. */
  readonly label?: string | undefined
} = {}): Effect.Effect<Progress> =>
  Effect.map(Clock.Clock, (clock) => new ProgressImpl(options.label ?? "", options.total, clock))

const width = 30

const clockTime = (duration: Duration.Duration): string => {
  const seconds = Math.round(Duration.toSeconds(duration))
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, "0"))
  return (seconds >= 3600 ? `${Math.floor(seconds / 3600)}:` : "") + parts.join(":")
}

/**
 * A snapshot as a line of text.
 *
 * @category rendering
 * @since 0.1.0
 */
export const render = (label: string, { done, elapsed, rate, remaining, total }: Snapshot): string => {
  const name = label === "" ? "" : `${label} `
  const speed = rate >= 10 ? `${Math.round(rate)}/s` : `${rate.toFixed(1)}/s`
  if (Option.isNone(total)) return `${name}${done} ${speed} ${clockTime(elapsed)}`
  const part = total.value === 0 ? 1 : Math.min(1, done / total.value)
  const filled = Math.round(part * width)
  const bar = `[${"#".repeat(filled)}${".".repeat(width - filled)}]`
  const left = Option.match(remaining, { onNone: () => "", onSome: (time) => ` ${clockTime(time)} left` })
  return `${name}${bar} ${String(Math.floor(part * 100)).padStart(3)} % ${done}/${total.value} ${speed}${left}`
}

/**
 * Shows a bar, with rate and time left, on standard error until all is done or the scope closes. Shows nothing where that is not a
 * terminal.
 *
 * @category rendering
 * @since 0.1.0
 */
export const bar = (progress: Progress): Effect.Effect<void, never, Scope.Scope> =>
  Effect.suspend(() => {
    const { stderr } = process
    if (!stderr.isTTY) return Effect.void
    const show = (snapshot: Snapshot) =>
      Effect.sync(() => {
        const line = render(progress.label, snapshot).slice(0, Math.max(20, (stderr.columns ?? 80) - 1))
        stderr.write(`\r\u001b[2K${line}`)
      })
    return Effect.asVoid(Effect.forkScoped(
      Stream.runForEach(progress.changes, show).pipe(
        Effect.ensuring(Effect.flatMap(progress.snapshot, show)),
        Effect.ensuring(Effect.sync(() => stderr.write("\n")))
      ),
      { startImmediately: true }
    ))
  })
