import { assert, describe, it } from "@effect/vitest"
import { Reserve } from "../../src/internal/process/reserve.ts"

const reserveOf = (size: number) => {
  const reserve = new Reserve<number>(size)
  let next = 0
  return {
    reserve,
    fill: () => {
      const begun: Array<number> = []
      while (reserve.missing > 0) {
        reserve.started(++next)
        begun.push(next)
      }
      return begun
    }
  }
}

describe("a reserve", () => {
  it("wants as many as it was told, and counts those that are starting", () => {
    const { fill, reserve } = reserveOf(3)
    assert.strictEqual(reserve.missing, 3)
    assert.deepStrictEqual(fill(), [1, 2, 3])
    reserve.ready(2)
    assert.strictEqual(reserve.missing, 0)
  })

  it("gives the one that has waited longest, then the one that was started first, then none", () => {
    const { fill, reserve } = reserveOf(4)
    fill()
    reserve.ready(3)
    reserve.ready(2)
    assert.deepStrictEqual([3, 2, 1, 4, undefined], Array.from({ length: 5 }, () => reserve.take()))
    assert.strictEqual(reserve.missing, 4)
  })

  it("does not take back one that becomes ready after it was taken", () => {
    const { fill, reserve } = reserveOf(1)
    fill()
    assert.strictEqual(reserve.take(), 1)
    reserve.ready(1)
    assert.isUndefined(reserve.take())
  })

  it("replaces those that end, until too many have ended one after the other", () => {
    const { fill, reserve } = reserveOf(2)
    const ended: Array<boolean> = []
    while (reserve.missing > 0) {
      fill()
      ended.push(reserve.gone(ended.length + 1, false))
    }
    assert.deepStrictEqual(ended, [false, false, false, false, true])
    assert.isFalse(reserve.gone(6, false))
  })

  it("forgets those that have ended when one was used, or lived long", () => {
    const { fill, reserve } = reserveOf(1)
    for (let i = 0; i < 20; i++) {
      const [spare] = fill()
      assert.isFalse(reserve.gone(spare!, i % 3 === 0))
      if (i % 4 === 1) reserve.used()
    }
  })

  it("starts no others when it has given up, and gives away those that are there", () => {
    const { fill, reserve } = reserveOf(2)
    fill()
    reserve.ready(1)
    assert.isTrue(reserve.giveUp())
    assert.isFalse(reserve.giveUp())
    assert.strictEqual(reserve.take(), 1)
    assert.strictEqual(reserve.missing, 0)
  })

  it("tells at its end who is left, and is empty", () => {
    const { fill, reserve } = reserveOf(3)
    fill()
    reserve.ready(2)
    assert.strictEqual(reserve.take(), 2)
    assert.deepStrictEqual(reserve.close(), [1, 3])
    assert.strictEqual(reserve.missing, 0)
    assert.isUndefined(reserve.take())
  })
})
