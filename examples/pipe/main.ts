/** Both ends of a two-way pipe in one process, up to the end of file. */
import { Array, Console, Effect, Schema } from "effect"
import * as Mp from "effect-multiprocessing"

const program = Effect.gen(function*() {
  const [a, b] = yield* Mp.Pipe.make({ message: Schema.Int })
  yield* Console.log(a)
  yield* Console.log(b)
  yield* Effect.forEach(
    Array.range(0, 9),
    Effect.fnUntraced(function*(i) {
      yield* a.send(i)
      yield* b.send(i * i)
      yield* Effect.sleep("100 millis")
      yield* Console.log(yield* b.recv(), yield* b.poll({ timeout: "500 millis" }))
    }),
    { discard: true }
  )
  yield* Console.log(yield* b.fileno, yield* a.fileno)
  yield* b.close

  yield* a.recv().pipe(
    Effect.flatMap((message) => Console.log(message)),
    Effect.forever,
    Effect.catchTag("EndOfFile", () => Console.log("end"))
  )
  yield* Console.log(a)
})

Mp.runMain(program.pipe(Effect.scoped, Effect.provide(Mp.layer)))
