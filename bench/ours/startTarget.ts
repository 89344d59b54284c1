/** A target that says when it began, in a module that imports what programs import. */
import { Effect, Schema } from "effect"
import * as Mp from "effect-multiprocessing"
import { monotonic } from "../work.ts"

export const begin = Mp.Target.make(
  "begin",
  { module: import.meta.url, success: Schema.Number },
  () => Effect.succeed(monotonic())
)

/** From the call until the first instruction of the target. */
export const now = Effect.gen(function*() {
  const start = monotonic()
  return { start, first: yield* Mp.Process.run(begin) }
})
