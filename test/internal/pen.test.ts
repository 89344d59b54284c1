import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ItemRingReader, ItemRingWriter, sizeOf } from "../../src/internal/hub/itemRing.ts"
import { Pen } from "../../src/internal/hub/pen.ts"

const firstWait = 4
const item = new Uint8Array(1)

/** A client that puts, and the memory that its hub may lend. */
const make = (capacity = 64 * 1024) => {
  const memory = new ArrayBuffer(sizeOf(capacity))
  const hub = new ItemRingWriter(memory)
  const reader = new ItemRingReader(memory, 1)
  const pen = new Pen({ expectAfter: firstWait, watch: () => {} })
  const segments = { opened: 0, released: 0, isMissing: false }
  const open = () => {
    if (segments.isMissing) return undefined
    segments.opened++
    return { memory, release: () => segments.released++ }
  }
  /** Puts by the hub until it is time to ask for the pen; gives how many that were. */
  const untilAsked = () => {
    for (let puts = 1;; puts++) {
      pen.putDown()
      if (pen.mustAsk()) return puts
    }
  }
  const take = (name = "a") => {
    hub.recall(() => {})
    hub.lend()
    return pen.take(7, name, open)
  }
  return { hub, reader, pen, segments, untilAsked, take }
}

describe("a client's pen", () => {
  it("is asked for after many items in a row, and offers what follows", () => {
    const { pen, reader, take, untilAsked } = make()
    assert.isFalse(pen.offer(item))
    assert.strictEqual(untilAsked(), firstWait)
    assert.isFalse(pen.mustAsk(), "it has asked")
    assert.isTrue(take())
    assert.isTrue(pen.offer(item))
    assert.deepStrictEqual(reader.claim(), item)
    assert.strictEqual(pen.putDown(), 7)
    assert.isFalse(pen.offer(item))
    assert.isUndefined(pen.putDown())
  })

  it("is not taken if something was put since it was asked for", () => {
    const { pen, take, untilAsked } = make()
    untilAsked()
    pen.putDown()
    assert.isFalse(take())
    assert.isFalse(pen.offer(item))
  })

  it("is lost when the hub takes it back, of which the next item learns", () => {
    const { hub, pen, take, untilAsked } = make()
    untilAsked()
    take()
    pen.offer(item)
    assert.strictEqual(hub.recall(() => {})!.length, 1)
    assert.isFalse(pen.offer(item))
    assert.strictEqual(pen.putDown(), 7)
  })

  it("offers again in the room of what was claimed, and nothing that does not fit", () => {
    const { pen, reader, take, untilAsked } = make(1024)
    untilAsked()
    take()
    const part = new Uint8Array(64)
    for (let i = 0; i < 16; i++) assert.isTrue(pen.offer(part))
    assert.isFalse(pen.offer(part))
    reader.claim()
    assert.isTrue(pen.offer(part.subarray(1)))
    for (let i = 0; i < 16; i++) reader.claim()
    assert.isFalse(pen.offer(new Uint8Array(65)), "there is larger memory for it")
  })

  it("is asked for less often where it is not lent, or lost soon, and as at first when it was good for many", () => {
    const { pen, reader, take, untilAsked } = make()
    untilAsked()
    pen.refused()
    assert.strictEqual(untilAsked(), 2 * firstWait)
    take()
    pen.offer(item)
    pen.putDown()
    reader.claim()
    assert.strictEqual(untilAsked(), 4 * firstWait)
    take()
    for (let i = 0; i < 64; i++) pen.offer(item)
    pen.putDown()
    assert.strictEqual(untilAsked(), firstWait)
  })

  it("opens the memory once, and releases it when there is other memory", () => {
    const { pen, segments, take, untilAsked } = make()
    for (const name of ["a", "a", "b"]) {
      untilAsked()
      assert.isTrue(take(name))
    }
    assert.deepStrictEqual(segments, { opened: 2, released: 1, isMissing: false })
    pen.release()
    assert.strictEqual(segments.released, 2)
    segments.isMissing = true
    untilAsked()
    assert.isFalse(take("c"))
  })

  it("may be worth to wait for, until there is an answer", () => {
    const { pen, take, untilAsked } = make()
    assert.isUndefined(pen.lookout.soon())
    for (const answer of [take, () => pen.refused(), () => void pen.putDown()]) {
      untilAsked()
      const fiber = Effect.runFork(pen.lookout.soon()!)
      assert.isFalse(pen.lookout.poll())
      answer()
      assert.isTrue(pen.lookout.poll())
      assert.isDefined(fiber.pollUnsafe())
      assert.isUndefined(pen.lookout.soon())
      pen.putDown()
      pen.refused()
    }
  })

  it("offers bytes behind others", () => {
    const { pen, reader, take, untilAsked } = make()
    untilAsked()
    take()
    pen.offer(Buffer.from("tail"), Buffer.from("head"))
    assert.strictEqual(Buffer.from(reader.claim()!).toString(), "headtail")
  })
})
