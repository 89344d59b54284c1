/** The small version of `npm run test:fault pools`. */
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Mp from "effect-multiprocessing"
import { leavesNothingBehind } from "../support/processes.ts"
import { Random, seed } from "../support/random.ts"
import {
  deaths,
  type Fault,
  hogs,
  interruptions,
  owners,
  recycling,
  runaways,
  shutdowns,
  type Sizes,
  starts
} from "./pools.ts"

leavesNothingBehind()

const run = (fault: Fault, sizes: Omit<Sizes, "random">) =>
  Effect.scoped(fault({ ...sizes, random: new Random(seed) })).pipe(Effect.provide(Mp.layer))

describe("each task of a pool ends once, and the pool is whole afterwards", () => {
  it.live("when its workers are killed", () => run(deaths, { tasks: 2000, kills: 6 }))

  it.live("when tasks run away, or end just when they are given up", () => run(runaways, { tasks: 300, kills: 6 }))

  it.live("when tasks fill the heap of their worker", () => run(hogs, { tasks: 100, kills: 1 }))

  it.live("when workers are killed while they start", () => run(starts, { tasks: 300, kills: 4 }))

  it.live("when workers are killed and replaced after a few tasks", () => run(recycling, { tasks: 18, kills: 3 }))

  it.live("when everything is interrupted", () => run(interruptions, { tasks: 200, kills: 0 }))
})

describe("nothing is left of a pool", () => {
  it.live("that is shut down while its workers are killed", () => run(shutdowns, { tasks: 240, kills: 24 }))

  it.live("whose owner is killed", () => run(owners, { tasks: 0, kills: 1 }))
})
