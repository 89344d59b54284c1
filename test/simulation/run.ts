/**
 * Runs scenarios from the command line: `node --conditions=@effect-multiprocessing/source test/simulation/run.ts [scenario] [seed] [count]`.
 *
 * Prints the first seed of each scenario that finds a violation, and ends with exit code 1 if there is one.
 */
import { Random } from "../support/random.ts"
import * as scenarios from "./scenarios.ts"

const [only, from = "1", count = "300"] = process.argv.slice(2)
let found = 0
for (const [name, scenario] of Object.entries(scenarios)) {
  if (only !== undefined && only !== "all" && only !== name) continue
  for (let seed = Number(from); seed < Number(from) + Number(count); seed++) {
    const violations = await scenario(new Random(seed))
    if (violations.length === 0) continue
    console.log(`${name}, seed ${seed}: ${violations.join("; ")}`)
    found++
    break
  }
}
process.exitCode = found === 0 ? 0 : 1
