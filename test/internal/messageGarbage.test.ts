import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { alone, messageGarbage } from "../../src/internal/transport/messageGarbage.ts"

const MiB = 1024 * 1024

/** What is told of messages: how many collections there were, if each takes so many milliseconds. */
const make = (times: ReadonlyArray<number> = [0.1]) => {
  let time = 0
  let collected = 0
  let planned: (() => void) | undefined
  const cameIn = messageGarbage(() => time += times[collected++ % times.length]!, () => time, (run) => planned = run)
  return {
    /** So many messages of a size come at once: how many collections there were after each. */
    come: (count: number, size: number): Array<number> =>
      Array.from({ length: count }, () => {
        cameIn(size)
        return collected
      }),
    /** All that was ready to run has run: how many there were then. */
    turn: (): number => {
      const run = planned
      planned = undefined
      run?.()
      return collected
    }
  }
}

/** The same, after each of so many messages which are worked on one after the other. */
const collections = (count: number, size: number, times?: ReadonlyArray<number>): Array<number> => {
  const { come, turn } = make(times)
  return Array.from({ length: count }, () => {
    come(1, size)
    return turn()
  })
}

/** What a program tells that gets many messages of 1 MiB and keeps none of them. V8 must have nothing to complain about. */
const run = (...flags: ReadonlyArray<string>): { readonly major: number; readonly gc: string } => {
  const program = `
    import { PerformanceObserver } from "node:perf_hooks"
    import { runInNewContext } from "node:vm"
    import { messageGarbage } from ${
    JSON.stringify(new URL("../../src/internal/transport/messageGarbage.ts", import.meta.url).href)
  }
    let major = 0
    new PerformanceObserver((list) => {
      for (const { detail } of list.getEntries()) if (detail.kind === 4) major++
    }).observe({ entryTypes: ["gc"] })
    const cameIn = messageGarbage()
    for (let i = 0; i < 800; i++) {
      const message = Buffer.allocUnsafeSlow(${MiB})
      cameIn(message.length)
      if (i % 100 === 0) await new Promise(setImmediate)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
    console.log(JSON.stringify({ major, gc: typeof gc + " " + runInNewContext("typeof gc") }))`
  const { stderr, stdout } = spawnSync(process.execPath, [...flags, "--input-type=module", "--eval", program], {
    encoding: "utf8",
    timeout: 60_000
  })
  assert.strictEqual(stderr, "")
  return JSON.parse(stdout)
}

describe("the garbage of messages", () => {
  it("is collected after each 2 MiB, whatever the size of a message, when what came has been worked on", () => {
    assert.deepStrictEqual(collections(8, 3 / 4 * MiB), [0, 0, 1, 1, 1, 2, 2, 2])
    assert.deepStrictEqual(collections(3, 3 * MiB), [1, 2, 3])
    assert.strictEqual(collections(2 ** 17, 48).at(-1), 2)
    const { come, turn } = make()
    assert.deepStrictEqual(come(3, MiB), [0, 0, 0])
    assert.deepStrictEqual([turn(), turn()], [1, 1])
  })

  it("is collected at once after each 4 MiB that come meanwhile, and then not again before more has been worked on", () => {
    const { come, turn } = make()
    assert.deepStrictEqual(come(8, MiB), [0, 0, 0, 1, 1, 1, 1, 2])
    assert.deepStrictEqual([turn(), turn()], [2, 2])
    assert.strictEqual(come(7, MiB).at(-1), 3)
    assert.deepStrictEqual([turn(), turn()], [3, 3])
    come(1, MiB / 2)
    assert.deepStrictEqual([turn(), turn()], [4, 4])
  })

  it("is left to V8 where messages are longer than what has it mark its heap", () => {
    assert.deepStrictEqual(collections(3, 20 * MiB), [1, 2, 3])
    assert.strictEqual(collections(100, 20 * MiB + 1).at(-1), 0)
  })

  it("is collected less often where that takes long, and as before when it does not any more", () => {
    const after = (times: ReadonlyArray<number>) => collections(2000, 2 * MiB, times)
    // Three after each message, three after each second one, and so on; not less often than after each sixteenth.
    assert.deepStrictEqual([3, 9, 21, 45, 93].map((count) => after([5])[count - 1]), [3, 6, 9, 12, 15])
    assert.deepStrictEqual([93 + 16, 93 + 160].map((count) => after([5])[count - 1]), [16, 25])
    const quickAgain = [...Array.from({ length: 12 }, () => 5), ...Array.from({ length: 2000 }, () => 0.1)]
    assert.deepStrictEqual([45, 61, 62, 63].map((count) => after(quickAgain)[count - 1]), [12, 13, 14, 15])
  })

  it("is collected in spite of a slow one now and then", () => {
    assert.strictEqual(collections(600, 2 * MiB, [0.1, 30, 30]).at(-1), 600)
  })

  it("costs V8 no marking of its heap, and leaves no flag behind", () => {
    // Without, V8 of Node 24 marks it eight times; that of others seldom.
    const told = run()
    assert.isAtMost(told.major, 1)
    assert.strictEqual(told.gc, "undefined undefined")
    assert.strictEqual(run("--expose-gc").gc, "function function")
  })

  it("is collected on one thread, by flags that hold for as long as that takes", () => {
    const seen: Array<string> = []
    const collect = (v8: string, ...flags: ReadonlyArray<string>) => {
      seen.length = 0
      alone(() => seen.push("collect"), { v8, flags, setFlags: (flags) => seen.push(flags) })()
      return [...seen]
    }
    const off = "--no-parallel-scavenge --no-concurrent-array-buffer-sweeping"
    const on = "--parallel-scavenge --concurrent-array-buffer-sweeping"
    assert.deepStrictEqual(collect("12.4.254.21-node.29", "--max-semi-space-size=8"), [off, "collect", on])
    assert.deepStrictEqual(collect("14.6.202.34-node.34"), [off, "collect", on])
    // Not where they may be unknown, or where somebody has set them.
    assert.deepStrictEqual(collect("15.0.1"), ["collect"])
    assert.deepStrictEqual(collect("11.9.1"), ["collect"])
    for (
      const flag of [
        "--no-parallel-scavenge",
        "--noparallel_scavenge",
        "--single-threaded",
        "--single-threaded-gc",
        "--predictable"
      ]
    ) assert.deepStrictEqual(collect(process.versions.v8, flag), ["collect"], flag)
  })

  it("leaves the flags behind as they were when a collection throws", () => {
    const seen: Array<string> = []
    const collect = alone(() => {
      throw new Error("no")
    }, { v8: "13.6.1", flags: [], setFlags: (flags) => seen.push(flags) })
    assert.throws(collect, "no")
    assert.strictEqual(seen.length, 2)
  })
})
