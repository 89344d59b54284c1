/** The benchmark runs, and prints what it promises. */
import { assert, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { leavesNothingBehind } from "./support/processes.ts"

leavesNothingBehind()

it("prints one comparison a line as JSON, with a ratio above 1 where ours is better", () => {
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    [
      ...process.execArgv.filter((flag) => flag.startsWith("--conditions=")),
      fileURLToPath(new URL("../bench/main.ts", import.meta.url)),
      "--case=pipe-rtt",
      "--rounds=1",
      "--scale=0.01",
      "--json"
    ],
    { encoding: "utf8", timeout: 60_000 }
  )
  assert.strictEqual(status, 0, stderr)
  const lines = stdout.trim().split("\n").map((line) => JSON.parse(line))
  for (const name of ["pipe-rtt", "pipe-rtt-p99"]) {
    for (const peer of ["ours-socket", "node-fork-json", "node-fork-advanced", "node-socket", "effect-rpc"]) {
      const line = lines.find((line) => line.case === name && line.peer === peer)
      assert.isDefined(line, `${name} against ${peer}`)
      assert.strictEqual(line.unit, "us")
      assert.strictEqual(line.better, "lower")
      assert.isAbove(line.ours, 0)
      assert.isAbove(line.theirs, 0)
      assert.closeTo(line.ratio, line.theirs / line.ours, line.ratio / 100)
    }
  }
}, 60_000)
