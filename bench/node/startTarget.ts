/** A child that imports what programs import, and says when that was done. */
import { Effect, Schema } from "effect"
import { monotonic } from "../work.ts"

const first = monotonic()
// Both are used, as in a program.
if (!Effect.isEffect(Effect.void) || !Schema.isSchema(Schema.Number)) throw new Error("effect is broken")
process.send!(first, () => {
  if (process.argv[2] === "stay") process.on("message", () => {})
  else process.disconnect()
})
