import { assert, describe, it } from "@effect/vitest"
import * as Message from "../../src/internal/hub/message.ts"
import { MessageReader, MessageWriter } from "../../src/internal/hub/messageStream.ts"
import { copied } from "../../src/internal/transport/transport.ts"
import { Random, seed, seedNote } from "../support/random.ts"

/** A writer, and a reader of what it writes. */
const make = () => {
  const received: Array<Message.Message> = []
  /** Of each write. */
  const quiet: Array<boolean> = []
  const reader = new MessageReader(
    (message) => received.push({ ...message, bytes: Buffer.from(message.bytes) }) > 0,
    () => assert.fail("these are no messages"),
    { cameIn: () => {}, allocate: Buffer.allocUnsafeSlow }
  )
  const unused = () => assert.fail("nobody asks for that")
  const writer = new MessageWriter({
    write: (bytes, length, lent, isQuiet = false) => {
      quiet.push(isQuiet)
      reader.feed(copied(bytes, length, lent))
    },
    owesBell: unused,
    ring: unused,
    own: unused,
    authenticated: unused,
    whenFlushed: (callback) => callback(),
    hasRoom: unused,
    words: unused,
    open: unused,
    end: unused,
    destroy: unused
  })
  return { writer, received, quiet }
}

describe("a stream of messages", () => {
  it("gives what was sent, in order, with what belongs in front of the bytes, which need not stay", () => {
    const random = new Random(seed)
    const { received, writer } = make()
    const sent: Array<Message.Message> = []
    for (let i = 0; i < 1000; i++) {
      const size = random.pick([0, 1, random.int(100), 16_300 + random.int(200), random.int(100_000)])
      const message = Message.make(i % 256, i, random.int(2 ** 32), i % 3, Buffer.from(random.bytes(size)))
      const head = random.chance(0.5) ? Buffer.from(random.bytes(random.int(30))) : undefined
      sent.push({ ...message, bytes: Buffer.concat([...(head === undefined ? [] : [head]), message.bytes]) })
      writer.send(message, head)
      head?.fill(0)
      if (random.chance(0.1)) writer.flush()
    }
    writer.flush()
    assert.deepStrictEqual(received, sent, seedNote(random))
  })

  it("writes quietly what is quiet, unless there is something in front of it that is not", () => {
    for (const size of [1, 100_000]) {
      const { quiet, received, writer } = make()
      const message = Message.make(1, 1, 1, 1, Buffer.alloc(size))
      const small = Message.make(2, 2, 2, 2)
      for (const [first, second] of [[true, true], [false, true], [true, false]] as const) {
        writer.send(small, undefined, first)
        writer.send(message, undefined, second)
        writer.flush()
      }
      // A long one is written for itself.
      assert.deepStrictEqual(quiet, size === 1 ? [true, false, false] : [true, true, false, true, true, false])
      assert.strictEqual(received.length, 6)
    }
  })
})
