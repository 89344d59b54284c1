/**
 * `npm run bench`: what things cost, next to what they cost elsewhere. See docs/performance.md.
 *
 * Every arm of every round runs in a fresh process, in turns, so that a mood of the machine hits all arms alike, and none is warmed up by
 * another.
 */
import { parseArgs } from "node:util"
import { run, waits } from "./arms.ts"
import { type Arm, type Case, cases } from "./cases.ts"
import type { Line } from "./line.ts"
import type { Measurement } from "./work.ts"

const { values: flags } = parseArgs({
  options: {
    case: { type: "string", multiple: true },
    rounds: { type: "string", default: "5" },
    scale: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false }
  }
})
if (flags.help) {
  console.log(`npm run bench -- [--case NAME]... [--rounds 5] [--scale 1] [--json]

--case NAME   runs one case, or several: ${cases.map(({ name }) => name).join(", ")}
--rounds N    how often each arm runs; the median counts
--scale F     multiplies the counts
--json        one object a line`)
  process.exit()
}
const rounds = Math.max(1, Number(flags.rounds))
const scale = Number(flags.scale)
const chosen = flags.case === undefined ? cases : flags.case.map((name) => {
  const found = cases.find((one) => one.name === name)
  if (found !== undefined) return found
  console.error(`There is no case ${name}. There are: ${cases.map(({ name }) => name).join(", ")}`)
  process.exit(1)
})

const median = (numbers: ReadonlyArray<number>): number => {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const round = (n: number) => Number(n.toPrecision(4))
const spread = (numbers: ReadonlyArray<number>) => [round(Math.min(...numbers)), round(Math.max(...numbers))] as const
const cpu = (samples: ReadonlyArray<Measurement>) =>
  samples[0]?.cpu === undefined ? null : round(median(samples.map((one) => one.cpu! / one.count)) * 1e6)

/** Some machines are too idle to be measured, and JSON has no infinity. */
const least = 1e-3

const report = (which: Case, samples: ReadonlyMap<Arm, ReadonlyArray<Measurement>>): void => {
  const mine = samples.get("ours")
  for (const [suffix, figure] of Object.entries(which.figures)) {
    const table: Array<string> = []
    const row = (arm: string, figures: ReadonlyArray<number>, cpu: number | null, waits: string, ratio?: number) =>
      table.push([
        `  ${arm}`.padEnd(22),
        `${round(median(figures)).toLocaleString("en")}`.padStart(10),
        `${spread(figures).map((n) => n.toLocaleString("en")).join(" to ")}`.padStart(24),
        (cpu === null ? "" : `${cpu.toLocaleString("en")} us of CPU each`).padStart(24),
        waits.padStart(8),
        ratio === undefined ? "" : `ratio ${ratio.toFixed(2)}`.padStart(14)
      ].join(" "))
    const ours = mine?.map(figure)
    if (ours !== undefined) row("ours", ours, cpu(mine!), waits("ours"))
    const compare = (peer: Line["peer"], theirs: ReadonlyArray<number>, theirsCpu: number | null) => {
      const theirsWaits = peer === "bound" ? null : waits(peer)
      if (ours === undefined) return row(peer, theirs, theirsCpu, theirsWaits ?? "")
      const [x, y] = [Math.max(median(ours), least), Math.max(median(theirs), least)]
      const line: Line = {
        case: `${which.name}${suffix}`,
        unit: which.unit,
        better: which.better,
        peer,
        ours: round(median(ours)),
        theirs: round(median(theirs)),
        ratio: round(which.better === "higher" ? x / y : y / x),
        oursSpread: spread(ours),
        theirsSpread: spread(theirs),
        oursCpu: cpu(mine!),
        theirsCpu,
        oursWaits: waits("ours"),
        theirsWaits,
        rounds
      }
      row(peer, theirs, theirsCpu, theirsWaits ?? "", line.ratio)
      if (flags.json) console.log(JSON.stringify(line))
    }
    for (const [arm, theirs] of samples) if (arm !== "ours") compare(arm, theirs.map(figure), cpu(theirs))
    if (which.bound !== undefined) compare("bound", [which.bound], null)
    if (!flags.json) {
      console.log(`${which.name}${suffix}: ${which.unit}, ${which.better} is better\n${table.join("\n")}`)
    }
  }
}

for (const which of chosen) {
  const arms = Object.keys(which.arms) as Array<Arm>
  const samples = new Map<Arm, Array<Measurement>>()
  const out = new Set<Arm>()
  for (let i = 0; i < rounds; i++) {
    for (const arm of arms) {
      if (out.has(arm)) continue
      const count = which.fixed ? which.count : Math.max(1, Math.round(which.count * which.arms[arm]! * scale))
      try {
        const result = await run(arm, which, count)
        if (typeof result === "string") {
          out.add(arm)
          console.error(`${which.name}: ${arm} is skipped, because ${result}`)
        } else {
          const list = samples.get(arm)
          if (list === undefined) samples.set(arm, [result])
          else list.push(result)
        }
      } catch (error) {
        out.add(arm)
        samples.delete(arm)
        process.exitCode = 1
        console.error(error instanceof Error ? error.message : error)
      }
    }
    // Nobody always comes after the same one.
    arms.push(arms.shift()!)
  }
  report(
    which,
    new Map((Object.keys(which.arms) as Array<Arm>).flatMap((arm) => {
      const list = samples.get(arm)
      return list === undefined ? [] : [[arm, list] as const]
    }))
  )
}
