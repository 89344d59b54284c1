import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Schema } from "effect"
import * as Mp from "../src/index.ts"
import { echoesBytes, echoesValues } from "./fixtures/objects/echoes.ts"
import { ends } from "./fixtures/objects/ends.ts"
import { Line, Reports, Values } from "./fixtures/objects/objects.ts"
import { polls } from "./fixtures/objects/polls.ts"
import { Letters, receivesEnds } from "./fixtures/objects/receivesEnds.ts"
import { says } from "./fixtures/objects/says.ts"
import { signalled } from "./fixtures/objects/signalled.ts"
import { streamsLines, streamsTuples, Tenth } from "./fixtures/objects/streams.ts"
import { pipeSuite, waitSuite } from "./suites/objects.ts"
import { withChildren } from "./support/children.ts"
import { pidOf } from "./support/inProcesses.ts"
import { leavesNothingBehind } from "./support/processes.ts"
import { layers } from "./support/sides.ts"
import { within } from "./support/waiting.ts"

leavesNothingBehind()

for (const [name, layer] of layers) {
  pipeSuite(name, layer)
  waitSuite(name, layer)
}

const bytesOf = (text: string) => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/** Lets go of the parent's own copy of the end that its child has. */
const closeRight = Effect.flatMap(Line.right, (right) => right.close)

describe("a pipe to another process", () => {
  it.live(
    "CONN-01 brings values to a child and back as they were",
    withChildren(Values.layer)(Effect.gen(function*() {
      const left = yield* Values.left
      const child = yield* Mp.Process.spawn(echoesValues)
      yield* (yield* Values.right).close
      assert.isUndefined(yield* left.send([1, 2.25, null]))
      assert.deepStrictEqual(yield* left.recv(), [1, 2.25, null])
      assert.isTrue(Number.isInteger(yield* left.fileno))
      yield* left.close
      yield* child.join()
    }))
  )

  it.live(
    "CONN-02 brings bytes to a child and back as they were, also 16 MiB",
    withChildren(Line.layer)(Effect.gen(function*() {
      const left = yield* Line.left
      const child = yield* Mp.Process.spawn(echoesBytes)
      yield* closeRight
      yield* left.sendBytes(bytesOf("hello world"))
      assert.strictEqual(textOf(yield* left.recvBytes()), "hello world")
      const large = new Uint8Array(16 * 1024 * 1024).map((_, i) => i * 31)
      yield* left.sendBytes(large)
      assert.strictEqual(Buffer.compare(yield* left.recvBytes(), large), 0)
      yield* left.close
      yield* child.join()
    }))
  )

  it.live(
    "CONN-07 gives what a child had sent before it was killed, then EndOfFile; and the child's reader is gone",
    withChildren(Line.layer)(Effect.gen(function*() {
      const left = yield* Line.left
      const child = yield* Mp.Process.spawn(says, { texts: ["one", "two"], pause: 0, stay: true })
      yield* closeRight
      assert.isTrue(yield* left.poll({ timeout: "10 seconds" }))
      assert.strictEqual(textOf(yield* left.recvBytes()), "one")
      assert.isTrue(yield* left.poll({ timeout: "10 seconds" }))
      yield* child.kill
      assert.strictEqual(textOf(yield* left.recvBytes()), "two")
      const end = yield* Effect.flip(left.recvBytes()).pipe(within("10 seconds", "the end of file"))
      assert.strictEqual(end._tag, "EndOfFile")
      assert.strictEqual((yield* Effect.flip(left.send("x")))._tag, "BrokenPipe")
    }))
  )

  it.live(
    "CONN-20 a signal that a child handles tears neither what it receives nor what it sends",
    withChildren(Layer.merge(Line.layer, Reports.layer))(Effect.gen(function*() {
      const left = yield* Line.left
      const reports = yield* Reports
      const child = yield* Mp.Process.spawn(signalled)
      const pid = yield* pidOf(child)
      yield* closeRight
      assert.strictEqual(yield* reports.get(), "receiving")
      process.kill(pid, "SIGUSR2")
      assert.strictEqual(yield* reports.get(), "handled")
      yield* left.send("1234")
      assert.strictEqual(yield* reports.get(), "sending")
      process.kill(pid, "SIGUSR2")
      assert.strictEqual(yield* reports.get(), "handled")
      for (const mark of [1, 2]) {
        const bytes = yield* left.recvBytes()
        assert.strictEqual(bytes.length, 2 * 1024 * 1024)
        assert.isTrue(bytes.every((byte) => byte === mark))
      }
      assert.strictEqual(yield* child.join(), "1234")
    }))
  )

  it.live(
    "CONN-23 gives messages that come one by one separately and in order to one that polls",
    withChildren(Line.layer)(Effect.gen(function*() {
      const texts = ["hello", "", "a", "b", "", "bye", "", "lop"]
      const left = yield* Line.left
      yield* Mp.Process.spawn(says, { texts, pause: 20, stay: false })
      yield* closeRight
      for (const text of texts) {
        while (!(yield* left.poll({ timeout: 10 }))) { /* not yet */ }
        assert.strictEqual(textOf(yield* left.recvBytes()), text)
      }
      assert.isTrue(yield* left.poll({ timeout: "10 seconds" }))
      assert.strictEqual((yield* Effect.flip(left.recv()))._tag, "EndOfFile")
    }))
  )

  it.live(
    "CONN-24 a child that polls an end it shares takes no part of a message",
    withChildren(Line.layer)(Effect.gen(function*() {
      const left = yield* Line.left
      const right = yield* Line.right
      const child = yield* Mp.Process.spawn(polls, 100)
      const messages = Array.from({ length: 20 }, (_, i) => String(i).repeat(1 + i * 5000))
      yield* Effect.forkScoped(Effect.forEach(messages, (message) => left.send(message)))
      for (const message of messages) {
        yield* Effect.sleep(5)
        assert.strictEqual(yield* right.recv(), message)
      }
      yield* left.send("one more")
      assert.isAtLeast(yield* child.join(), 1, "it saw a message")
      assert.strictEqual(yield* right.recv(), "one more")
      assert.isFalse(yield* right.poll())
    }))
  )

  it.live(
    "CONN-27 an end of a pipe can be sent through a pipe, and works in both directions for whoever receives it",
    withChildren(Letters.layer)(Effect.gen(function*() {
      const letters = yield* Letters.left
      const child = yield* Mp.Process.spawn(receivesEnds, 1)
      const [mine, theirs] = yield* Mp.Pipe.make({ message: Schema.String })
      yield* letters.send({ use: "answer", end: theirs })
      yield* theirs.close
      yield* mine.send("a question")
      assert.strictEqual(yield* mine.recv(), "answer to a question")
      assert.strictEqual((yield* Effect.flip(mine.recv()))._tag, "EndOfFile")
      assert.deepStrictEqual(yield* child.join(), ["a question"])
    }))
  )

  it.live(
    "CONN-28 either end of a one-way pipe can be sent to a child, the sender closes its own, and data flows",
    withChildren(Letters.layer)(Effect.gen(function*() {
      const letters = yield* Letters.left
      const child = yield* Mp.Process.spawn(receivesEnds, 2)
      const make = Mp.Pipe.make({ message: Schema.String, duplex: false })
      const [theirReceiver, mySender] = yield* make
      // The types have no handle for an end of one direction.
      yield* letters.send({ use: "receive", end: theirReceiver as Mp.Connection.Connection<string, string> })
      yield* theirReceiver.close
      const [myReceiver, theirSender] = yield* make
      yield* letters.send({ use: "send", end: theirSender as Mp.Connection.Connection<string, string> })
      yield* theirSender.close
      yield* mySender.send("for the child")
      assert.strictEqual(yield* myReceiver.recv(), "sent by the child")
      assert.strictEqual((yield* Effect.flip(myReceiver.recv()))._tag, "EndOfFile")
      assert.deepStrictEqual(yield* child.join(), ["for the child"])
      assert.strictEqual((yield* Effect.flip(mySender.send("too late")))._tag, "BrokenPipe")
    }))
  )
})

describe("wait and other processes", () => {
  for (const slow of [false, true]) {
    it.live(
      `WAIT-01 four children send ten messages each${
        slow ? ", slowly" : ""
      }: all arrive, then each reader is at its end`,
      withChildren(Layer.empty)(Effect.gen(function*() {
        const left: Array<Mp.Connection.Receiver<typeof Tenth.Type>> = []
        for (const id of [0, 1, 2, 3]) {
          const [reader, writer] = yield* Mp.Pipe.make({ message: Tenth })
          yield* Mp.Process.spawn(streamsTuples, { id, end: writer, slow })
          yield* writer.close
          left.push(reader)
        }
        const messages: Array<typeof Tenth.Type> = []
        while (left.length > 0) {
          for (const reader of yield* Mp.wait(left)) {
            yield* reader.recv({ timeout: 0 }).pipe(
              Effect.map((message) => {
                messages.push(message)
              }),
              Effect.catchTag("EndOfFile", () => Effect.sync(() => left.splice(left.indexOf(reader), 1)))
            )
          }
        }
        const expected = [0, 1, 2, 3].flatMap((id) => Array.from({ length: 10 }, (_, i): typeof Tenth.Type => [i, id]))
        assert.deepStrictEqual(messages.sort(([a, x], [b, y]) => x - y || a - b), expected)
      }))
    )

    it.live(
      `WAIT-02 four children send lines of bytes${slow ? ", slowly" : ""}: each stream is whole, and its end is ready`,
      withChildren(Layer.empty)(Effect.gen(function*() {
        const texts = new Map<Mp.Connection.Receiver<string>, string>()
        for (const id of [0, 1, 2, 3]) {
          const [reader, writer] = yield* Mp.Pipe.make({ message: Schema.String })
          yield* Mp.Process.spawn(streamsLines, { id, end: writer, slow })
          yield* writer.close
          texts.set(reader, "")
        }
        const open = new Set(texts.keys())
        while (open.size > 0) {
          for (const reader of yield* Mp.wait(Array.from(open))) {
            yield* reader.recvBytes().pipe(
              Effect.map((bytes) => {
                texts.set(reader, texts.get(reader)! + textOf(bytes))
              }),
              Effect.catchTag("EndOfFile", () => Effect.sync(() => open.delete(reader)))
            )
          }
        }
        const whole = Array.from({ length: 10 }, (_, i) => `${i}\n`).join("")
        assert.deepStrictEqual(Array.from(texts.values()), [whole, whole, whole, whole])
      }))
    )
  }

  it.live(
    "WAIT-04 gives the sentinel of a process that ends, and everything else that is ready with it",
    withChildren(Line.layer)(Effect.gen(function*() {
      const line = yield* Line.left
      const [a, toA] = yield* Mp.Pipe.make({ message: Schema.String })
      const [b, toB] = yield* Mp.Pipe.make({ message: Schema.String })
      const child = yield* Mp.Process.spawn(ends)
      const sentinel = child.sentinel
      assert.deepStrictEqual(yield* Mp.wait([a, sentinel, b], { timeout: 20 }), [])
      const waiting = yield* Effect.forkScoped(Mp.wait([a, sentinel, b]), { startImmediately: true })
      yield* line.send("end")
      assert.deepStrictEqual(yield* Fiber.join(waiting), [sentinel])
      yield* toA.send("a")
      assert.deepStrictEqual(yield* Mp.wait([a, sentinel, b], { timeout: "20 seconds" }), [a, sentinel])
      yield* toB.send("b")
      assert.deepStrictEqual(yield* Mp.wait([a, sentinel, b], { timeout: "20 seconds" }), [a, sentinel, b])
      assert.deepStrictEqual([yield* a.recv(), yield* b.recv()], ["a", "b"])
    }))
  )
})
