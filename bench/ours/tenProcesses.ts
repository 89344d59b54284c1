/** The whole program: ten processes that print a line each. */
import { Console, Effect, Schema } from "effect"
import * as Mp from "effect-multiprocessing"

export const printName = Mp.Target.make(
  "printName",
  { module: import.meta.url, payload: Schema.Int },
  Effect.fnUntraced(function*(a) {
    const { name } = yield* Mp.CurrentProcess
    yield* Console.log(name, "args:", a)
  })
)

const program = Effect.gen(function*() {
  const { name } = yield* Mp.CurrentProcess
  yield* Console.log(name)
  const processes = yield* Effect.forEach(
    Array.from({ length: 10 }, (_, i) => i),
    (i) => Mp.Process.spawn(printName, i, { name: `test_process_${i}` }),
    { concurrency: "unbounded" }
  )
  yield* Effect.forEach(processes, (process) => process.join(), { discard: true })
  yield* Console.log("end")
})

Mp.runMain(program.pipe(Effect.scoped, Effect.provide(Mp.layer)))
