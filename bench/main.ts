/**
 * `npm run bench`: what one operation costs, through the public interface, one after another.
 *
 * Medians of one run. Compare within a run only: machines differ, and so do their moods.
 */
import { Context, Effect, Layer, Schema } from "effect"
import * as Mp from "effect-multiprocessing"
import { Bench } from "tinybench"
import { Echo, echo, empty, Numbers, summer } from "./targets.ts"

const services = Layer.mergeAll(Numbers.layer, Echo.layer).pipe(Layer.provideMerge(Mp.layer))

const program = Effect.gen(function*() {
  const context = yield* Effect.context<Layer.Success<typeof services>>()
  const run = Effect.runPromiseWith(context)
  const numbers = yield* Numbers
  const [left, right] = yield* Mp.Pipe.make({ message: Schema.Number })
  const far = Context.get(context, Echo.left)
  const local = yield* Mp.Queue.make({ item: Schema.Number })
  const summing = yield* Mp.Process.spawn(summer)
  yield* Mp.Process.spawn(echo, undefined, { daemon: true })

  const operations = new Bench({ time: 2000, warmupTime: 500 })
  operations
    .add("queue: put and get, in this process", () => run(Effect.andThen(local.put(1), local.get())))
    .add("pipe: send and recv, in this process", () => run(Effect.andThen(left.send(1), right.recv())))
    .add("queue: put, a child gets", () => run(numbers.put(1)))
    .add("pipe: round trip with a child", () => run(Effect.andThen(far.send(1), far.recv())))
  const processes = new Bench({ time: 0, iterations: 10, warmup: false })
  processes.add("process: run an empty target", () => run(Mp.Process.run(empty)))

  for (const bench of [operations, processes]) {
    yield* Effect.promise(() => bench.run())
    for (const { name, result } of bench.tasks) {
      if (result.state !== "completed") return yield* Effect.die(new Error(`${name}: ${result.state}`))
      const { p50, p99, samplesCount } = result.latency
      console.log(
        `${name.padEnd(40)} median ${microseconds(p50)}, 99 % within ${microseconds(p99)}, ${samplesCount} runs`
      )
    }
  }
  yield* numbers.put(0)
  yield* summing.join()
})

const microseconds = (milliseconds: number): string => `${(milliseconds * 1000).toFixed(1)} us`.padStart(12)

Mp.runMain(program.pipe(Effect.scoped, Effect.provide(services)))
