/** How long it takes to start. */
import { Effect } from "effect"
import * as Mp from "effect-multiprocessing"
import * as Procfs from "../procfs.ts"
import { cpuTime, type Measurement, percentiles } from "../work.ts"
import { now } from "./startTarget.ts"

const starts = Effect.fnUntraced(function*(count: number, pause: number) {
  const samples: Array<number> = []
  let [seconds, cpu] = [0, 0]
  // The first one finds nothing in the caches.
  for (let i = -1; i < count; i++) {
    // Spares that are used up are replaced.
    yield* Effect.sleep(pause)
    const own = cpuTime()
    const children = Procfs.cpuOfEnded()
    const { first, start } = yield* now
    if (i < 0) continue
    samples.push(first - start)
    seconds += (first - start) / 1e6
    if (children !== undefined) cpu += (cpuTime() - own) / 1e6 + Procfs.cpuOfEnded()! - children
  }
  const measurement: Measurement = { seconds, count, cpu: Procfs.available ? cpu : undefined, ...percentiles(samples) }
  return measurement
})

/** Long enough for a spare to be ready. */
const pause = 1000

const warm = (count: number) =>
  Effect.provide(
    starts(count, pause),
    Mp.Spawner.layerWarm({ spares: 2, preload: [new URL("startTarget.ts", import.meta.url)] })
  )

export const startCases = {
  "start-cold": (count: number) => starts(count, 0),
  "start-warm": warm
}
