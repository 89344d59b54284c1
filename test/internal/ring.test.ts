import { assert, describe, it } from "@effect/vitest"
import { RingReader, ringSize, RingWriter } from "../../src/internal/transport/ring.ts"
import { Random, seed, seedNote } from "../support/random.ts"

const make = (capacity: number) => {
  const memory = new ArrayBuffer(ringSize(capacity))
  return {
    memory,
    writer: new RingWriter(memory, 0, capacity),
    reader: new RingReader(memory, 0, capacity)
  }
}

/** Counters as if so many bytes had gone through. */
const advance = (memory: ArrayBuffer, count: number) => {
  const control = new Int32Array(memory)
  control[0] = control[16] = count
}

describe("a ring", () => {
  it("gives what was written, in order, and only once", () => {
    const { reader, writer } = make(64)
    assert.isUndefined(reader.read())
    assert.strictEqual(writer.write(Buffer.from("hello ")), 6)
    assert.strictEqual(writer.write(Buffer.from("world")), 5)
    assert.strictEqual(reader.read()?.toString(), "hello world")
    assert.isUndefined(reader.read())
  })

  it("takes no more than there is room for, and says so", () => {
    const { reader, writer } = make(8)
    assert.strictEqual(writer.write(Buffer.from("0123456789")), 8)
    assert.strictEqual(writer.write(Buffer.from("x")), 0)
    assert.strictEqual(reader.read()?.toString(), "01234567")
    assert.strictEqual(writer.write(Buffer.from("89")), 2)
    assert.strictEqual(reader.read()?.toString(), "89")
  })

  it("carries long bytes in parts, across its end, as far as there is room", () => {
    const { reader, writer } = make(256 * 1024)
    const long = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => i % 251))
    assert.strictEqual(writer.write(long.subarray(0, 150_000)), 150_000)
    assert.isTrue(reader.read()?.equals(long.subarray(0, 150_000)))
    assert.strictEqual(writer.write(long), 256 * 1024)
    const place = Buffer.alloc(300_000)
    assert.strictEqual(reader.readInto(place, reader.available), 256 * 1024)
    assert.isTrue(place.subarray(0, 256 * 1024).equals(long.subarray(0, 256 * 1024)))
  })

  it("goes on where its counters overflow", () => {
    const { memory } = make(16)
    advance(memory, -5)
    const writer = new RingWriter(memory, 0, 16)
    const reader = new RingReader(memory, 0, 16)
    for (let i = 0; i < 5; i++) {
      assert.strictEqual(writer.write(Buffer.from(`round ${i}!`)), 8)
      assert.strictEqual(reader.read()?.toString(), `round ${i}!`)
    }
  })

  it("gives the same bytes for random writes and reads", () => {
    for (let run = 0; run < 300; run++) {
      const random = new Random(seed + run)
      const capacity = 2 ** (2 + random.int(8))
      const { memory } = make(capacity)
      advance(memory, random.int(0x1_0000_0000) | 0)
      const writer = new RingWriter(memory, 0, capacity)
      const reader = new RingReader(memory, 0, capacity)
      const sent: Array<Buffer> = []
      const received: Array<Buffer> = []
      for (let step = 0; step < 200; step++) {
        if (random.chance(0.6)) {
          const bytes = random.bytes(random.int(2 * capacity))
          sent.push(bytes.subarray(0, writer.write(bytes)))
        } else {
          const bytes = reader.read()
          if (bytes !== undefined) received.push(bytes)
        }
      }
      received.push(reader.read() ?? Buffer.alloc(0))
      assert.isTrue(Buffer.concat(sent).equals(Buffer.concat(received)), seedNote(random))
    }
  })

  it("still gives what a writer left that is gone", () => {
    const { memory, writer } = make(64)
    writer.write(Buffer.from("last words"))
    assert.strictEqual(new RingReader(memory, 0, 64).read()?.toString(), "last words")
  })

  it("does not let a reader sleep that has something to read, and wakes one that sleeps once", () => {
    const { reader, writer } = make(64)
    writer.write(Buffer.from("x"))
    assert.isFalse(reader.sleep())
    assert.isFalse(writer.takeSleeper())
    reader.read()
    assert.isTrue(reader.sleep())
    writer.write(Buffer.from("y"))
    assert.isTrue(writer.takeSleeper())
    assert.isFalse(writer.takeSleeper())
  })

  it("does not let a writer wait that has room, and wakes one that waits once", () => {
    const { reader, writer } = make(4)
    assert.isFalse(writer.awaitRoom())
    assert.isFalse(reader.takeWaiter())
    writer.write(Buffer.from("full"))
    assert.isTrue(writer.awaitRoom())
    reader.read()
    assert.isTrue(reader.takeWaiter())
    assert.isFalse(reader.takeWaiter())
  })

  it("refuses counters that can't be, whatever they are, and gives no bytes beyond its memory", () => {
    const random = new Random(seed)
    for (let run = 0; run < 2_000; run++) {
      const { memory, reader, writer } = make(32)
      new Int32Array(memory)[0] = random.int(0x1_0000_0000) | 0
      try {
        assert.isAtMost(reader.read()?.length ?? 0, 32)
      } catch (error) {
        assert.instanceOf(error, RangeError)
      }
      new Int32Array(memory)[16] = random.int(0x1_0000_0000) | 0
      assert.isAtMost(writer.write(Buffer.alloc(100)), 32)
    }
  })
})
