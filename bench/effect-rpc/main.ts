/** `node bench/effect-rpc/main.ts CASE COUNT`: Effect's RPC with workers that are child processes. */
import { NodeRuntime, NodeWorker } from "@effect/platform-node"
import { Effect, Layer, Stream } from "effect"
import { RpcClient } from "effect/rpc"
import { fork } from "node:child_process"
import {
  bytes,
  cpuTime,
  insist,
  type Measurement,
  percentiles,
  print,
  sameBytes,
  small,
  sumOfRecord,
  sumOfRecords,
  sumOfSmall
} from "../work.ts"
import { Work } from "./group.ts"
import { pools } from "./pools.ts"

const [name = "", countText = ""] = process.argv.slice(2)
const count = Number(countText)

/** A worker of its own: a pool would hand calls to whoever is free. */
const client = Effect.gen(function*() {
  const protocol = yield* Layer.build(Layer.fresh(
    RpcClient.layerProtocolWorker({ size: 1, concurrency: 64 }).pipe(
      // Bytes need the serializer "advanced"; for the rest, "json" is the faster one.
      Layer.provide(
        NodeWorker.layer(() =>
          fork(new URL("worker.ts", import.meta.url), { serialization: name.includes("bytes") ? "advanced" : "json" })
        )
      )
    )
  ))
  const client = yield* Effect.provideContext(RpcClient.make(Work), protocol)
  yield* client.report()
  return client
})
type Client = Effect.Success<typeof client>

const processorTime = Effect.fnUntraced(function*(workers: ReadonlyArray<Client>) {
  let total = cpuTime()
  for (const worker of workers) total += (yield* worker.report()).cpu
  return total
})

type Result = Partial<Pick<Measurement, "p50" | "p99">> & { readonly sum: number }

const measure = Effect.fnUntraced(function*<E>(
  workers: ReadonlyArray<Client>,
  count: number,
  run: (count: number) => Effect.Effect<Result, E>,
  expected: number
) {
  yield* run(count)
  const cpu = yield* processorTime(workers)
  const start = performance.now()
  const { sum, ...latencies } = yield* run(count)
  const seconds = (performance.now() - start) / 1000
  insist("the sum of all", sum, expected)
  const measurement: Measurement = { seconds, count, cpu: ((yield* processorTime(workers)) - cpu) / 1e6, ...latencies }
  return measurement
})

/** Takes all of a stream. */
const take = Effect.fnUntraced(function*<A, E>(stream: Stream.Stream<A, E>, value: (item: A) => number) {
  let sum = 0
  yield* Stream.runForEach(stream, (item) =>
    Effect.sync(() => {
      sum += value(item)
    }))
  return sum
})

const fromWorkers = Effect.fnUntraced(function*(producers: number, maxsize = 0) {
  const workers = yield* Effect.replicateEffect(client, producers)
  const share = Math.ceil(count / producers)
  const measurement = yield* measure(
    workers,
    share,
    Effect.fnUntraced(function*(share) {
      const sums = yield* Effect.forEach(
        workers,
        (worker) => take(worker.numbers({ count: share, maxsize }), (n) => n),
        { concurrency: "unbounded" }
      )
      return { sum: sums.reduce((a, b) => a + b) }
    }),
    sumOfSmall(share) * producers
  )
  return { ...measurement, count: share * producers }
})

/** How many calls to each worker may be open, which is more than a plain loop would have. */
const window = 16

const toWorkers = Effect.fnUntraced(function*(consumers: number) {
  const workers = yield* Effect.replicateEffect(client, consumers)
  return yield* measure(
    workers,
    count,
    Effect.fnUntraced(function*(count) {
      let next = 0
      const feed = (worker: Client) =>
        Effect.gen(function*() {
          while (next < count) yield* worker.put({ n: small(next++) })
        })
      yield* Effect.forEach(
        workers.flatMap((worker) => Array.from({ length: window }, () => worker)),
        feed,
        { concurrency: "unbounded", discard: true }
      )
      let sum = 0
      for (const worker of workers) sum += (yield* worker.report()).sum
      return { sum }
    }),
    sumOfSmall(count)
  )
})

const records = Effect.gen(function*() {
  const worker = yield* client
  const run = (count: number) => Effect.map(take(worker.records({ count }), sumOfRecord), (sum) => ({ sum }))
  return yield* measure([worker], count, run, sumOfRecords(count))
})

const blocks = Effect.fnUntraced(function*(size: number) {
  const worker = yield* client
  const expected = bytes(size)
  const run = (count: number) =>
    Effect.map(take(worker.blocks({ count, size }), (block) => sameBytes(block, expected)), (sum) => ({ sum }))
  return yield* measure([worker], count, run, count)
})

const roundTrip = Effect.gen(function*() {
  const worker = yield* client
  return yield* measure(
    [worker],
    count,
    Effect.fnUntraced(function*(count) {
      const samples = new Array<number>(count)
      let sum = 0
      for (let i = 0; i < count; i++) {
        const start = performance.now()
        sum += yield* worker.echo({ n: small(i) })
        samples[i] = (performance.now() - start) * 1000
      }
      return { sum, ...percentiles(samples) }
    }),
    sumOfSmall(count)
  )
})

const programs = {
  "queue-1-1": fromWorkers(1),
  "queue-1-1-maxsize10": fromWorkers(1, 10),
  "queue-4-1": fromWorkers(4),
  "queue-1-4": toWorkers(4),
  "queue-1-1-record": records,
  "pipe-rtt": roundTrip,
  "pipe-one-way": fromWorkers(1),
  "pipe-one-way-record": records,
  "pipe-bytes-64k": blocks(2 ** 16),
  "pipe-bytes-1m": blocks(2 ** 20),
  "pipe-bytes-64m": blocks(2 ** 26),
  ...pools(count)
}

const program = (programs as Partial<typeof programs>)[name as keyof typeof programs]
if (program === undefined) throw new Error(`No case ${name}`)
NodeRuntime.runMain(Effect.scoped(Effect.map(program as typeof roundTrip, print)))
