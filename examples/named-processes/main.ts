/** Ten processes, each with a name and an argument of its own. */
import { Array, Console, Effect, Schema } from "effect"
import * as Mp from "effect-multiprocessing"

export const printName = Mp.Target.make(
  "printName",
  { module: import.meta.url, payload: Schema.Int },
  Effect.fnUntraced(function*(a) {
    const { name } = yield* Mp.CurrentProcess
    yield* Console.log(name, "args:", a)
    yield* Effect.sleep("2 seconds")
  })
)

const program = Effect.gen(function*() {
  const { name } = yield* Mp.CurrentProcess
  yield* Console.log(name)
  const processes = yield* Effect.forEach(
    Array.range(0, 9),
    (i) => Mp.Process.spawn(printName, i, { name: `test_process_${i}` }),
    { concurrency: "unbounded" }
  )
  yield* Effect.forEach(processes, (process) => process.join(), { discard: true })
  yield* Console.log("end")
})

Mp.runMain(program.pipe(Effect.scoped, Effect.provide(Mp.layer)))
