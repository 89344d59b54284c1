import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { freed, huge, longBlocks } from "../../src/internal/transport/longBlocks.ts"
import { collectGarbage } from "../support/garbage.ts"
import { eventually } from "../support/waiting.ts"

const mebibyte = 1024 * 1024

describe("blocks of long messages", () => {
  const make = () => {
    const told: Array<string> = []
    const allocate = longBlocks({
      keepSome: () => void told.push("keep some"),
      keep: () => void told.push("keep"),
      giveBack: () => void told.push("give back")
    })
    return { told, one: (size = huge) => allocate(size, () => Buffer.allocUnsafeSlow(1)) }
  }

  it("have some freed ones kept, which is said once", () => {
    const { one, told } = make()
    for (const size of [70_000, huge - 1, 100_000]) assert.strictEqual(one(size).length, 1)
    assert.deepStrictEqual(told, ["keep some"])
  })

  it.live("have freed ones kept before each huge one, and given back a second after the last", () =>
    Effect.gen(function*() {
      const { one, told } = make()
      const blocks = [one(), one()]
      assert.deepStrictEqual(told, ["keep", "keep"])
      yield* eventually("what is kept is given back", Effect.sync(() => told.length === 3))
      blocks.push(one())
      yield* eventually("and again", Effect.sync(() => told.length === 5))
      assert.deepStrictEqual(told, ["keep", "keep", "give back", "keep", "give back"])
      assert.strictEqual(blocks.length, 3)
    }))

  it.live("have freed ones given back, too, when one is found to be garbage much later", () =>
    Effect.gen(function*() {
      const { one, told } = make()
      let block: Buffer | undefined = one()
      yield* eventually("what is kept is given back", Effect.sync(() => told.length === 2))
      assert.strictEqual(block.length, 1)
      block = undefined
      yield* Effect.promise(collectGarbage)
      yield* eventually("the block is given back", Effect.sync(() => told.length === 3))
      assert.deepStrictEqual(told, ["keep", "give back", "give back"])
    }))

  const isGlibc = "glibcVersionRuntime" in (process.report.getReport() as { readonly header: object }).header
  const source = (path: string) => JSON.stringify(new URL(`../../src/internal/transport/${path}`, import.meta.url).href)

  /** What a program tells that can allocate a `block`, and knows which `faults` something costs and how many bytes are `resident`. */
  const run = (statements: string): unknown => {
    const program = `
      import * as koffi from "koffi"
      import { freed, longBlocks } from ${source("longBlocks.ts")}
      const allocate = longBlocks(freed(koffi.load(null), {}))
      const block = (mebibytes) => allocate(mebibytes * ${mebibyte}, Buffer.allocUnsafeSlow)
      const free = (block) => block.buffer.transfer(0)
      const resident = () => process.memoryUsage.rss()
      const faults = (run) => {
        const before = process.resourceUsage().minorPageFault
        run()
        return process.resourceUsage().minorPageFault - before
      }
      ${statements}`
    const { stderr, stdout } = spawnSync(process.execPath, ["--expose-gc", "--input-type=module", "--eval", program], {
      cwd: import.meta.dirname,
      encoding: "utf8",
      env: { ...process.env, NODE_NO_WARNINGS: "1" },
      timeout: 60_000
    })
    assert.strictEqual(stderr, "")
    return JSON.parse(stdout)
  }

  it.skipIf(!isGlibc)("are made of the pages of those before, of which a little stays", () => {
    const { kept, rounds } = run(`
      const use = (count) => {
        const blocks = Array.from({ length: count }, () => block(1).fill(1))
        const used = resident()
        blocks.forEach(free)
        return used
      }
      const rounds = Array.from({ length: 10 }, () => faults(() => use(12)))
      const kept = use(100) - resident()
      console.log(JSON.stringify({ rounds, kept }))`) as {
      readonly rounds: ReadonlyArray<number>
      readonly kept: number
    }
    const pages = 12 * mebibyte / 4096
    // In the first ones, blocks are as the library makes them that has freed none yet.
    assert.isAtLeast(rounds.slice(2).filter((count) => count < pages / 4).length, 6, `page faults: ${rounds}`)
    assert.isAtLeast(kept, 80 * mebibyte)
  })

  it.skipIf(!isGlibc)(
    "are made of the pages of the one before if they are huge, which go back to the system at last",
    () => {
      const { counts: [first, ...others], full, kept, last } = run(`
      const counts = []
      for (let i = 0; i < 5; i++) {
        const one = block(40)
        counts.push(faults(() => one.fill(1)))
        free(one)
      }
      const filled = () => {
        const blocks = [block(40), block(40), block(40)]
        for (const block of blocks) block.fill(1)
        return resident()
      }
      const full = filled()
      gc()
      const kept = resident()
      let last = kept
      for (let i = 0; i < 1000 && last > full - ${100 * mebibyte}; i++) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        last = resident()
      }
      console.log(JSON.stringify({ counts, full, kept, last }))`) as {
        readonly counts: readonly [number, ...Array<number>]
        readonly full: number
        readonly kept: number
        readonly last: number
      }
      // The second one may find its place taken by something small.
      assert.isAtLeast(others.filter((count) => count < first / 4).length, 3, `page faults: ${first}, ${others}`)
      assert.isAbove(kept, full - 20 * mebibyte)
      assert.isAtMost(last, full - 100 * mebibyte)
    }
  )

  it.skipIf(!isGlibc)("are left to the C library, if the user has given it parameters, and in threads", async () => {
    const koffi = await import("koffi")
    const library = koffi.load(null)
    for (
      const environment of [
        { MALLOC_MMAP_THRESHOLD_: "1000000" },
        { MALLOC_TRIM_THRESHOLD_: "1000000" },
        { GLIBC_TUNABLES: "glibc.malloc.check=0:glibc.malloc.mmap_max=3" }
      ]
    ) assert.isUndefined(freed(library, environment))
    for (const environment of [{}, { MALLOC_ARENA_MAX: "2" }, { GLIBC_TUNABLES: "glibc.malloc.check=0" }]) {
      assert.isDefined(freed(library, environment))
    }
    assert.isUndefined(freed(library, {}, false))
  })
})
