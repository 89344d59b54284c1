/** The benchmark runs, and prints what it promises. */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Line } from "../bench/line.ts"
import { leavesNothingBehind } from "./support/processes.ts"

leavesNothingBehind()

const patience = 120_000

const run = (name: string, scale: number): ReadonlyArray<Line> => {
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    [
      ...process.execArgv.filter((flag) => flag.startsWith("--conditions=")),
      fileURLToPath(new URL("../bench/main.ts", import.meta.url)),
      `--case=${name}`,
      "--rounds=1",
      `--scale=${scale}`,
      "--json"
    ],
    { encoding: "utf8", timeout: patience }
  )
  assert.strictEqual(status, 0, stderr)
  return stdout.trim().split("\n").map((line) => JSON.parse(line))
}

/** Peers that need nothing but npm. */
const nodePeers = ["ours-socket", "node-fork-json", "node-fork-advanced", "node-socket", "effect-rpc"] as const
const poolPeers = [
  "ours-socket",
  "effect-rpc",
  "piscina",
  "tinypool-thread",
  "tinypool-process",
  "workerpool-thread",
  "workerpool-process"
] as const

const compares = (
  lines: ReadonlyArray<Line>,
  name: string,
  peers: ReadonlyArray<Line["peer"]>,
  unit: string,
  better: Line["better"]
): void => {
  for (const peer of peers) {
    const line = lines.find((line) => line.case === name && line.peer === peer)
    assert(line !== undefined, `${name} against ${peer}`)
    assert.strictEqual(line.unit, unit)
    assert.strictEqual(line.better, better)
    assert.isAbove(line.ours, 0)
    assert.isAbove(line.theirs, 0)
    const ratio = better === "lower" ? line.theirs / line.ours : line.ours / line.theirs
    assert.closeTo(line.ratio, ratio, line.ratio / 100)
  }
}

describe("prints one comparison a line as JSON, with a ratio above 1 where ours is better", () => {
  it("of round trips", () => {
    const lines = run("pipe-rtt", 0.01)
    for (const name of ["pipe-rtt", "pipe-rtt-p99"]) compares(lines, name, nodePeers, "us", "lower")
  }, patience)

  it.each(["pool-map-chunk1", "pool-map"])("of many tasks of a pool: %s", (name) => {
    compares(run(name, 0.002), name, poolPeers, "tasks/s", "higher")
  }, patience)

  it("of one task of a pool at a time", () => {
    const lines = run("pool-run-latency", 0.01)
    for (const name of ["pool-run-latency", "pool-run-latency-p99"]) compares(lines, name, poolPeers, "us", "lower")
  }, patience)

  // "pool-real" is the same program.
  it("of a pool with one process, and with what is promised", () => {
    compares(run("pool-real-scaling", 0.01), "pool-real-scaling", ["bound"], "speed of two workers / of one", "higher")
    const lines = run("pool-real-speedup", 0.01)
    const unit = "speed of two workers / of one process"
    compares(lines, "pool-real-speedup", ["ours-socket", "piscina", "tinypool-process", "bound"], unit, "higher")
    assert.strictEqual(lines.find(({ peer }) => peer === "bound")?.theirs, 1.9)
  }, patience)

  it("of bytes through a pool", () => {
    compares(run("pool-bytes", 0.01), "pool-bytes", poolPeers, "MiB/s", "higher")
  }, patience)
})
