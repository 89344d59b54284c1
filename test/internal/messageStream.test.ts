import { assert, describe, it } from "@effect/vitest"
import * as Message from "../../src/internal/hub/message.ts"
import { MessageReader, MessageWriter } from "../../src/internal/hub/messageStream.ts"
import { copied } from "../../src/internal/transport/transport.ts"
import { Random, seed, seedNote } from "../support/random.ts"

/** A writer, and a reader of what it writes. */
const make = () => {
  const received: Array<Message.Message> = []
  const reader = new MessageReader(
    (message) => received.push({ ...message, bytes: Buffer.from(message.bytes) }) > 0,
    () => assert.fail("these are no messages"),
    { cameIn: () => {}, allocate: Buffer.allocUnsafeSlow }
  )
  const unused = () => assert.fail("nobody asks for that")
  const writer = new MessageWriter({
    write: (bytes, length, lent) => reader.feed(copied(bytes, length, lent)),
    own: unused,
    authenticated: unused,
    whenFlushed: (callback) => callback(),
    hasRoom: unused,
    words: unused,
    open: unused,
    end: unused,
    destroy: unused
  })
  return { writer, received }
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
})
