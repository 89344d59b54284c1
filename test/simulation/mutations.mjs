/**
 * Does the simulation bite? Applies deliberate defects to a copy of the sources, one by one, and expects each to be found.
 *
 * `npm run test:mutations` (`-- credit`: those whose text has this in it) prints a line for each, and ends with exit code 1 if one survives.
 */
import { spawnSync } from "node:child_process"
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { defects } from "./defects.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const copy = mkdtempSync(join(tmpdir(), "mutations-"))
const chosen = defects.filter(({ defect }) => defect.includes(process.argv[2] ?? ""))
let survivors = 0
try {
  for (const part of ["src", "test/simulation", "test/support", "package.json"]) {
    cpSync(join(root, part), join(copy, part), { recursive: true })
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))
  const run = () =>
    spawnSync(
      process.execPath,
      ["--conditions=@effect-multiprocessing/source", "test/simulation/run.ts", "all", "1", "300"],
      { cwd: copy, encoding: "utf8", timeout: 120_000 }
    )
  const sound = run()
  if (sound.status !== 0) throw new Error(`the simulation fails without a defect:\n${sound.stdout}${sound.stderr}`)
  for (const { defect, file, find, replace } of chosen) {
    const path = join(copy, file)
    const source = readFileSync(path, "utf8")
    if (source.split(find).length !== 2) throw new Error(`${defect}: its place in ${file} is not there, or not unique`)
    writeFileSync(path, source.replace(find, () => replace))
    const result = run()
    writeFileSync(path, source)
    const found = result.status === 1 && result.stdout.includes("seed")
    if (!found) survivors++
    console.log(`${found ? "found   " : "SURVIVED"}  ${defect}${found ? `  (${result.stdout.split("\n")[0]})` : ""}`)
    if (!found && result.stderr !== "") console.log(result.stderr.slice(0, 500))
  }
} finally {
  rmSync(copy, { recursive: true, force: true })
}
console.log(`${chosen.length - survivors} defects found, ${survivors} survived`)
process.exitCode = survivors === 0 ? 0 : 1
