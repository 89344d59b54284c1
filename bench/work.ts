/** What the arms that run on Node send each other, and how they look at every part of what they receive. */

/** What an arm has measured. */
export interface Measurement {
  /** From "all are ready" to "all is received". */
  readonly seconds: number
  /** Items, tasks, messages, round trips or starts. */
  readonly count: number
  /** Processor time of all processes of the arm meanwhile, in seconds; none where it can't be told. */
  readonly cpu?: number | undefined
  /** Latencies, in microseconds. */
  readonly p50?: number | undefined
  readonly p99?: number | undefined
  /** What cases measure that count nothing, in the unit of the case. */
  readonly value?: number | undefined
}

/** An arm prints one of these, and ends. */
export const print = (result: Measurement | { readonly skip: string }): void => console.log(JSON.stringify(result))

/** The small integer number `i`. Never zero, which ends a phase. */
export const small = (i: number): number => i % 1000 + 1

export const sumOfSmall = (count: number): number => {
  let sum = 0
  for (let i = 0; i < count; i++) sum += small(i)
  return sum
}

/** Five fields, one of them a nested array. */
export interface Rec {
  readonly id: number
  readonly name: string
  readonly price: number
  readonly active: boolean
  readonly points: ReadonlyArray<ReadonlyArray<number>>
}

export const record = (i: number): Rec => ({
  id: i,
  name: `item ${i % 10}`,
  price: i / 2,
  active: i % 2 === 0,
  points: [[i, 1], [2, 3], [4, 5]]
})

export const sumOfRecord = (record: Rec): number => {
  let sum = record.id + record.name.length + record.price + Number(record.active)
  for (const point of record.points) for (const n of point) sum += n
  return sum
}

export const sumOfRecords = (count: number): number => {
  let sum = 0
  for (let i = 0; i < count; i++) sum += sumOfRecord(record(i))
  return sum
}

/** A message of so many bytes, which differ. */
export const bytes = (size: number): Buffer<ArrayBuffer> => Buffer.alloc(size, "0123456789abcdefghijklmnopqrstuvwxyz.")

/** Compares every byte, as fast as memory allows, which is the same for all arms. 1: as expected. */
export const sameBytes = (received: Uint8Array, expected: Buffer): number => expected.equals(received) ? 1 : 0

export const insist = (what: string, actual: number, expected: number): void => {
  if (actual !== expected) throw new Error(`${what}: ${actual} instead of ${expected}`)
}

/** Processor time of this process so far, in microseconds. */
export const cpuTime = (): number => {
  const { system, user } = process.cpuUsage()
  return user + system
}

/** The same clock in all processes of a machine, in microseconds. */
export const monotonic = (): number => Number(process.hrtime.bigint() / 1000n)

/** The median, and what 99 of 100 do not exceed. */
export const percentiles = (samples: ReadonlyArray<number>): { readonly p50: number; readonly p99: number } => {
  const sorted = Float64Array.from(samples).sort()
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
  return { p50: at(0.5), p99: at(0.99) }
}

/** The numbers that are squared by a pool. */
export const smalls = (count: number): Array<number> => Array.from({ length: count }, (_, i) => small(i))

export const sum = (numbers: ReadonlyArray<number>): number => {
  let total = 0
  for (const n of numbers) total += n
  return total
}

export const sumOfSquares = (count: number): number => {
  let total = 0
  for (let i = 0; i < count; i++) total += small(i) ** 2
  return total
}
