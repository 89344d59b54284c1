import { assert, describe, it } from "@effect/vitest"
import { FrameMemory } from "../../src/internal/pool/frameMemory.ts"

const KiB = 1024
const MiB = 1024 * KiB

describe("the memory of frames", () => {
  it("is used again, for frames that are a little shorter too", () => {
    const memory = new FrameMemory()
    const first = memory.take(MiB)
    memory.give(first)
    const second = memory.take(MiB - 1)
    assert.strictEqual(second.buffer, first.buffer)
    assert.deepStrictEqual([second.byteOffset, second.length], [0, MiB - 1])
    memory.give(second)
    assert.strictEqual(memory.take(MiB).buffer, first.buffer)
  })

  it("is another one for each frame that is in use", () => {
    const memory = new FrameMemory()
    const given = memory.take(MiB)
    memory.give(given)
    const frames = Array.from({ length: 5 }, () => memory.take(MiB))
    assert.strictEqual(new Set(frames.map(({ buffer }) => buffer)).size, 5)
  })

  it("is not wasted on frames of half the size, nor too small for any", () => {
    const memory = new FrameMemory()
    const large = memory.take(MiB)
    memory.give(large)
    assert.notStrictEqual(memory.take(MiB / 2 - 1).buffer, large.buffer)
    assert.notStrictEqual(memory.take(MiB + 1).buffer, large.buffer)
    assert.strictEqual(memory.take(MiB / 2).buffer, large.buffer)
  })

  it("is made anew for short frames", () => {
    const memory = new FrameMemory()
    const short = memory.take(64 * KiB - 1)
    memory.give(short)
    assert.notStrictEqual(memory.take(64 * KiB - 1).buffer, short.buffer)
    assert.strictEqual(short.length, 64 * KiB - 1)
  })

  it("is 8 MiB at most when it is not in use: the rest is given back at once", () => {
    const memory = new FrameMemory()
    const frames = Array.from({ length: 10 }, () => memory.take(MiB))
    for (const frame of frames) memory.give(frame)
    assert.deepStrictEqual(frames.map(({ length }) => length), [0, 0, ...Array.from({ length: 8 }, () => MiB)])
    const huge = memory.take(9 * MiB)
    memory.give(huge)
    assert.strictEqual(huge.length, 0)
    assert.strictEqual(memory.take(MiB).buffer, frames.at(-1)!.buffer, "the others are still there")
  })
})
