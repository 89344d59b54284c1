/** Pools of two workers, which RPC shares its calls out to. */
import { NodeWorker } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { RpcClient } from "effect/rpc"
import { fork } from "node:child_process"
import { bands, drawAlone, sameBands } from "../picture.ts"
import * as Procfs from "../procfs.ts"
import { bytes, insist, type Measurement, percentiles, sameBytes, smalls, sum, sumOfSquares } from "../work.ts"
import { Work } from "./group.ts"

/** A client of both workers, and their numbers. */
const makePool = Effect.fnUntraced(function*(
  serialization: "json" | "advanced",
  /** How many calls a worker may have at a time. */
  concurrency: number
) {
  const pids: Array<number> = []
  const worker = () => {
    const child = fork(new URL("worker.ts", import.meta.url), { serialization })
    pids.push(child.pid!)
    return child
  }
  const protocol = yield* Layer.build(
    RpcClient.layerProtocolWorker({ size: 2, concurrency }).pipe(Layer.provide(NodeWorker.layer(worker)))
  )
  const client = yield* Effect.provideContext(RpcClient.make(Work), protocol)
  // Until both have answered.
  let answered = new Set<number>()
  while (answered.size < 2) {
    const calls = Effect.replicateEffect(client.who(), 2 * concurrency, { concurrency: "unbounded" })
    answered = new Set(yield* calls)
  }
  return { client, pids }
})
type Client = Effect.Success<ReturnType<typeof makePool>>["client"]

type Result = Partial<Pick<Measurement, "p50" | "p99">> & { readonly sum: number }

interface Task<A, E> {
  readonly serialization?: "advanced"
  readonly concurrency: number
  readonly items: (count: number) => ReadonlyArray<A>
  readonly run: (client: Client, items: ReadonlyArray<A>) => Effect.Effect<Result, E>
}

/** Everything once for the compiler, then again with the clock. */
const measure = Effect.fnUntraced(function*<A, E>(count: number, task: Task<A, E>) {
  const { client, pids } = yield* makePool(task.serialization ?? "json", task.concurrency)
  yield* task.run(client, task.items(count))
  const all = task.items(count)
  const cpu = Procfs.cpuOfAll(pids)
  const start = performance.now()
  const { sum, ...latencies } = yield* task.run(client, all)
  const seconds = (performance.now() - start) / 1000
  const used = cpu === undefined ? undefined : Procfs.cpuOfAll(pids)! - cpu
  const measurement: Measurement = { seconds, count, cpu: used, ...latencies }
  return { sum, measurement }
})

/** Calls for all items, of which as many are open as the workers take. */
const callAll = <A, B, E>(items: ReadonlyArray<A>, concurrency: number, call: (item: A) => Effect.Effect<B, E>) =>
  Effect.forEach(items, call, { concurrency: 2 * concurrency })

const map = Effect.fnUntraced(function*(count: number) {
  const concurrency = 16
  const { measurement, sum: total } = yield* measure(count, {
    concurrency,
    items: smalls,
    run: (client, items) =>
      Effect.map(callAll(items, concurrency, (n) => client.square({ n })), (squares) => ({ sum: sum(squares) }))
  })
  insist("the sum of all squares", total, sumOfSquares(count))
  return measurement
})

const oneAtATime = Effect.fnUntraced(function*(count: number) {
  const { measurement, sum } = yield* measure(count, {
    concurrency: 1,
    items: smalls,
    run: Effect.fnUntraced(function*(client, items) {
      const samples = new Array<number>(items.length)
      let sum = 0
      for (let i = 0; i < items.length; i++) {
        const start = performance.now()
        sum += yield* client.square({ n: items[i]! })
        samples[i] = (performance.now() - start) * 1000
      }
      return { sum, ...percentiles(samples) }
    })
  })
  insist("the sum of all squares", sum, sumOfSquares(count))
  return measurement
})

const picture = Effect.fnUntraced(function*(count: number) {
  const concurrency = 2
  const alone = drawAlone(count)
  const { measurement, sum } = yield* measure(count, {
    serialization: "advanced",
    concurrency,
    items: bands,
    run: (client, items) =>
      Effect.map(
        callAll(items, concurrency, ([index, of]) => client.band({ index, of })),
        (drawn) => ({ sum: sameBands(drawn, alone.picture) })
      )
  })
  insist("bands as expected", sum, count)
  return { ...measurement, value: alone.seconds / measurement.seconds }
})

const blocks = Effect.fnUntraced(function*(count: number) {
  const [concurrency, mebibyte] = [2, bytes(2 ** 20)]
  const { measurement, sum: total } = yield* measure(count, {
    serialization: "advanced",
    concurrency,
    items: (count) => Array.from({ length: count }, () => mebibyte),
    run: (client, items) =>
      Effect.map(
        callAll(items, concurrency, (block) =>
          client.echoBytes({ block }).pipe(Effect.map((block) =>
            sameBytes(block, mebibyte)
          ))),
        (same) => ({ sum: sum(same) })
      )
  })
  insist("blocks as expected", total, count)
  return measurement
})

export const pools = (count: number) => ({
  "pool-map-chunk1": map(count),
  // It has no chunks.
  "pool-map": map(count),
  "pool-run-latency": oneAtATime(count),
  "pool-real": picture(count),
  "pool-real-speedup": picture(count),
  "pool-bytes": blocks(count)
})
