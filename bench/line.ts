/** What a run prints with `--json`, and `report.ts` reads. */
import type { Arm } from "./cases.ts"

/** Ours and one peer in one case. A ratio above 1: ours is better. */
export interface Line {
  readonly case: string
  readonly unit: string
  readonly better: "higher" | "lower"
  readonly peer: Arm | "bound"
  readonly ours: number
  readonly theirs: number
  readonly ratio: number
  /** The least and the greatest of all rounds. */
  readonly oursSpread: readonly [number, number]
  readonly theirsSpread: readonly [number, number]
  /** Processor time of all processes, for each item, task, message or start, in microseconds. */
  readonly oursCpu: number | null
  readonly theirsCpu: number | null
  readonly oursWaits: "polls" | "sleeps"
  readonly theirsWaits: "polls" | "sleeps" | null
  readonly rounds: number
}
