import { assert, describe, it } from "@effect/vitest"
import { once } from "node:events"
import { Worker } from "node:worker_threads"
import { ItemRingReader, ItemRingWriter, maxOffered, sizeOf } from "../../src/internal/hub/itemRing.ts"
import { Random, seed, seedNote } from "../support/random.ts"

const none = new Uint8Array(0)

const bytesOf = (text: string) => Buffer.from(text)
const textOf = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString()

/** A hub, two readers with the numbers 1 and 2, and who has claimed what as the hub knows it. */
const make = (capacity = 1024) => {
  const memory = new ArrayBuffer(sizeOf(capacity))
  const hub = new ItemRingWriter(memory)
  const claimed: Array<number> = []
  const [one, two] = [1, 2].map((number) => new ItemRingReader(memory, number)) as [ItemRingReader, ItemRingReader]
  return {
    memory,
    hub,
    claimed,
    offer: (...texts: ReadonlyArray<string>) => texts.map((text) => hub.offer(bytesOf(text))),
    settle: () => hub.settle((reader) => claimed.push(reader)),
    take: (count: number) => hub.take(count, (reader) => claimed.push(reader)),
    claim: (reader: 1 | 2) => textOf((reader === 1 ? one : two).claim()),
    one,
    two
  }
}

describe("a ring of items", () => {
  it("gives each item to one reader, in order, and knows to whom", () => {
    const ring = make()
    ring.offer("a", "", "c", "d")
    assert.deepStrictEqual(([2, 1, 2] as const).map(ring.claim), ["a", "", "c"])
    assert.isTrue(ring.settle())
    assert.deepStrictEqual(ring.claimed, [2, 1, 2])
    assert.strictEqual(ring.hub.length, 1)
    assert.deepStrictEqual([ring.claim(1), ring.claim(1)], ["d", undefined])
    assert.isTrue(ring.two.isEmpty)
  })

  it("gives the hub what is left, and readers nothing of that", () => {
    const ring = make()
    ring.offer("a", "b", "c", "d")
    ring.claim(1)
    assert.strictEqual(ring.take(2), 2)
    assert.deepStrictEqual(ring.claimed, [1])
    assert.strictEqual(ring.claim(2), "d")
    assert.strictEqual(ring.take(Infinity), 0)
    assert.deepStrictEqual(ring.claimed, [1, 2])
  })

  it("takes as many items as it has entries, and as many bytes as it has room", () => {
    const many = make(maxOffered * 2)
    for (let i = 0; i < maxOffered; i++) assert.deepStrictEqual(many.offer("x"), [true])
    assert.deepStrictEqual(many.offer("x"), [false])
    many.claim(1)
    assert.deepStrictEqual(many.offer("x"), [false], "the hub has not looked")
    many.settle()
    assert.deepStrictEqual(many.offer("x"), [true])
    const long = make(1024)
    const text = (length: number) => "x".repeat(length)
    assert.deepStrictEqual(long.offer(text(1025), text(1024), ""), [false, true, true])
    assert.strictEqual(long.claim(1), text(1024))
    assert.deepStrictEqual([long.claim(1), long.settle()], ["", true])
    assert.deepStrictEqual(long.offer(text(600), text(300), text(200)), [true, true, false])
    assert.deepStrictEqual([long.claim(2), long.settle()], [text(600), true])
    assert.deepStrictEqual(long.offer(text(500), text(200)), [true, false], "never up to the first one's beginning")
    assert.deepStrictEqual([long.claim(2), long.claim(2)], [text(300), text(500)])
  })

  it("goes on where its counters begin anew", () => {
    const ring = make()
    for (let round = 0; round < 2 ** 24 / maxOffered + 2; round++) {
      const last = round >= 2 ** 24 / maxOffered - 2
      if (!last) {
        // As fast as it can: the hub takes all that it has offered.
        for (let i = 0; i < maxOffered; i++) ring.hub.offer(none)
        assert.strictEqual(ring.take(maxOffered), maxOffered)
        continue
      }
      for (let i = 0; i < maxOffered; i++) {
        assert.deepStrictEqual(ring.offer(`${i}`), [true])
        assert.strictEqual(ring.claim(i % 3 === 0 ? 1 : 2), `${i}`)
        if (i % 5 === 0) assert.isTrue(ring.settle())
      }
      ring.settle()
      assert.deepStrictEqual(
        ring.claimed.splice(0),
        Array.from({ length: maxOffered }, (_, i) => i % 3 === 0 ? 1 : 2)
      )
    }
  })

  it("has the hub told once when fewer items are left than it wishes, and at once if it is so already", () => {
    const ring = make()
    ring.offer("a", "b", "c", "d")
    assert.isTrue(ring.hub.wishFor(3))
    ring.claim(1)
    assert.isFalse(ring.one.mustTell(), "three are left")
    ring.claim(2)
    assert.deepStrictEqual([ring.two.mustTell(), ring.one.mustTell(), ring.two.mustTell()], [true, false, false])
    assert.isFalse(ring.hub.wishFor(3), "two are left, and nobody will tell")
    ring.claim(1)
    assert.isFalse(ring.one.mustTell(), "the wish is gone")
    assert.isTrue(ring.hub.wishFor(0))
  })

  it("says when a reader has written nonsense, and counts all items as claimed", () => {
    const ring = make()
    ring.offer("a", "b")
    new Int32Array(ring.memory)[0] = 0x7fff_ff01
    assert.isFalse(ring.settle())
    assert.deepStrictEqual(ring.claimed, [0, 0])
    assert.strictEqual(ring.hub.length, 0)
  })

  it("sends a reader to the hub where another one has written nonsense about an item", () => {
    const ring = make()
    ring.offer("a")
    const words = new Int32Array(ring.memory)
    // The place of the first item.
    for (const place of [-1, 2 ** 30]) {
      words[48] = place
      assert.isUndefined(ring.claim(1))
    }
    assert.strictEqual(ring.take(1), 1)
  })

  it("gives each item to one of several threads, whole and in order, and knows which, while the hub takes some back", async () => {
    const random = new Random(seed)
    const readers = [1, 2, 3]
    const count = 30_000
    const memory = new SharedArrayBuffer(sizeOf(16 * 1024))
    const hub = new ItemRingWriter(memory)
    const workers = readers.map((number) =>
      new Worker(new URL("../fixtures/objects/itemRingReader.ts", import.meta.url), { workerData: { memory, number } })
    )
    try {
      const ends = workers.map((worker) => once(worker, "message"))
      const claimed = new Map(readers.map((number): [number, Array<number>] => [number, []]))
      const takenByHub: Array<number> = []
      /** In the ring, and to be offered, both in order. */
      const offered: Array<number> = []
      let left = Array.from({ length: count }, (_, item) => item)
      const onClaimed = (reader: number) => void claimed.get(reader)!.push(offered.shift()!)
      const bytesOfItem = (item: number) => {
        const bytes = Buffer.alloc(4 + item % 97, item % 251)
        bytes.writeUInt32BE(item, 0)
        return bytes
      }
      while (left.length > 0 || offered.length > 0) {
        assert.isTrue(hub.settle(onClaimed))
        let next = 0
        while (next < left.length && hub.offer(bytesOfItem(left[next]!))) offered.push(left[next++]!)
        left = left.slice(next)
        if (random.chance(0.1)) takenByHub.push(...offered.splice(0, hub.take(1 + random.int(3), onClaimed)))
        if (random.chance(0.1)) {
          hub.take(Infinity, onClaimed)
          left = [...offered.splice(0), ...left]
        }
      }
      for (const _ of readers) assert.isTrue(hub.offer(none))
      const all = [...takenByHub]
      for (const [message] of await Promise.all(ends)) {
        const { items, number, torn }: {
          readonly number: number
          readonly items: Array<number>
          readonly torn: number
        } = message
        assert.strictEqual(torn, 0)
        assert.deepStrictEqual(items, claimed.get(number)!)
        assert.deepStrictEqual(items, items.toSorted((a, b) => a - b))
        all.push(...items)
      }
      assert.deepStrictEqual(
        all.sort((a, b) => a - b),
        Array.from({ length: count }, (_, item) => item),
        seedNote(random)
      )
    } finally {
      await Promise.all(workers.map((worker) => worker.terminate()))
    }
  })
})
