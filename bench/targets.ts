/** The other sides of the benchmarks. */
import { Effect, Schema } from "effect"
import * as Mp from "effect-multiprocessing"

export class Numbers extends Mp.Queue.Service<Numbers>()("bench/Numbers", { item: Schema.Number }) {}

export class Echo extends Mp.Pipe.Service<Echo>()("bench/Echo", { message: Schema.Number }) {}

/** Takes numbers; gives their sum when it has seen zero. */
export const summer = Mp.Target.make(
  "summer",
  { module: import.meta.url, success: Schema.Number, inherits: [Numbers] },
  Effect.fnUntraced(function*() {
    const numbers = yield* Numbers
    let sum = 0
    while (true) {
      const n = yield* numbers.get()
      if (n === 0) return sum
      sum += n
    }
  }, Effect.orDie)
)

/** Sends back what it receives. */
export const echo = Mp.Target.make(
  "echo",
  { module: import.meta.url, inherits: [Echo.right] },
  Effect.fnUntraced(function*() {
    const end = yield* Echo.right
    yield* Effect.forever(Effect.flatMap(end.recv(), end.send)).pipe(Effect.catchTag("EndOfFile", () => Effect.void))
  }, Effect.orDie)
)

/** Does nothing. */
export const empty = Mp.Target.make("empty", { module: import.meta.url }, () => Effect.void)
