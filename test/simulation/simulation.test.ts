import { describe, expect, it } from "@effect/vitest"
import { Random, seed } from "../support/random.ts"
import * as scenarios from "./scenarios.ts"

/** `SEEDS=20000` runs more; `SEED=17 SEEDS=1` repeats one. */
const seeds = Number(process.env["SEEDS"] ?? 1000)

describe.each(Object.entries(scenarios))("simulated: %s", (name, scenario) => {
  it(`holds for ${seeds} seeds`, { timeout: 300_000 }, async () => {
    for (let i = seed; i < seed + seeds; i++) {
      const violations = await scenario(new Random(i))
      expect(violations, `repeat it with SEED=${i} SEEDS=1 vitest run test/simulation -t ${name}`).toEqual([])
    }
  })
})
