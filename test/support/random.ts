/**
 * Random numbers that a seed repeats exactly.
 *
 * `SEED=7 vitest run …` runs with that seed alone, `SEED=random` with one that was never used before.
 */

/** mulberry32. */
export class Random {
  readonly seed: number
  private state: number

  constructor(seed: number) {
    this.seed = seed
    this.state = seed >>> 0
  }

  /** From 0, below 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let t = this.state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }

  /** From 0, below `end`. */
  int(end: number): number {
    return Math.floor(this.next() * end)
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<A>(choices: ReadonlyArray<A>): A {
    return choices[this.int(choices.length)]!
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    for (let i = 0; i < length; i++) bytes[i] = this.int(256)
    return bytes
  }

  /** Another stream of numbers, determined by this one. */
  fork(): Random {
    return new Random(this.int(0x1_0000_0000))
  }
}

/** The seed to begin with. */
export const seed: number = process.env["SEED"] === undefined
  ? 1
  : process.env["SEED"] === "random"
  ? Math.floor(Math.random() * 0x1_0000_0000)
  : Number(process.env["SEED"])

/** The message of a failure that a seed repeats. */
export const seedNote = (random: Random): string => `repeat it with SEED=${random.seed}`
