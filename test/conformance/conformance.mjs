/**
 * How much of what CPython's own tests demand of multiprocessing has a test here that passes.
 *
 * `rows.json` restates these demands, one row a behaviour. A test shows a row if its title begins with the row's id.
 *
 * `npm run conformance` prints the areas; exit code 1 if a row of an area that has begun has no test, or a failing one. With `--json` it
 * prints one object, `{ "area": { "rows": n, "passed": n, "missing": [ids] } }`.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

/** The areas of which the library has something. The others are later work. */
const begun = ["PROC", "BOOT", "CONN", "LSTN", "WAIT", "QUEUE", "SQ", "POOL", "PPE", "PPED", "PPES", "FUT", "MISC"]

/** Of the listener, which is still to come, the hub has the authentication. */
const begunOfListener = /^LSTN-(?:03|14|15|16|18)$/

const root = fileURLToPath(new URL("../..", import.meta.url))
const json = process.argv.includes("--json")
const areas = JSON.parse(readFileSync(new URL("rows.json", import.meta.url), "utf8"))

/** The results of all tests whose titles begin with an id: `undefined`, or whether all of them passed. */
const runTests = () => {
  const directory = mkdtempSync(join(tmpdir(), "conformance-"))
  try {
    const output = join(directory, "results.json")
    const vitest = join(root, "node_modules/vitest/vitest.mjs")
    const ids = "(^| )(" + Object.keys(areas).join("|") + ")-[0-9]+ "
    const { stderr, stdout } = spawnSync(
      process.execPath,
      [vitest, "run", "--reporter=json", `--outputFile=${output}`, "-t", ids],
      { cwd: root, encoding: "utf8", maxBuffer: 1 << 28 }
    )
    const passed = new Map()
    let results
    try {
      results = JSON.parse(readFileSync(output, "utf8"))
    } catch {
      throw new Error(`the tests could not be run:\n${stdout}${stderr}`)
    }
    for (const { assertionResults } of results.testResults) {
      for (const { status, title } of assertionResults) {
        if (status === "skipped" || status === "pending") continue
        const [begin] = /^(?:[A-Z]+-[0-9]+[, ]+)*/.exec(title)
        for (const id of begin.match(/[A-Z]+-[0-9]+/g) ?? []) {
          passed.set(id, (passed.get(id) ?? true) && status === "passed")
        }
      }
    }
    return passed
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const passed = runTests()
const report = {}
for (const [area, rows] of Object.entries(areas)) {
  if (!begun.includes(area)) continue
  const ids = Object.keys(rows).filter((id) => area !== "LSTN" || begunOfListener.test(id))
  report[area] = {
    rows: ids.length,
    passed: ids.filter((id) => passed.get(id) === true).length,
    missing: ids.filter((id) => passed.get(id) !== true)
  }
}

if (json) {
  console.log(JSON.stringify(report))
} else {
  for (const [area, { missing, passed, rows }] of Object.entries(report)) {
    console.log(`${area.padEnd(6)} ${passed} of ${rows} rows passed`)
    for (const id of missing) console.log(`       missing ${id}: ${areas[area][id]}`)
  }
  const later = Object.entries(areas).filter(([area]) => !begun.includes(area))
  console.log("not yet begun: the rest of LSTN")
  console.log(`not yet begun: ${later.map(([area, rows]) => `${area} (${Object.keys(rows).length})`).join(", ")}`)
}
process.exitCode = Object.values(report).every(({ missing }) => missing.length === 0) ? 0 : 1
