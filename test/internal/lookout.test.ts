import { assert, describe, it } from "@effect/vitest"
import { Effect, type Fiber } from "effect"
import { sharedReader } from "../../src/internal/hub/front.ts"
import { ItemRingWriter, sizeOf } from "../../src/internal/hub/itemRing.ts"
import { Lookout } from "../../src/internal/hub/lookout.ts"

/** A reader of shared items, and its hub. What is watched is looked at by the test. */
const make = () => {
  const memory = new ArrayBuffer(sizeOf(1024))
  const hub = new ItemRingWriter(memory)
  let watched = 0
  const { lookout, ring } = sharedReader(memory, 1, () => watched++)
  const soon = () => {
    const wait = lookout.soon()
    return wait && Effect.runFork(wait)
  }
  return {
    lookout,
    ring,
    hub,
    soon,
    offer: () => hub.offer(new Uint8Array(1)),
    watched: () => watched,
    /** How many of so many that want to look ask at once. */
    asking: (count: number) => Array.from({ length: count }, soon).findIndex((fiber) => fiber !== undefined)
  }
}

const isDone = (fiber: Fiber.Fiber<void> | undefined) => fiber!.pollUnsafe() !== undefined

describe("who waits for shared items", () => {
  it("is woken when one is there, and is watched until then", () => {
    const { lookout, offer, soon, watched } = make()
    const fiber = soon()
    assert.strictEqual(watched(), 1)
    assert.isFalse(lookout.poll())
    assert.isFalse(isDone(fiber))
    offer()
    assert.isTrue(lookout.poll())
    assert.isTrue(isDone(fiber))
    assert.isFalse(lookout.poll(), "nobody waits")
  })

  it("is woken when the hub must be asked, and need not wait if it is so already, or an item is there", () => {
    const { hub, lookout, offer, soon } = make()
    const fiber = soon()
    hub.expect(false)
    assert.isTrue(lookout.poll())
    assert.isTrue(isDone(fiber))
    assert.isUndefined(soon())
    hub.expect(true)
    offer()
    assert.isUndefined(soon())
  })

  it("asks the hub when nothing comes soon, and looks less often where that happens again", () => {
    const { asking, lookout, offer, ring, soon } = make()
    const waits: Array<number> = []
    for (let i = 0; i < 9; i++) {
      const fiber = soon()
      assert.isTrue(lookout.sleep())
      assert.isTrue(isDone(fiber))
      waits.push(asking(100))
      lookout.wake()
      lookout.poll()
    }
    assert.deepStrictEqual(waits, [0, 1, 2, 4, 8, 16, 32, 64, 64])
    soon()
    offer()
    lookout.poll()
    ring.claim()
    soon()
    lookout.sleep()
    assert.strictEqual(asking(100), 0, "as at first")
  })

  it("waits for the next one if it waits again as soon as it is woken", () => {
    for (const wakes of ["poll", "sleep"] as const) {
      const { lookout, offer, ring } = make()
      let rounds = 0
      const fiber = Effect.runFork(Effect.gen(function*() {
        for (;;) {
          yield* lookout.soon() ?? Effect.never
          ring.claim()
          rounds++
        }
      }))
      if (wakes === "poll") offer()
      // It is still looked for what comes.
      assert.strictEqual(lookout[wakes](), wakes === "poll")
      assert.strictEqual(rounds, 1, wakes)
      offer()
      lookout.poll()
      assert.strictEqual(rounds, 2, wakes)
      fiber.interruptUnsafe()
    }
  })

  it("does not wait for what comes while it looks a hundred times", () => {
    let looks = 0
    let watched = 0
    const lookout = new Lookout(() => ++looks === 101, () => watched++, 100)
    const fiber = Effect.runFork(lookout.soon()!)
    assert.isTrue(isDone(fiber))
    assert.deepStrictEqual([looks, watched], [101, 0])
  })

  it("looks so often in a row the less, the more often that was in vain", () => {
    let looks = 0
    let comes = Infinity
    const lookout = new Lookout(() => ++looks === comes, () => {}, 100)
    const ask = () => {
      looks = 0
      lookout.soon()
      return looks
    }
    const all = Array.from({ length: 200 }, ask)
    const inARow = all.flatMap((looks, i) => looks === 101 ? [i] : [])
    assert.deepStrictEqual(inARow, [0, 1, 3, 6, 11, 20, 37, 70, 135])
    // Once it was not in vain, as at first.
    comes = 2
    for (let i = 0; i < 65; i++) ask()
    comes = Infinity
    assert.deepStrictEqual([ask(), ask(), ask(), ask()], [101, 101, 1, 101])
  })

  it("is forgotten when it is interrupted", () => {
    const { lookout, offer, soon } = make()
    const fiber = soon()
    fiber!.interruptUnsafe()
    offer()
    assert.isFalse(lookout.poll())
    assert.isTrue(lookout.sleep())
    assert.isTrue(isDone(fiber))
  })

  it("is woken when the memory goes", () => {
    const { lookout, soon } = make()
    const fibers = [soon(), soon()]
    lookout.wake()
    assert.deepStrictEqual(fibers.map(isDone), [true, true])
  })
})
