/** A producer and a consumer with a bounded queue between them. The consumer ends when nothing comes for two seconds. */
import { Console, Effect, Layer, Schema } from "effect"
import * as Mp from "effect-multiprocessing"

class Numbers extends Mp.Queue.Service<Numbers>()("examples/Numbers", { item: Schema.Int, maxsize: 10 }) {}

export const producer = Mp.Target.make(
  "producer",
  { module: import.meta.url, inherits: [Numbers] },
  Effect.fnUntraced(function*() {
    const numbers = yield* Numbers
    for (let i = 0; i < 5; i++) {
      yield* Effect.sleep("500 millis")
      yield* Console.log("put", i)
      yield* numbers.put(i)
    }
  }, Effect.orDie)
)

export const consumer = Mp.Target.make(
  "consumer",
  { module: import.meta.url, inherits: [Numbers] },
  Effect.fnUntraced(function*() {
    const numbers = yield* Numbers
    yield* numbers.get({ timeout: "2 seconds" }).pipe(
      Effect.flatMap((item) => Console.log("get", item)),
      Effect.forever,
      // "The queue is empty."
      Effect.catchTag("Empty", () => Console.log("队列空"))
    )
  }, Effect.orDie)
)

const program = Effect.gen(function*() {
  // Both at once: the consumer does not wait long for a producer that is still starting.
  const processes = yield* Effect.all([Mp.Process.spawn(consumer), Mp.Process.spawn(producer)], {
    concurrency: "unbounded"
  })
  yield* Effect.forEach(processes, (process) => process.join(), { discard: true })
  yield* Console.log("end")
})

Mp.runMain(program.pipe(Effect.scoped, Effect.provide(Numbers.layer.pipe(Layer.provideMerge(Mp.layer)))))
