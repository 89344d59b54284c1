/**
 * Which items were put, which may have been, and which arrived.
 */
import { assert } from "@effect/vitest"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"

const perProducer = 1_000_000

/** Failures that say that the item was not put. Anything else does not say. */
type Refusal = string | undefined

export class Ledger {
  private readonly certain = new Set<number>()
  private readonly refused = new Set<number>()
  private readonly arrived = new Map<number, Array<number>>()

  /** The items of one producer, in order. */
  itemsOf(producer: number, count: number): Array<number> {
    return Array.from({ length: count }, (_, i) => producer * perProducer + i)
  }

  /** How an item's put ended. One that was interrupted may have happened. */
  put(item: number, exit: Exit.Exit<unknown, { readonly _tag: string }>, refusal?: Refusal): void {
    if (Exit.isSuccess(exit)) this.certain.add(item)
    else {
      const tag = Option.map(Exit.findErrorOption(exit), (error) => error._tag)
      if (Option.isNone(tag)) {
        assert.isTrue(Exit.hasInterrupts(exit), `the put of ${item}: ${String(exit)}`)
        return
      }
      assert.strictEqual(tag.value, refusal, `the put of ${item}`)
      this.refused.add(item)
    }
  }

  received(consumer: number, item: number): void {
    const items = this.arrived.get(consumer)
    if (items === undefined) this.arrived.set(consumer, [item])
    else items.push(item)
  }

  /** `ordered`: each consumer has the items of a producer in their order. That is so if there is but one. */
  check({ ordered }: { readonly ordered: boolean }): void {
    const all = Array.from(this.arrived.values()).flat()
    const seen = new Set<number>()
    const twice = all.filter((item) => seen.size === seen.add(item).size)
    assert.deepStrictEqual(twice, [], "items that arrived twice")
    assert.deepStrictEqual(Array.from(this.certain).filter((item) => !seen.has(item)), [], "items that were lost")
    assert.deepStrictEqual(
      all.filter((item) => this.refused.has(item)),
      [],
      "items that arrived though they were refused"
    )
    assert.isAtLeast(this.certain.size, 100, "the test puts something")
    if (!ordered) return
    for (const items of this.arrived.values()) {
      const last = new Map<number, number>()
      for (const item of items) {
        const producer = Math.floor(item / perProducer)
        assert.isAbove(item, last.get(producer) ?? -1, "an item that arrived out of its order")
        last.set(producer, item)
      }
    }
  }
}
