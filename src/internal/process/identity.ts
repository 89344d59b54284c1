/**
 * A process's place in the tree, for the default names of its children: the children of `Process-2` are `Process-2:1`, `Process-2:2` …
 */
import * as Context from "effect/Context"

export const Identity: Context.Reference<ReadonlyArray<number>> = Context.Reference<ReadonlyArray<number>>(
  "effect-multiprocessing/internal/Identity",
  { defaultValue: () => [] }
)
