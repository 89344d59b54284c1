/** Ten processes with default names. What Python keeps in the fields of a `Process` subclass is the payload of a target. */
import { Array, Console, Effect, Schema } from "effect"
import * as Mp from "effect-multiprocessing"

export const SProcess = Mp.Target.make(
  "SProcess",
  { module: import.meta.url, payload: Schema.Struct({ i: Schema.Int }) },
  Effect.fnUntraced(function*({ i }) {
    const { name } = yield* Mp.CurrentProcess
    yield* Console.log(name, i)
    yield* Effect.sleep("2 seconds")
  })
)

const program = Effect.gen(function*() {
  const { name } = yield* Mp.CurrentProcess
  yield* Console.log(name)
  const processes = yield* Effect.forEach(
    Array.range(0, 9),
    (i) => Mp.Process.spawn(SProcess, { i }),
    { concurrency: "unbounded" }
  )
  yield* Effect.forEach(processes, (process) => process.join(), { discard: true })
  yield* Console.log("end")
})

Mp.runMain(program.pipe(Effect.scoped, Effect.provide(Mp.layer)))
