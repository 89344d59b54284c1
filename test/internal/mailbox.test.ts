import { assert, describe, it } from "@effect/vitest"
import { itemOverhead } from "../../src/internal/hub/credit.ts"
import {
  type GetOutcome,
  type Item,
  Mailbox,
  type MailboxOptions,
  type PutOutcome,
  type Reader,
  type Writer
} from "../../src/internal/hub/mailbox.ts"

const make = (options: Partial<MailboxOptions> = {}) => new Mailbox({ maxItems: 0, maxBytes: Infinity, ...options })

/** An item that shows which one it is, of `size` bytes. */
const item = (mark: number, size = 1) => new Uint8Array(size).fill(mark)

const markOf = ({ bytes }: Item) => bytes[0]!

const take = (mailbox: Mailbox): Item => {
  const taken = mailbox.tryTake()
  if (typeof taken !== "object") assert.fail(`there is no item: ${taken}`)
  return taken
}

const takeAll = (mailbox: Mailbox): Array<number> => {
  const marks: Array<number> = []
  while (mailbox.available > 0) {
    const taken = take(mailbox)
    marks.push(markOf(taken))
    mailbox.accept(taken)
  }
  return marks
}

/** A writer that waits, and how it ended. */
class Waiting implements Writer {
  outcome: PutOutcome | undefined
  readonly bytes: Uint8Array
  constructor(mailbox: Mailbox, bytes: Uint8Array) {
    this.bytes = bytes
    mailbox.put(this)
  }
  readonly done = (outcome: PutOutcome) => {
    assert.isUndefined(this.outcome, "a writer ends once")
    this.outcome = outcome
  }
}

/** A reader that waits, and what it got. */
class Taking implements Reader {
  outcome: GetOutcome | "Ready" | undefined
  item: Item | undefined
  constructor(mailbox: Mailbox) {
    mailbox.wait(this)
  }
  readonly take: Reader["take"] = (item) => {
    assert.isUndefined(this.item ?? this.outcome, "a reader ends once")
    this.item = item
  }
  readonly done = (outcome: GetOutcome | "Ready") => {
    assert.isUndefined(this.item ?? this.outcome, "a reader ends once")
    this.outcome = outcome
  }
}

class Polling implements Reader {
  outcome: GetOutcome | "Ready" | undefined
  readonly take = undefined
  constructor(mailbox: Mailbox) {
    mailbox.wait(this)
  }
  readonly done = (outcome: GetOutcome | "Ready") => {
    assert.isUndefined(this.outcome, "a reader ends once")
    this.outcome = outcome
  }
}

describe("Mailbox", () => {
  describe("order", () => {
    it("gives items in the order in which they were put", () => {
      const mailbox = make()
      for (const mark of [1, 2, 3]) assert.strictEqual(mailbox.tryPut(item(mark)), "Done")
      assert.strictEqual(mailbox.available, 3)
      assert.deepStrictEqual(takeAll(mailbox), [1, 2, 3])
    })

    it("puts a returned item back to its place, before all that came later", () => {
      const mailbox = make()
      for (const mark of [1, 2, 3]) mailbox.tryPut(item(mark))
      const first = take(mailbox)
      mailbox.giveBack(first)
      assert.deepStrictEqual(takeAll(mailbox), [1, 2, 3])
    })

    it("sorts items that are returned in any order", () => {
      const mailbox = make()
      const marks = [1, 2, 3, 4, 5]
      for (const mark of marks) mailbox.tryPut(item(mark))
      const taken = marks.map(() => take(mailbox))
      for (const i of [3, 0, 4, 2, 1]) mailbox.giveBack(taken[i]!)
      assert.deepStrictEqual(takeAll(mailbox), marks)
    })

    it("puts a returned item before items that were put while it was leased", () => {
      const mailbox = make()
      mailbox.tryPut(item(1))
      const leased = take(mailbox)
      mailbox.tryPut(item(2))
      mailbox.giveBack(leased)
      assert.deepStrictEqual(takeAll(mailbox), [1, 2])
    })

    it("gives a returned item to the reader that has waited longest", () => {
      const mailbox = make()
      mailbox.tryPut(item(1))
      const leased = take(mailbox)
      const first = new Taking(mailbox)
      const second = new Taking(mailbox)
      mailbox.giveBack(leased)
      assert.strictEqual(first.item, leased)
      assert.isUndefined(second.item)
    })

    it("serves readers in the order in which they came", () => {
      const mailbox = make()
      const readers = [1, 2, 3].map(() => new Taking(mailbox))
      for (const mark of [1, 2, 3]) mailbox.tryPut(item(mark))
      assert.deepStrictEqual(readers.map((reader) => markOf(reader.item!)), [1, 2, 3])
    })

    it("restores an accepted item to its place, even without room", () => {
      const mailbox = make({ maxItems: 1 })
      mailbox.tryPut(item(1))
      const accepted = take(mailbox)
      mailbox.accept(accepted, true)
      mailbox.tryPut(item(2))
      mailbox.restore(accepted)
      assert.isTrue(mailbox.full)
      assert.strictEqual(mailbox.tryPut(item(3)), "WouldBlock")
      assert.deepStrictEqual(takeAll(mailbox), [1, 2])
      assert.strictEqual(mailbox.tryPut(item(3)), "Done")
    })
  })

  describe("leases", () => {
    it("counts a leased item as room until it is accepted, but not as available", () => {
      const mailbox = make({ maxItems: 1 })
      mailbox.tryPut(item(1))
      const leased = take(mailbox)
      assert.strictEqual(mailbox.available, 0)
      assert.isTrue(mailbox.full)
      assert.strictEqual(mailbox.tryPut(item(2)), "WouldBlock")
      mailbox.accept(leased)
      assert.isFalse(mailbox.full)
      assert.strictEqual(mailbox.tryPut(item(2)), "Done")
    })

    it("accepts or takes back a lease once, whatever comes later", () => {
      const mailbox = make({ maxItems: 2 })
      mailbox.tryPut(item(1))
      mailbox.tryPut(item(2))
      const leased = take(mailbox)
      mailbox.accept(leased)
      mailbox.accept(leased)
      mailbox.giveBack(leased)
      assert.strictEqual(mailbox.available, 1)
      assert.strictEqual(mailbox.tryPut(item(3)), "Done")
      assert.strictEqual(mailbox.tryPut(item(4)), "WouldBlock", "a lease frees its room once")
      assert.deepStrictEqual(takeAll(mailbox), [2, 3])
    })

    it("tells once when an item is gone for good: accepted or dropped, not when it is returned", () => {
      const mailbox = make()
      const gone: Array<number> = []
      for (const mark of [1, 2, 3]) mailbox.tryPut(item(mark), () => gone.push(mark))
      const first = take(mailbox)
      mailbox.giveBack(first)
      assert.deepStrictEqual(gone, [])
      mailbox.accept(take(mailbox))
      assert.deepStrictEqual(gone, [1])
      mailbox.accept(take(mailbox), true)
      assert.deepStrictEqual(gone, [1], "an item that may be restored is not gone")
      mailbox.clear()
      assert.deepStrictEqual(gone, [1, 3])
    })
  })

  describe("room", () => {
    it("counts items", () => {
      const mailbox = make({ maxItems: 2 })
      assert.strictEqual(mailbox.tryPut(item(1)), "Done")
      assert.isFalse(mailbox.full)
      assert.strictEqual(mailbox.tryPut(item(2)), "Done")
      assert.isTrue(mailbox.full)
      assert.strictEqual(mailbox.tryPut(item(3)), "WouldBlock")
    })

    it("counts bytes, and some more for each item, up to and including the limit", () => {
      const mailbox = make({ maxBytes: 10 + 2 * itemOverhead })
      assert.strictEqual(mailbox.tryPut(item(1, 6)), "Done")
      assert.strictEqual(mailbox.tryPut(item(2, 5)), "WouldBlock")
      assert.strictEqual(mailbox.tryPut(item(2, 4)), "Done")
      assert.strictEqual(mailbox.tryPut(item(3, 0)), "WouldBlock", "an empty item takes room too")
    })

    it("lets an item in that is larger than the whole room when it is empty, and only then", () => {
      const mailbox = make({ maxBytes: 10 + itemOverhead })
      mailbox.tryPut(item(1, 1))
      const oversize = new Waiting(mailbox, item(2, 100))
      assert.isUndefined(oversize.outcome)
      const leased = take(mailbox)
      assert.isUndefined(oversize.outcome, "a lease still takes its room")
      mailbox.accept(leased)
      assert.strictEqual(oversize.outcome, "Done")
      assert.strictEqual(mailbox.tryPut(item(3, 1)), "WouldBlock")
      assert.deepStrictEqual(takeAll(mailbox), [2])
      assert.strictEqual(mailbox.tryPut(item(3, 1)), "Done")
    })

    it("has no limit of items for maxItems 0", () => {
      const mailbox = make()
      for (let i = 0; i < 1000; i++) assert.strictEqual(mailbox.tryPut(item(i % 256)), "Done")
      assert.isFalse(mailbox.full)
    })
  })

  describe("writers that wait", () => {
    it("come in in the order in which they came, each as soon as there is room", () => {
      const mailbox = make({ maxItems: 1 })
      mailbox.tryPut(item(0))
      const writers = [1, 2, 3].map((mark) => new Waiting(mailbox, item(mark)))
      const outcomes = () => writers.map((writer) => writer.outcome)
      assert.deepStrictEqual(outcomes(), [undefined, undefined, undefined])
      mailbox.accept(take(mailbox))
      assert.deepStrictEqual(outcomes(), ["Done", undefined, undefined])
      assert.deepStrictEqual(takeAll(mailbox), [1, 2, 3])
      assert.deepStrictEqual(outcomes(), ["Done", "Done", "Done"])
    })

    it("are not overtaken by one that would fit, so that a large item gets through", () => {
      const mailbox = make({ maxBytes: 10 + 2 * itemOverhead })
      mailbox.tryPut(item(1, 4))
      const large = new Waiting(mailbox, item(2, 8))
      assert.strictEqual(mailbox.tryPut(item(3, 1)), "WouldBlock")
      const small = new Waiting(mailbox, item(3, 1))
      assert.isUndefined(small.outcome)
      mailbox.accept(take(mailbox))
      assert.strictEqual(large.outcome, "Done")
      assert.strictEqual(small.outcome, "Done")
      assert.deepStrictEqual(takeAll(mailbox), [2, 3])
    })

    it("that give up let the ones behind them in", () => {
      const mailbox = make({ maxBytes: 10 + 2 * itemOverhead })
      mailbox.tryPut(item(1, 4))
      const large = new Waiting(mailbox, item(2, 8))
      const small = new Waiting(mailbox, item(3, 1))
      assert.isTrue(mailbox.cancelWriter(large))
      assert.isFalse(mailbox.cancelWriter(large))
      assert.isUndefined(large.outcome)
      assert.strictEqual(small.outcome, "Done")
      assert.deepStrictEqual(takeAll(mailbox), [1, 3])
    })

    it("end when nobody may put any more, and so does whoever comes later", () => {
      const mailbox = make({ maxItems: 1 })
      mailbox.tryPut(item(1))
      const waiting = new Waiting(mailbox, item(2))
      mailbox.endWriters("BrokenPipe")
      assert.strictEqual(waiting.outcome, "BrokenPipe")
      assert.strictEqual(mailbox.tryPut(item(3)), "BrokenPipe")
      assert.strictEqual(new Waiting(mailbox, item(3)).outcome, "BrokenPipe")
      assert.deepStrictEqual(takeAll(mailbox), [1], "what was let in stays")
    })
  })

  describe("readers that wait", () => {
    it("get an item as soon as it is put, and it is leased to them", () => {
      const mailbox = make({ maxItems: 1 })
      const reader = new Taking(mailbox)
      assert.strictEqual(mailbox.tryPut(item(1)), "Done")
      assert.strictEqual(markOf(reader.item!), 1)
      assert.strictEqual(mailbox.available, 0)
      assert.isTrue(mailbox.full)
    })

    it("that give up get nothing", () => {
      const mailbox = make()
      const quitter = new Taking(mailbox)
      assert.isTrue(mailbox.cancelReader(quitter))
      assert.isFalse(mailbox.cancelReader(quitter))
      mailbox.tryPut(item(1))
      assert.isUndefined(quitter.item)
      assert.deepStrictEqual(takeAll(mailbox), [1])
    })

    it("that only poll learn that there is something, and take nothing", () => {
      const mailbox = make()
      const poll = new Polling(mailbox)
      assert.isUndefined(poll.outcome)
      assert.strictEqual(mailbox.peek(), "WouldBlock")
      mailbox.tryPut(item(1))
      assert.strictEqual(poll.outcome, "Ready")
      assert.strictEqual(mailbox.peek(), "Ready")
      assert.strictEqual(mailbox.available, 1)
    })

    it("that only poll are not told of an item that went to the reader before them", () => {
      const mailbox = make()
      const before = new Polling(mailbox)
      const reader = new Taking(mailbox)
      const behind = new Polling(mailbox)
      mailbox.tryPut(item(1))
      assert.strictEqual(before.outcome, "Ready")
      assert.strictEqual(markOf(reader.item!), 1)
      assert.isUndefined(behind.outcome)
      mailbox.giveBack(reader.item!)
      assert.strictEqual(behind.outcome, "Ready")
    })

    it("at once: there is nothing", () => {
      const mailbox = make()
      assert.strictEqual(mailbox.tryTake(), "WouldBlock")
      assert.strictEqual(mailbox.peek(), "WouldBlock")
    })
  })

  describe("the end of readers", () => {
    it("comes when what is left has been taken", () => {
      const mailbox = make()
      mailbox.tryPut(item(1))
      mailbox.endReaders("EndOfFile")
      assert.strictEqual(mailbox.peek(), "Ready")
      mailbox.accept(take(mailbox))
      assert.strictEqual(mailbox.tryTake(), "EndOfFile")
      assert.strictEqual(mailbox.peek(), "EndOfFile")
    })

    it("reaches those that wait, takers and pollers", () => {
      const mailbox = make()
      const reader = new Taking(mailbox)
      const poll = new Polling(mailbox)
      mailbox.endReaders("ShutDown")
      assert.strictEqual(reader.outcome, "ShutDown")
      assert.strictEqual(poll.outcome, "ShutDown")
    })

    it("does not come while an item is leased, because it may come back", () => {
      const mailbox = make()
      mailbox.tryPut(item(1))
      const leased = take(mailbox)
      mailbox.endReaders("EndOfFile")
      const reader = new Taking(mailbox)
      assert.strictEqual(mailbox.tryTake(), "WouldBlock")
      assert.strictEqual(mailbox.peek(), "WouldBlock")
      assert.isUndefined(reader.outcome)
      mailbox.giveBack(leased)
      assert.strictEqual(reader.item, leased)
      const next = new Taking(mailbox)
      assert.isUndefined(next.outcome)
      mailbox.accept(leased)
      assert.strictEqual(next.outcome, "EndOfFile")
    })

    it("does not come while a writer waits that will still be let in", () => {
      const mailbox = make({ maxItems: 1 })
      mailbox.tryPut(item(1))
      const writer = new Waiting(mailbox, item(2))
      mailbox.endReaders("EndOfFile")
      const first = take(mailbox)
      const reader = new Taking(mailbox)
      mailbox.accept(first)
      assert.strictEqual(writer.outcome, "Done")
      assert.strictEqual(markOf(reader.item!), 2)
      mailbox.accept(reader.item!)
      assert.strictEqual(mailbox.tryTake(), "EndOfFile")
    })
  })

  describe("clear", () => {
    it("drops what is left, says how many, and leaves leases alone", () => {
      const mailbox = make({ maxItems: 3 })
      for (const mark of [1, 2, 3]) mailbox.tryPut(item(mark))
      const leased = take(mailbox)
      assert.strictEqual(mailbox.clear(), 2)
      assert.strictEqual(mailbox.available, 0)
      assert.strictEqual(mailbox.clear(), 0)
      mailbox.accept(leased)
      for (const mark of [4, 5, 6]) assert.strictEqual(mailbox.tryPut(item(mark)), "Done")
      assert.isTrue(mailbox.full)
    })

    it("makes room for writers that wait", () => {
      const mailbox = make({ maxItems: 1 })
      mailbox.tryPut(item(1))
      const writer = new Waiting(mailbox, item(2))
      assert.strictEqual(mailbox.clear(), 1)
      assert.strictEqual(writer.outcome, "Done")
      assert.deepStrictEqual(takeAll(mailbox), [2])
    })
  })
})
