/** `node bench/node-pools/main.ts CASE COUNT piscina|tinypool-thread|…`: pools of two workers from npm. */
import { fileURLToPath } from "node:url"
import { Piscina } from "piscina"
import { Tinypool } from "tinypool"
import workerpool from "workerpool"
import { type Band, bands, drawAlone, sameBands } from "../picture.ts"
import * as Procfs from "../procfs.ts"
import { bytes, insist, type Measurement, percentiles, print, sameBytes, smalls, sum, sumOfSquares } from "../work.ts"
import type { Identity } from "./tasks.ts"
import type * as Tasks from "./tasks.ts"

const [name = "", countText = "", kind = ""] = process.argv.slice(2)
const count = Number(countText)

interface Pool {
  readonly run: <Name extends keyof typeof Tasks>(
    name: Name,
    argument: Parameters<(typeof Tasks)[Name]>[0]
  ) => PromiseLike<ReturnType<(typeof Tasks)[Name]>>
  readonly end: () => unknown
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))
const workers = { minThreads: 2, maxThreads: 2 }
/** Bytes need the serializer "advanced"; for numbers, "json" is the faster one, and the default. */
const serialization = name === "pool-map" || name === "pool-map-chunk1" || name === "pool-run-latency"
  ? "json"
  : "advanced"

const piscina = (): Pool => {
  const pool = new Piscina({ filename: here("piscinaWorker.ts"), ...workers })
  return { run: (name, argument) => pool.run(argument, { name }), end: () => pool.destroy() }
}

const tinypool = (runtime: "worker_threads" | "child_process"): Pool => {
  const pool = new Tinypool({ filename: here("tinypoolWorker.ts"), runtime, serialization, ...workers })
  return { run: (name, argument) => pool.run(argument, { name }), end: () => pool.destroy() }
}

const workerPool = (workerType: "thread" | "process"): Pool => {
  const pool = workerpool.pool(here("workerpoolWorker.ts"), {
    workerType,
    minWorkers: 2,
    maxWorkers: 2,
    forkOpts: { serialization }
  })
  return { run: (name, argument): any => pool.exec(name, [argument]), end: () => pool.terminate() }
}

const pools: Readonly<Record<string, () => Pool>> = {
  "piscina": piscina,
  "tinypool-thread": () => tinypool("worker_threads"),
  "tinypool-process": () => tinypool("child_process"),
  "workerpool-thread": () => workerPool("thread"),
  "workerpool-process": () => workerPool("process")
}

/** Both workers, which are ready now. */
const identities = async (pool: Pool): Promise<ReadonlyArray<Identity>> => {
  for (let i = 0; i < 100; i++) {
    const [one, other] = await Promise.all([pool.run("who", undefined), pool.run("who", undefined)])
    if (one.pid !== other.pid || one.thread !== other.thread) return [one, other]
  }
  throw new Error(`${kind} has one worker, and not two`)
}

type Result = Partial<Pick<Measurement, "p50" | "p99">> & { readonly sum: number }

/** Everything once for the compiler, then again with the clock. */
const measure = async <A>(
  items: (count: number) => ReadonlyArray<A>,
  run: (pool: Pool, items: ReadonlyArray<A>) => Promise<Result>,
  expected: (count: number) => number
): Promise<Measurement> => {
  const pool = pools[kind]!()
  // The processor time of threads is that of their process.
  const others = (await identities(pool)).map(({ pid }) => pid).filter((pid) => pid !== process.pid)
  await run(pool, items(count))
  const all = items(count)
  const cpu = Procfs.cpuOfAll(others)
  const start = performance.now()
  const { sum, ...latencies } = await run(pool, all)
  const seconds = (performance.now() - start) / 1000
  const used = cpu === undefined ? undefined : Procfs.cpuOfAll(others)! - cpu
  insist("the sum of all", sum, expected(count))
  await pool.end()
  return { seconds, count, cpu: used, ...latencies }
}

const map = () =>
  measure(
    smalls,
    async (pool, items) => ({ sum: sum(await Promise.all(items.map((n) => pool.run("square", n)))) }),
    sumOfSquares
  )

const oneAtATime = () =>
  measure(
    smalls,
    async (pool, items) => {
      const samples = new Array<number>(items.length)
      let sum = 0
      for (let i = 0; i < items.length; i++) {
        const start = performance.now()
        sum += await pool.run("square", items[i]!)
        samples[i] = (performance.now() - start) * 1000
      }
      return { sum, ...percentiles(samples) }
    },
    sumOfSquares
  )

const picture = async (): Promise<Measurement> => {
  const alone = drawAlone(count)
  const measurement = await measure(
    bands,
    async (pool, items: ReadonlyArray<Band>) => {
      const drawn = await Promise.all(items.map((one) => pool.run("band", one)))
      return { sum: sameBands(drawn, alone.picture) }
    },
    (count) => count
  )
  return { ...measurement, value: alone.seconds / measurement.seconds }
}

const blocks = () => {
  const mebibyte = bytes(2 ** 20)
  return measure(
    (count) => Array.from({ length: count }, () => mebibyte),
    async (pool, items) => ({
      sum: sum(
        await Promise.all(
          items.map((item) => pool.run("echoBytes", item).then((block) => sameBytes(block, mebibyte)))
        )
      )
    }),
    (count) => count
  )
}

const programs: Readonly<Record<string, () => Promise<Measurement>>> = {
  "pool-map-chunk1": map,
  // They have no chunks.
  "pool-map": map,
  "pool-run-latency": oneAtATime,
  "pool-real": picture,
  "pool-real-speedup": picture,
  "pool-bytes": blocks
}

const program = programs[name]
if (program === undefined) throw new Error(`No case ${name}`)
void program().then((result) => {
  print(result)
  process.exit()
})
