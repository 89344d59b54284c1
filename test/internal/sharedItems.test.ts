import { assert, describe, it } from "@effect/vitest"
import { Effect, type Fiber } from "effect"
import { ItemRingReader, ItemRingWriter, sizeOf } from "../../src/internal/hub/itemRing.ts"
import { SharedItems } from "../../src/internal/hub/sharedItems.ts"

/** A reader of shared items, and its hub. What is watched is looked at by the test. */
const make = () => {
  const memory = new ArrayBuffer(sizeOf(1024))
  const hub = new ItemRingWriter(memory)
  let watched = 0
  const items = new SharedItems(new ItemRingReader(memory, 1), () => watched++)
  const soon = () => {
    const wait = items.soon()
    return wait && Effect.runFork(wait)
  }
  return {
    items,
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
    const { items, offer, soon, watched } = make()
    const fiber = soon()
    assert.strictEqual(watched(), 1)
    assert.isFalse(items.poll())
    assert.isFalse(isDone(fiber))
    offer()
    assert.isTrue(items.poll())
    assert.isTrue(isDone(fiber))
    assert.isFalse(items.poll(), "nobody waits")
  })

  it("is woken when the hub must be asked, and need not wait if it is so already, or an item is there", () => {
    const { hub, items, offer, soon } = make()
    const fiber = soon()
    hub.expect(false)
    assert.isTrue(items.poll())
    assert.isTrue(isDone(fiber))
    assert.isUndefined(soon())
    hub.expect(true)
    offer()
    assert.isUndefined(soon())
  })

  it("asks the hub when nothing comes soon, and looks less often where that happens again", () => {
    const { asking, items, offer, soon } = make()
    const waits: Array<number> = []
    for (let i = 0; i < 9; i++) {
      const fiber = soon()
      assert.isTrue(items.sleep())
      assert.isTrue(isDone(fiber))
      waits.push(asking(100))
      items.wake()
      items.poll()
    }
    assert.deepStrictEqual(waits, [0, 1, 2, 4, 8, 16, 32, 64, 64])
    soon()
    offer()
    items.poll()
    items.ring.claim()
    soon()
    items.sleep()
    assert.strictEqual(asking(100), 0, "as at first")
  })

  it("waits for the next one if it waits again as soon as it is woken", () => {
    for (const wakes of ["poll", "sleep"] as const) {
      const { items, offer } = make()
      let rounds = 0
      const fiber = Effect.runFork(Effect.gen(function*() {
        for (;;) {
          yield* items.soon() ?? Effect.never
          items.ring.claim()
          rounds++
        }
      }))
      if (wakes === "poll") offer()
      // It is still looked for what comes.
      assert.strictEqual(items[wakes](), wakes === "poll")
      assert.strictEqual(rounds, 1, wakes)
      offer()
      items.poll()
      assert.strictEqual(rounds, 2, wakes)
      fiber.interruptUnsafe()
    }
  })

  it("is forgotten when it is interrupted", () => {
    const { items, offer, soon } = make()
    const fiber = soon()
    fiber!.interruptUnsafe()
    offer()
    assert.isFalse(items.poll())
    assert.isTrue(items.sleep())
    assert.isTrue(isDone(fiber))
  })

  it("is woken when the memory goes", () => {
    const { items, soon } = make()
    const fibers = [soon(), soon()]
    items.wake()
    assert.deepStrictEqual(fibers.map(isDone), [true, true])
  })
})
