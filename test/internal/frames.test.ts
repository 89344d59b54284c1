import { assert, describe, it } from "@effect/vitest"
import * as Message from "../../src/internal/hub/message.ts"
import { FrameDecoder, lengthPrefix, maxFrameSize, whole } from "../../src/internal/transport/frames.ts"
import { mutate } from "../support/mutate.ts"
import { Random, seed, seedNote } from "../support/random.ts"

const encode = (frames: ReadonlyArray<Uint8Array>): Buffer =>
  Buffer.concat(frames.flatMap((frame) => [lengthPrefix(frame.length), frame]))

const decode = (chunks: Iterable<Buffer>, limit?: number) => {
  const decoder = new FrameDecoder(limit)
  const frames: Array<Buffer> = []
  for (const chunk of chunks) {
    if (!decoder.feed(chunk, whole((frame) => frames.push(frame)))) return { frames, valid: false }
  }
  return { frames, valid: true }
}

const hex = (frames: ReadonlyArray<Buffer>) => frames.map((frame) => frame.toString("hex"))

/** Cuts at random places; some chunks are empty. */
const cut = (random: Random, bytes: Buffer): Array<Buffer> => {
  const chunks: Array<Buffer> = []
  const longest = 1 + random.int(bytes.length + 1)
  for (let offset = 0; offset < bytes.length;) {
    const size = random.int(longest + 1)
    chunks.push(bytes.subarray(offset, offset + size))
    offset += size
  }
  return chunks
}

describe("FrameDecoder", () => {
  it("gives the same frames for every way to cut a short stream in two or three", () => {
    const frames = [Buffer.from("hello"), Buffer.alloc(0), Buffer.from([7]), Buffer.from([0, 0, 0, 1, 2])]
    const stream = encode(frames)
    for (let i = 0; i <= stream.length; i++) {
      for (let j = i; j <= stream.length; j++) {
        const result = decode([stream.subarray(0, i), stream.subarray(i, j), stream.subarray(j)])
        assert.isTrue(result.valid)
        assert.deepStrictEqual(hex(result.frames), hex(frames), `cut at ${i} and ${j}`)
      }
    }
  })

  it("gives the same frames byte by byte", () => {
    const frames = [Buffer.from("hello"), Buffer.alloc(0), Buffer.alloc(300, 1)]
    const result = decode(Array.from(encode(frames), (byte) => Buffer.from([byte])))
    assert.deepStrictEqual(hex(result.frames), hex(frames))
  })

  it("gives the same frames for random streams, cut at random", () => {
    for (let run = 0; run < 5_000; run++) {
      const random = new Random(seed + run)
      const frames = Array.from({ length: random.int(8) }, () => random.bytes(random.int(random.pick([2, 10, 300]))))
      const { frames: decoded, valid } = decode(cut(random, encode(frames)))
      assert.isTrue(valid, seedNote(random))
      assert.deepStrictEqual(hex(decoded), hex(frames), seedNote(random))
    }
  })

  it("gives each frame as soon as its last byte has arrived", () => {
    const decoder = new FrameDecoder()
    const frames: Array<Buffer> = []
    const stream = encode([Buffer.from("ab"), Buffer.from("c")])
    const counts = Array.from(stream, (byte) => {
      decoder.feed(Buffer.from([byte]), whole((frame) => frames.push(frame)))
      return frames.length
    })
    assert.deepStrictEqual(counts, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2])
  })

  it("gives views of what it was fed, and copies nothing", () => {
    const chunk = encode([Buffer.from("hello")])
    const { frames } = decode([chunk])
    assert.strictEqual(frames[0]!.buffer, chunk.buffer)
  })

  it("gives an empty frame", () => {
    assert.deepStrictEqual(hex(decode([lengthPrefix(0)]).frames), [""])
  })

  it("takes a frame of just the limit, and refuses one that is longer as soon as its length is known", () => {
    const ten = Buffer.alloc(10, 1)
    assert.deepStrictEqual(decode([encode([ten])], 10), { frames: [ten], valid: true })
    assert.deepStrictEqual(decode([lengthPrefix(11)], 10), { frames: [], valid: false })
    assert.isFalse(decode([lengthPrefix(maxFrameSize + 1)]).valid)
    assert.isFalse(decode([Buffer.from([0xff, 0xff, 0xff, 0xff])]).valid)
  })

  it("still gives the frames that came before one that is too long", () => {
    const stream = Buffer.concat([encode([Buffer.from("ok")]), lengthPrefix(11)])
    const { frames, valid } = decode([stream], 10)
    assert.deepStrictEqual(hex(frames), [Buffer.from("ok").toString("hex")])
    assert.isFalse(valid)
  })

  it(`gives the same frames when long ones are collected in their place ${seedNote}`, () => {
    const random = new Random(seed)
    for (let round = 0; round < 100; round++) {
      const sent = Array.from(
        { length: 1 + random.int(6) },
        () => Buffer.alloc(random.chance(0.5) ? random.int(300) : random.int(700_000), random.int(256))
      )
      const stream = Buffer.concat(sent.flatMap((frame) => [lengthPrefix(frame.length), frame]))
      const received: Array<Buffer> = []
      const decoder = new FrameDecoder()
      const onFrame = whole((frame) => received.push(frame))
      for (let at = 0; at < stream.length;) {
        // What is there at a time, as in a ring.
        const end = Math.min(stream.length, at + 1 + random.int(300_000))
        while (at < end) {
          const place = decoder.destination
          if (place !== undefined) {
            const count = stream.copy(place, 0, at, end)
            at += count
            decoder.fill(count, onFrame)
            continue
          }
          const count = decoder.before(end - at, (offset) => stream.readUInt32BE(at + offset))
          if (count === 0) {
            decoder.begin(stream.readUInt32BE(at), end - at - 4)
            at += 4
          } else {
            assert.isTrue(decoder.feed(stream.subarray(at, at + count), onFrame))
            at += count
          }
        }
      }
      assert.strictEqual(received.length, sent.length)
      assert.isTrue(received.every((frame, i) => frame.equals(sent[i]!)))
    }
  })

  it("allocates nothing for a length that is only announced", () => {
    const before = process.memoryUsage()
    const decoders = Array.from({ length: 64 }, () => new FrameDecoder())
    for (const decoder of decoders) {
      assert.isTrue(decoder.feed(lengthPrefix(maxFrameSize), () => assert.fail("there is no frame yet")))
      assert.isTrue(decoder.feed(Buffer.alloc(1000), () => assert.fail("there is no frame yet")))
    }
    const after = process.memoryUsage()
    // Announced were 64 GiB.
    assert.isBelow(after.arrayBuffers - before.arrayBuffers, 16 * 1024 * 1024)
    assert.isBelow(after.rss - before.rss, 64 * 1024 * 1024)
  })

  it("gives a long frame memory that it shares with nothing, also if it is there as a whole", () => {
    const frames = [Buffer.alloc(100, 1), Buffer.alloc(70_000, 2), Buffer.alloc(100, 3), Buffer.alloc(200_000, 4)]
    const stream = encode(frames)
    const decoder = new FrameDecoder()
    const sizes: Array<number> = []
    const onFrame = whole((frame) => {
      if (frame.length > 64 * 1024) sizes.push(frame.buffer.byteLength)
    })
    for (let at = 0; at < stream.length;) {
      const count = decoder.before(stream.length - at, (offset) => stream.readUInt32BE(at + offset))
      assert.isTrue(decoder.feed(Buffer.from(stream.subarray(at, at + count)), onFrame))
      at += count
      if (at === stream.length) break
      const length = stream.readUInt32BE(at)
      at += 4
      decoder.begin(length, stream.length - at)
      assert.strictEqual(decoder.destination?.length, length)
      decoder.destination?.set(stream.subarray(at, at + length))
      decoder.fill(length, onFrame)
      at += length
    }
    assert.deepStrictEqual(sizes, [70_000, 200_000])
  })

  it("puts a long frame together without copying it again for each chunk", () => {
    const size = 32 * 1024 * 1024
    const chunk = Buffer.alloc(1024, 7)
    const decoder = new FrameDecoder()
    const frames: Array<Buffer> = []
    decoder.feed(lengthPrefix(size), whole((frame) => frames.push(frame)))
    // Copied for each of its chunks, that would be 512 GiB.
    for (let i = 0; i < size / chunk.length; i++) decoder.feed(chunk, whole((frame) => frames.push(frame)))
    assert.strictEqual(frames.length, 1)
    assert.strictEqual(frames[0]!.length, size)
    assert.isTrue(frames[0]!.every((byte) => byte === 7))
  })

  it("gives back at once what was too small for a long frame", () => {
    const size = 32 * 1024 * 1024
    const places: Array<Buffer<ArrayBuffer>> = []
    const decoder = new FrameDecoder(undefined, (size) => {
      places.push(Buffer.allocUnsafeSlow(size))
      return places.at(-1)!
    })
    const frames: Array<Buffer> = []
    for (let rest = encode([Buffer.alloc(size, 7)]); rest.length > 0; rest = rest.subarray(5000)) {
      decoder.feed(rest.subarray(0, 5000), whole((frame) => frames.push(frame)))
    }
    assert.isAtLeast(places.length, 3)
    assert.deepStrictEqual(places.map(({ length }) => length), [...places.slice(1).map(() => 0), size])
    assert.isTrue(frames[0]!.every((byte) => byte === 7))
  })

  /** The same in the plainest way, with the whole stream at hand. */
  const read = (stream: Buffer, limit: number) => {
    const frames: Array<Buffer> = []
    for (let rest = stream; rest.length >= 4;) {
      const length = rest.readUInt32BE(0)
      if (length > limit) return { frames, valid: false }
      if (rest.length < 4 + length) break
      frames.push(rest.subarray(4, 4 + length))
      rest = rest.subarray(4 + length)
    }
    return { frames, valid: true }
  }

  const check = (random: Random, stream: Buffer, limit: number) => {
    const { frames, valid } = decode(cut(random, stream), limit)
    const expected = read(stream, limit)
    const same = valid === expected.valid && frames.length === expected.frames.length &&
      frames.every((frame, i) => frame.equals(expected.frames[i]!))
    if (!same) {
      assert.deepStrictEqual(
        { frames: hex(frames), valid },
        { frames: hex(expected.frames), valid: expected.valid },
        seedNote(random)
      )
    }
    return frames
  }

  it("never throws, and never gives what is not a frame, for 400 000 random streams", () => {
    for (let run = 0; run < 400_000; run++) {
      const random = new Random(seed + run)
      const limit = random.pick([0, 3, 200, maxFrameSize])
      const stream = random.bytes(random.int(24))
      // Half of them begin with a length that could be right.
      if (random.chance(0.5) && stream.length >= 4) stream.writeUInt32BE(random.int(12), 0)
      check(random, stream, limit)
    }
  })

  it("never throws, and never gives what is not a frame or a message, for 300 000 streams of messages with defects", () => {
    const header = Buffer.alloc(Message.headerSize)
    let messages = 0
    for (let run = 0; run < 300_000; run++) {
      const random = new Random(seed + run)
      const valid = encode(
        Array.from({ length: 1 + random.int(3) }, () => random.bytes(Message.headerSize + random.int(8)))
      )
      for (const frame of check(random, mutate(random, valid), random.pick([12, 200, maxFrameSize]))) {
        const message = Message.read(frame)
        if (message === undefined) {
          assert.isBelow(frame.length, Message.headerSize, seedNote(random))
          continue
        }
        messages++
        // Nothing is made up and nothing is left out: written again, it is the same.
        Message.writeHeader(message, header, 0)
        if (!Buffer.concat([header, message.bytes]).equals(frame)) assert.fail(seedNote(random))
      }
    }
    assert.isAbove(messages, 100_000, "most defects leave a message that can be read")
  })
})

describe("Message.read", () => {
  it("reads any 200 000 random byte sequences, unless they are too short", () => {
    const random = new Random(seed)
    const header = Buffer.alloc(Message.headerSize)
    for (let run = 0; run < 200_000; run++) {
      const frame = random.bytes(random.int(20))
      const message = Message.read(frame)
      assert.strictEqual(message === undefined, frame.length < Message.headerSize, seedNote(random))
      if (message === undefined) continue
      Message.writeHeader(message, header, 0)
      if (!Buffer.concat([header, message.bytes]).equals(frame)) assert.fail(seedNote(random))
    }
  })
})
