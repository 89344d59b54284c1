import { assert, describe, it } from "@effect/vitest"
import { once } from "node:events"
import { Worker } from "node:worker_threads"
import * as Credit from "../../src/internal/hub/credit.ts"
import * as Message from "../../src/internal/hub/message.ts"
import { make, queue } from "../support/sharedObject.ts"

const { PutFlag, Request } = Message

describe("a put on credit", () => {
  it("is possible after the first put, and is not answered", () => {
    const hub = make(queue(0), 1)
    assert.isFalse(hub.putOnCredit(0, "a"))
    hub.ask(hub.peers[0]!, Request.Put, 0, "a")
    assert.deepStrictEqual(hub.said(), ["client 0: done"])
    assert.isTrue(hub.putOnCredit(0, "b"))
    assert.deepStrictEqual(hub.said(), [])
    hub.ask(hub.owner, Request.Get)
    hub.ask(hub.owner, Request.Get)
    assert.deepStrictEqual(hub.said(), ["owner: item a", "owner: item b"])
  })

  it("never exceeds the size of the queue, and can be made again when there is room", () => {
    const hub = make(queue(3), 1)
    hub.ask(hub.peers[0]!, Request.Put, 0, "0")
    assert.deepStrictEqual(["1", "2", "3"].map((n) => hub.putOnCredit(0, n)), [true, true, false])
    hub.ask(hub.peers[0]!, Request.Put, PutFlag.nowait, "3")
    assert.deepStrictEqual(hub.said(), ["client 0: done", "client 0: WouldBlock"])
    hub.ask(hub.owner, Request.Get)
    assert.isFalse(hub.putOnCredit(0, "3"), "the item that is taken still has its room until it is accepted")
    hub.kernel.receive(hub.owner, Message.make(Request.Accept, hub.last(), 0, 0))
    assert.isTrue(hub.putOnCredit(0, "3"))
    assert.isFalse(hub.putOnCredit(0, "4"))
  })

  it("is no more possible for one as soon as another wants the room", () => {
    const hub = make(queue(4), 2)
    hub.ask(hub.peers[0]!, Request.Put, 0, "a")
    assert.isAbove(Credit.reclaim(hub.words[0]!.slice(), 1), 0)
    for (const text of ["b", "c", "d"]) hub.ask(hub.peers[1]!, Request.Put, PutFlag.nowait, text)
    assert.deepStrictEqual(hub.said(), ["client 0: done", "client 1: done", "client 1: done", "client 1: done"])
    assert.isFalse(hub.putOnCredit(0, "e"))
    hub.ask(hub.peers[0]!, Request.Put, PutFlag.nowait, "e")
    assert.deepStrictEqual(hub.said(), ["client 0: WouldBlock"])
  })

  it("is let in if its credit was taken before the shutdown, and readers are not told the end before it has come", () => {
    const hub = make(queue(0), 1)
    hub.ask(hub.peers[0]!, Request.Put, 0, "a")
    assert.isTrue(Credit.take(hub.words[0]!, 1, 1), "the client has put, and its message is on its way")
    hub.ask(hub.owner, Request.ShutDown)
    assert.isFalse(Credit.take(hub.words[0]!, 1, 1))
    hub.ask(hub.owner, Request.Get)
    hub.kernel.receive(hub.owner, Message.make(Request.Accept, hub.last(), 0, 0))
    hub.ask(hub.owner, Request.Get)
    assert.deepStrictEqual(hub.said(), ["client 0: done", "owner: done", "owner: item a"])
    hub.kernel.receive(hub.peers[0]!, Message.make(Request.Put, 0, 1, PutFlag.onCredit, Buffer.from("b")))
    assert.deepStrictEqual(hub.said(), ["owner: item b"])
    hub.kernel.receive(hub.owner, Message.make(Request.Accept, hub.last(), 0, 0))
    hub.ask(hub.owner, Request.Get)
    assert.deepStrictEqual(hub.said(), ["owner: ShutDown"])
  })

  it("of a client that died before it could write is not waited for, and its room is free", () => {
    const hub = make(queue(2), 2)
    hub.ask(hub.peers[0]!, Request.Put, 0, "a")
    assert.isTrue(Credit.take(hub.words[0]!, 1, 1))
    hub.ask(hub.peers[1]!, Request.Put, PutFlag.nowait, "b")
    assert.deepStrictEqual(hub.said(), ["client 0: done", "client 1: WouldBlock"])
    hub.kernel.removePeer(hub.peers[0]!)
    hub.ask(hub.peers[1]!, Request.Put, PutFlag.nowait, "b")
    assert.deepStrictEqual(hub.said(), ["client 1: done"])
  })

  it("that was never given ends the connection, whatever the client has written into its word", () => {
    const hub = make(queue(10), 1)
    hub.ask(hub.peers[0]!, Request.Put, 0, "a")
    Credit.give(hub.words[0]!, 1, 1_000_000, true)
    const put = () =>
      hub.kernel.receive(hub.peers[0]!, Message.make(Request.Put, 0, 1, PutFlag.onCredit, Buffer.from("x")))
    for (let i = 0; i < 9; i++) assert.isTrue(put())
    assert.isFalse(put())
    hub.kernel.removePeer(hub.peers[0]!)
    hub.ask(hub.owner, Request.Inspect)
    assert.deepStrictEqual(hub.said().at(-1), "owner: size 10")
  })

  it("of a message that is too long for an item's share must be asked for", () => {
    const hub = make(queue(10), 1)
    hub.ask(hub.peers[0]!, Request.Put, 0, "a")
    assert.isFalse(Credit.take(hub.words[0]!, 1, Credit.maxItemSize + 1))
    assert.isTrue(Credit.take(hub.words[0]!, 1, Credit.maxItemSize))
  })

  it("is no more possible when nobody is left to read the pipe", () => {
    const hub = make({ kind: "pipe", duplex: true, maxBytes: 1_000_000 }, 1)
    hub.ask(hub.peers[0]!, Request.Put, 0, "a")
    assert.isTrue(hub.putOnCredit(0, "b"))
    hub.kernel.receive(hub.owner, Message.make(Request.Detach, 0, 2, 0))
    assert.isFalse(hub.putOnCredit(0, "c"))
    hub.ask(hub.peers[0]!, Request.Put, 0, "c")
    assert.deepStrictEqual(hub.said(), ["client 0: done", "client 0: BrokenPipe"])
  })

  it("is possible without end while nobody reads", () => {
    const hub = make(queue(0, 2 ** 30), 1)
    hub.ask(hub.peers[0]!, Request.Put, 0, "0")
    for (let i = 1; i < 30_000; i++) assert.isTrue(hub.putOnCredit(0, "0"), `put ${i}`)
  })

  it("must be asked for where readers are two thousand items behind, until they are not, or do not read any more", () => {
    const hub = make(queue(0, 2 ** 30), 1)
    const [writer] = hub.peers
    const read = (count: number) => {
      for (let i = 0; i < count; i++) {
        hub.ask(hub.owner, Request.Get)
        hub.accept(hub.owner)
      }
    }
    const putAll = () => {
      let count = 0
      while (count < 50_000 && hub.putOnCredit(0, "x")) count++
      return count
    }
    hub.ask(writer!, Request.Put, 0, "x")
    read(1)
    const ahead = putAll()
    assert.isAtLeast(ahead, 2048)
    assert.isAtMost(ahead, 3 * 2048)
    hub.ask(writer!, Request.Put, 0, "x")
    assert.isFalse(hub.putOnCredit(0, "x"), "room is there, but not for free")
    read(ahead)
    assert.isAtLeast(putAll(), 512, "the reader has come near")
    read(1)
    let asked = 0
    while (!hub.putOnCredit(0, "x") && asked++ < 50_000) hub.ask(writer!, Request.Put, 0, "x")
    assert.isAtMost(asked, 8 * 2048 + 1, "the reader has stopped")
    assert.strictEqual(putAll(), 50_000)
  })

  it("is for fewer bytes where messages are short", () => {
    const credit = (size: number) => {
      const hub = make(queue(0, 2 ** 30), 1)
      hub.ask(hub.peers[0]!, Request.Put, 0, "x".repeat(size))
      return Credit.reclaim(hub.words[0]!, 1)
    }
    assert.isAtMost(credit(1), 4096 * Credit.roomOf(1))
    assert.isAbove(credit(65_536), 4 * 2 ** 20)
  })

  it("is for fewer messages each where many write, but for some hundred in any case", () => {
    /** Of the last one who came. */
    const share = (writers: number) => {
      const hub = make(queue(0, 2 ** 30), writers)
      for (const peer of hub.peers) hub.ask(peer, Request.Put, 0, "x")
      return Credit.reclaim(hub.words.at(-1)!, 1) / Credit.roomOf(1)
    }
    assert.deepStrictEqual([1, 2, 4, 100].map(share), [4096, 2048, 1024, 512])
  })
})

describe("credit for items", () => {
  it("that comes one by one, while it is looked for, is spent once each", async () => {
    const count = 20_000
    const words = new Int32Array(new SharedArrayBuffer(4))
    const giver = new Worker(new URL("../fixtures/objects/creditGiver.ts", import.meta.url), {
      workerData: { count, words }
    })
    try {
      const end = once(giver, "message")
      let taken = 0
      while (taken < count) if (Credit.take(words, 0, 1)) taken++
      assert.deepStrictEqual(await end, [count])
      assert.isFalse(Credit.take(words, 0, 1))
    } finally {
      await giver.terminate()
    }
  })
})
