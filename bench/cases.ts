/** What is measured, and who takes part. */
import type { Measurement } from "./work.ts"

/** Who measures. `ours` is compared with each of the others. */
export type Arm =
  | "ours"
  | "ours-socket"
  | "ours-plain"
  | "cpython"
  | "cpython-executor"
  | "node-fork-json"
  | "node-fork-advanced"
  | "node-socket"
  | "effect-rpc"
  | "piscina"
  | "tinypool-thread"
  | "tinypool-process"
  | "workerpool-thread"
  | "workerpool-process"

export interface Case {
  readonly name: string
  readonly unit: string
  readonly better: "higher" | "lower"
  /** How many at scale 1: about a second of the fastest arm, or less where one takes long. */
  readonly count: number
  /** Does not depend on the scale. */
  readonly fixed?: boolean
  /** What is reported of a measurement, by the end of the case's name. */
  readonly figures: Readonly<Record<string, (measurement: Measurement) => number>>
  /** The arms, each with the share of the count that it does: the slow ones would take minutes. */
  readonly arms: Readonly<Partial<Record<Arm, number>>>
  /** What the library promises, as one more peer. */
  readonly bound?: number
}

const rate = { "": (m: Measurement) => m.count / m.seconds }
const mebibytes = (size: number) => ({ "": (m: Measurement) => m.count * size / m.seconds })
const latency = { "": (m: Measurement) => m.p50!, "-p99": (m: Measurement) => m.p99! }
const milliseconds = { "": (m: Measurement) => m.p50! / 1000 }
const value = { "": (m: Measurement) => m.value! }

/** Of single messages, which hundreds of thousands a second go through the fastest arms, and ten thousand through the slowest. */
const own: Case["arms"] = { ours: 1, "ours-socket": 0.03, cpython: 0.3 }
const raw: Case["arms"] = { "node-fork-json": 0.3, "node-fork-advanced": 0.3, "node-socket": 1 }
const all: Case["arms"] = { ...own, ...raw, "effect-rpc": 0.3 }
/** Of round trips. */
const trips: Case["arms"] = {
  ours: 1,
  "ours-socket": 0.2,
  cpython: 0.5,
  "node-fork-json": 0.3,
  "node-fork-advanced": 0.3,
  "node-socket": 0.3
}

const items = { unit: "items/s", better: "higher", figures: rate } as const
const tasks = { unit: "tasks/s", better: "higher", figures: rate } as const
const messages = { unit: "messages/s", better: "higher", figures: rate } as const
const throughput = { unit: "MiB/s", better: "higher" } as const

/** Pools of threads, and of processes. */
const threadPools = (share: number): Case["arms"] => ({
  piscina: share,
  "tinypool-thread": share,
  "workerpool-thread": share
})
const processPools = (share: number): Case["arms"] => ({
  "tinypool-process": share,
  "workerpool-process": share,
  "effect-rpc": share
})

export const cases: ReadonlyArray<Case> = [
  { name: "queue-1-1", ...items, count: 1_000_000, arms: { ...all, "ours-plain": 1 } },
  {
    name: "queue-1-1-maxsize10",
    ...items,
    count: 500_000,
    arms: { ...all, "node-socket": 0.3, "effect-rpc": 0.1 }
  },
  { name: "queue-4-1", ...items, count: 1_000_000, arms: all },
  { name: "queue-1-4", ...items, count: 1_000_000, arms: all },
  // Workers of Effect's RPC only talk to their parent, and only when asked.
  { name: "queue-4-4", ...items, count: 1_000_000, arms: { ...own, ...raw } },
  { name: "queue-1-1-record", ...items, count: 400_000, arms: all },
  { name: "joinable-queue-1-1", ...items, count: 600_000, arms: { ...own, ...raw } },
  {
    name: "pipe-rtt",
    unit: "us",
    better: "lower",
    count: 50_000,
    figures: latency,
    arms: { ...trips, "effect-rpc": 0.1 }
  },
  {
    name: "pipe-rtt-child-child",
    unit: "us",
    better: "lower",
    count: 50_000,
    figures: latency,
    arms: trips
  },
  { name: "pipe-one-way", ...messages, count: 1_000_000, arms: { ...all, "ours-plain": 1 } },
  { name: "pipe-one-way-record", ...messages, count: 400_000, arms: all },
  { name: "pipe-bytes-64k", ...throughput, count: 100_000, figures: mebibytes(1 / 16), arms: shares(0.2) },
  { name: "pipe-bytes-1m", ...throughput, count: 4000, figures: mebibytes(1), arms: shares(0.1) },
  { name: "pipe-bytes-64m", ...throughput, count: 20, figures: mebibytes(64), arms: shares(0.2) },
  {
    name: "pool-map-chunk1",
    ...tasks,
    count: 300_000,
    arms: {
      ours: 1,
      "ours-socket": 0.2,
      cpython: 0.4,
      "cpython-executor": 0.07,
      ...threadPools(0.2),
      ...processPools(0.1)
    }
  },
  {
    name: "pool-map",
    ...tasks,
    count: 1_000_000,
    // Those from npm and RPC have no chunks, and do the same as above: a million of them would take minutes.
    arms: { ours: 1, "ours-socket": 1, cpython: 1, "cpython-executor": 1, ...threadPools(0.05), ...processPools(0.03) }
  },
  {
    name: "pool-run-latency",
    unit: "us",
    better: "lower",
    count: 20_000,
    figures: latency,
    arms: { ours: 1, "ours-socket": 0.5, cpython: 1, "cpython-executor": 0.5, ...threadPools(1), ...processPools(0.5) }
  },
  {
    name: "pool-real",
    unit: "bands/s",
    better: "higher",
    count: 400,
    figures: rate,
    arms: {
      ours: 1,
      "ours-socket": 1,
      cpython: 0.05,
      "cpython-executor": 0.05,
      ...threadPools(1),
      ...processPools(1)
    }
  },
  {
    name: "pool-real-scaling",
    unit: "speed of two workers / of one",
    better: "higher",
    count: 1600,
    figures: value,
    arms: { ours: 1, "ours-socket": 1 },
    bound: 1.9
  },
  // Two workers against a loop without a pool, in the same language. It needs a machine with two processors that have nothing else to do.
  // One arm of each kind says what such a machine allows: Python's processes, threads of Node, processes of Node.
  {
    name: "pool-real-speedup",
    unit: "speed of two workers / of one process",
    better: "higher",
    count: 1600,
    figures: value,
    arms: { ours: 1, "ours-socket": 1, cpython: 0.0125, piscina: 1, "tinypool-process": 1 },
    bound: 1.9
  },
  {
    name: "pool-bytes",
    ...throughput,
    count: 3000,
    figures: mebibytes(1),
    arms: {
      ours: 1,
      "ours-socket": 0.2,
      cpython: 0.2,
      "cpython-executor": 0.2,
      ...threadPools(1),
      ...processPools(0.2)
    }
  },
  {
    name: "start-cold",
    unit: "ms",
    better: "lower",
    count: 10,
    figures: milliseconds,
    arms: { ours: 1, cpython: 1, "node-fork-json": 1 }
  },
  { name: "start-warm", unit: "ms", better: "lower", count: 10, figures: milliseconds, arms: { ours: 1, cpython: 1 } },
  {
    name: "ten-processes",
    unit: "ms",
    better: "lower",
    count: 10,
    fixed: true,
    figures: { "": (m) => m.seconds * 1000 },
    arms: { ours: 1, "ours-plain": 1, cpython: 1, "node-fork-json": 1 }
  },
  // Seconds, not items.
  {
    name: "idle-cpu",
    unit: "% of one core",
    better: "lower",
    count: 5,
    figures: value,
    arms: { ours: 1, "ours-socket": 1, cpython: 1 },
    bound: 1
  },
  {
    name: "busy-children",
    unit: "throughput of 8 / of 2",
    better: "higher",
    // Eight children need a million items until all of their code is compiled: with fewer, this would be the speed of V8's compilers.
    count: 1_500_000,
    figures: value,
    arms: { ours: 1, "ours-socket": 0.03, cpython: 0.04 }
  },
  {
    name: "slow-consumer",
    unit: "us",
    better: "lower",
    count: 100,
    fixed: true,
    figures: value,
    arms: { ours: 1, "ours-socket": 1, cpython: 1 }
  },
  {
    name: "idle-memory",
    unit: "MiB",
    better: "lower",
    count: 1,
    fixed: true,
    figures: value,
    arms: { ours: 1, "ours-socket": 1, cpython: 1, "node-fork-json": 1 }
  },
  {
    name: "idle-memory-share",
    unit: "MiB",
    better: "lower",
    count: 1,
    fixed: true,
    figures: value,
    arms: { ours: 1, "ours-socket": 1, cpython: 1, "node-fork-json": 1 },
    // 60 million bytes.
    bound: 57.2
  }
]

/** JSON has no bytes: they travel as text, which takes too long for all of them. So does RPC. */
function shares(slow: number): Case["arms"] {
  return {
    ours: 1,
    "ours-socket": 1,
    cpython: 1,
    "node-fork-json": slow,
    "node-fork-advanced": slow * 2,
    "node-socket": 1,
    "effect-rpc": slow
  }
}
