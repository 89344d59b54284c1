/** Pools of two workers. */
import { Effect, Option, Schema, Stream } from "effect"
import * as Mp from "effect-multiprocessing"
import { type Band, bands, draw, drawAlone, sameBands } from "../picture.ts"
import * as Procfs from "../procfs.ts"
import { bytes, insist, type Measurement, percentiles, sameBytes, smalls, sum, sumOfSquares } from "../work.ts"

export const square = Mp.Target.make(
  "square",
  { module: import.meta.url, payload: Schema.Int, success: Schema.Int },
  (n) => Effect.succeed(n * n)
)

export const band = Mp.Target.make(
  "band",
  { module: import.meta.url, payload: Schema.Tuple([Schema.Int, Schema.Int]), success: Schema.Uint8Array },
  (which) => Effect.sync(() => draw(which))
)

const mebibyte = bytes(2 ** 20)

/** Gives the bytes back that it was given, after a look at each. */
export const echoBytes = Mp.Target.make(
  "echoBytes",
  { module: import.meta.url, payload: Schema.Uint8Array, success: Schema.Uint8Array },
  (block) =>
    sameBytes(block, mebibyte) === 1 ? Effect.succeed(block) : Effect.die("The bytes are not those that were sent")
)

type Result = Partial<Pick<Measurement, "p50" | "p99">> & { readonly sum: number }

/** Everything once for the compiler, then again with the clock. The workers are ready before. */
const measure = Effect.fnUntraced(function*<A, E>(
  count: number,
  items: (count: number) => ReadonlyArray<A>,
  run: (pool: Mp.Pool.Pool, items: ReadonlyArray<A>) => Effect.Effect<Result, E>,
  size = 2
) {
  const pool = yield* Mp.Pool.make({ size, targets: [square, band, echoBytes] })
  const pids = (yield* pool.stats).workers.map(({ pid }) => Option.getOrThrow(pid))
  yield* run(pool, items(count))
  const all = items(count)
  const cpu = Procfs.cpuOfAll(pids)
  const start = performance.now()
  const { sum, ...latencies } = yield* run(pool, all)
  const seconds = (performance.now() - start) / 1000
  const used = cpu === undefined ? undefined : Procfs.cpuOfAll(pids)! - cpu
  const measurement: Measurement = { seconds, count, cpu: used, ...latencies }
  return { sum, measurement }
})

const map = Effect.fnUntraced(function*(count: number, options: Mp.Pool.MapOptions) {
  const { measurement, sum: total } = yield* measure(
    count,
    smalls,
    (pool, items) => Effect.map(pool.map(square, items, options), (squares) => ({ sum: sum(squares) }))
  )
  insist("the sum of all squares", total, sumOfSquares(count))
  return measurement
})

const oneAtATime = Effect.fnUntraced(function*(count: number) {
  const { measurement, sum } = yield* measure(
    count,
    smalls,
    Effect.fnUntraced(function*(pool, items) {
      const samples = new Array<number>(items.length)
      let sum = 0
      for (let i = 0; i < items.length; i++) {
        const start = performance.now()
        sum += yield* pool.run(square, items[i]!)
        samples[i] = (performance.now() - start) * 1000
      }
      return { sum, ...percentiles(samples) }
    })
  )
  insist("the sum of all squares", sum, sumOfSquares(count))
  return measurement
})

const drawn = Effect.fnUntraced(function*(count: number, picture: ReadonlyArray<Uint8Array>, size: number) {
  const { measurement, sum } = yield* measure(
    count,
    bands,
    (pool, items: ReadonlyArray<Band>) =>
      Effect.map(pool.map(band, items, { chunkSize: 1 }), (drawn) => ({ sum: sameBands(drawn, picture) })),
    size
  )
  insist("bands as expected", sum, count)
  return measurement
})

/** How many times faster two workers draw the picture than one process does that has no pool. */
const picture = Effect.fnUntraced(function*(count: number) {
  const alone = drawAlone(count)
  const measurement = yield* drawn(count, alone.picture, 2)
  return { ...measurement, value: alone.seconds / measurement.seconds }
})

/** How many times faster two workers draw the picture than one. */
const scaling = Effect.fnUntraced(function*(count: number) {
  const picture = bands(count).map(draw)
  const one = yield* Effect.scoped(drawn(count, picture, 1))
  const two = yield* drawn(count, picture, 2)
  return { ...two, value: one.seconds / two.seconds }
})

const blocks = Effect.fnUntraced(function*(count: number) {
  const { measurement, sum } = yield* measure(
    count,
    (count) => Array.from({ length: count }, () => mebibyte),
    (pool, items) =>
      pool.imap(echoBytes, items).pipe(
        Stream.runFold(() => 0, (sum, block) => sum + sameBytes(block, mebibyte)),
        Effect.map((sum) => ({ sum }))
      )
  )
  insist("blocks as expected", sum, count)
  return measurement
})

export const pools = {
  "pool-map-chunk1": (count: number) => map(count, { chunkSize: 1 }),
  "pool-map": (count: number) => map(count, {}),
  "pool-run-latency": oneAtATime,
  "pool-real": picture,
  "pool-real-speedup": picture,
  "pool-real-scaling": scaling,
  "pool-bytes": blocks
}
