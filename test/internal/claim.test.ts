import { assert, describe, it } from "@effect/vitest"
import * as Claim from "../../src/internal/hub/claim.ts"
import * as Message from "../../src/internal/hub/message.ts"
import { make, queue } from "../support/sharedWords.ts"

const { GetFlag, Request } = Message

/** Turns of the event loop after which a reader that has claimed nothing is slow. */
const slow = 64

/** A queue with these items, and clients. */
const withItems = (items: string, clients: number, spec = queue(0)) => {
  const hub = make(spec, clients)
  for (const item of items) hub.ask(hub.owner, Request.Put, 0, item)
  hub.said()
  return hub
}

describe("items ahead", () => {
  it("come before the answer to a get, and only if it asked for them", () => {
    const hub = withItems("abcd", 1)
    hub.ask(hub.peers[0]!, Request.Get)
    assert.deepStrictEqual(hub.said(), ["client 0: item a"])
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
    assert.deepStrictEqual(hub.said(), ["client 0: ahead c", "client 0: ahead d", "client 0: item b"])
    assert.deepStrictEqual([hub.claim(0), hub.claim(0), hub.claim(0)], [true, true, false])
  })

  it("are with one reader only: another one waits for its turn, which comes when the first has taken them", () => {
    const hub = withItems("abcdefgh", 2)
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
    assert.strictEqual(hub.said().filter((line) => line.startsWith("client 0: ahead")).length, 7)
    hub.ask(hub.peers[1]!, Request.Get, GetFlag.ahead)
    for (let i = 0; i < 7; i++) {
      hub.turn(slow - 1)
      assert.deepStrictEqual(hub.said(), [])
      assert.isTrue(hub.claim(0))
    }
    hub.ask(hub.owner, Request.Put, 0, "i")
    assert.deepStrictEqual(hub.said(), ["owner: done", "client 1: item i"])
  })

  it("go back when their reader takes none of them while another one waits, in their order", () => {
    const hub = withItems("abcdefgh", 2)
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
    assert.isTrue(hub.claim(0))
    hub.ask(hub.peers[1]!, Request.Get, GetFlag.ahead)
    hub.said()
    hub.turn(slow)
    assert.deepStrictEqual(hub.said(), ["client 1: item c"])
    assert.isFalse(hub.claim(0))
    // It asks again, and nobody else has: perhaps it reads alone.
    hub.ask(hub.peers[1]!, Request.Get, GetFlag.ahead)
    const ahead = ["e", "f", "g", "h"].map((item) => `client 1: ahead ${item}`)
    assert.deepStrictEqual(hub.said(), [...ahead, "client 1: item d"])
  })

  it("follow each other to quick readers, and not to slow ones", () => {
    const hub = withItems("abcdefghijkl".repeat(200), 2)
    const aheadOf = (i: number) => hub.said().filter((line) => line.startsWith(`client ${i}: ahead`)).length
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
    hub.said()
    hub.ask(hub.peers[1]!, Request.Get, GetFlag.ahead)
    for (let i = 0; i < Claim.maxAhead; i++) assert.isTrue(hub.claim(0))
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
    assert.strictEqual(aheadOf(1), Claim.maxAhead, "the first was quick")
    hub.turn(slow)
    assert.strictEqual(aheadOf(0), 0, "the second was not")
  })

  it("go back at once for who does not wait, and when who waits has waited long enough", () => {
    const hub = withItems("abcd", 3)
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
    hub.ask(hub.peers[1]!, Request.Get, 0)
    hub.said()
    hub.kernel.receive(hub.peers[1]!, Message.make(Request.Cancel, hub.last(), 0, 0))
    assert.deepStrictEqual(hub.said(), ["client 1: item b"])
    hub.ask(hub.peers[1]!, Request.Get, GetFlag.ahead)
    hub.said()
    hub.ask(hub.peers[2]!, Request.Get, GetFlag.nowait)
    assert.deepStrictEqual(hub.said(), ["client 2: item d"])
  })

  it("have to be accepted by who has waited for the turn, who may wait no more when they come", () => {
    const hub = withItems("abc", 2)
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead | GetFlag.accepted)
    hub.ask(hub.peers[1]!, Request.Get, GetFlag.accepted)
    hub.turn(slow)
    hub.kernel.receive(hub.peers[1]!, Message.make(Request.Return, hub.last(), 0, 0))
    hub.said()
    hub.ask(hub.peers[0]!, Request.Get)
    assert.deepStrictEqual(hub.said(), ["client 0: item b"])
  })

  it("go to who waits for the turn when their reader dies, or lets go", () => {
    for (const end of ["removePeer", "detach"] as const) {
      const hub = withItems("abc", 2)
      hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead | GetFlag.accepted)
      hub.ask(hub.peers[1]!, Request.Get)
      hub.said()
      if (end === "removePeer") hub.kernel.removePeer(hub.peers[0]!)
      else hub.ask(hub.peers[0]!, Request.Detach)
      assert.deepStrictEqual(hub.said(), ["client 1: item b"])
    }
  })

  it("that are still on their way when their reader asks: it is given the first of them", () => {
    const hub = withItems("abcd", 1)
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
    hub.said()
    assert.isTrue(hub.claim(0))
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
    assert.deepStrictEqual(hub.said(), ["client 0: item c"])
    assert.deepStrictEqual([hub.claim(0), hub.claim(0)], [true, false])
  })

  it("count as items of the queue until they are claimed", () => {
    const hub = withItems("abcd", 1)
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
    hub.claim(0)
    hub.said()
    hub.ask(hub.owner, Request.Inspect)
    assert.deepStrictEqual(hub.said(), ["owner: size 2"])
  })

  it("make room for a writer when they are claimed, also if the client has not told yet", () => {
    const hub = withItems("abc", 2, queue(3))
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
    hub.kernel.receive(hub.peers[0]!, Message.make(Request.Accept, hub.last(), 0, 0))
    hub.said()
    hub.ask(hub.peers[1]!, Request.Put, Message.PutFlag.nowait, "d")
    hub.ask(hub.peers[1]!, Request.Put, Message.PutFlag.nowait, "e")
    hub.claim(0)
    hub.ask(hub.peers[1]!, Request.Put, Message.PutFlag.nowait, "e")
    assert.deepStrictEqual(hub.said(), ["client 1: done", "client 1: WouldBlock", "client 1: done"])
  })

  it("of a client that dies go back to their places, but for those that it has claimed", () => {
    const hub = withItems("abcde", 2)
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
    hub.kernel.receive(hub.peers[0]!, Message.make(Request.Accept, hub.last(), 0, 0))
    hub.claim(0)
    hub.kernel.removePeer(hub.peers[0]!)
    hub.said()
    for (let i = 0; i < 3; i++) hub.ask(hub.peers[1]!, Request.Get)
    assert.deepStrictEqual(hub.said(), ["client 1: item c", "client 1: item d", "client 1: item e"])
  })

  it("are not overtaken by what another client had, and died before it accepted it", () => {
    const hub = withItems("", 2)
    hub.ask(hub.peers[1]!, Request.Get)
    for (const item of "abcd") hub.ask(hub.owner, Request.Put, 0, item)
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
    hub.said()
    // It has "a", client 0 has "b" and "c", and "d" ahead.
    hub.kernel.removePeer(hub.peers[1]!)
    assert.isFalse(hub.claim(0))
    hub.ask(hub.peers[0]!, Request.Get)
    hub.ask(hub.peers[0]!, Request.Get)
    assert.deepStrictEqual(hub.said(), ["client 0: item a", "client 0: item d"])
  })

  it("are not overtaken: if the item before them goes back, they go back too", () => {
    const hub = withItems("abc", 1)
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
    hub.kernel.receive(hub.peers[0]!, Message.make(Request.Return, hub.last(), 0, 0))
    hub.said()
    assert.isFalse(hub.claim(0))
    for (let i = 0; i < 3; i++) hub.ask(hub.peers[0]!, Request.Get)
    assert.deepStrictEqual(hub.said(), ["client 0: item a", "client 0: item b", "client 0: item c"])
  })

  it("go back when the client revokes them, and come again under a new generation", () => {
    const hub = withItems("abc", 1)
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
    Claim.revoke(hub.words[0]!, Claim.slot(1))
    assert.isFalse(hub.claim(0))
    hub.said()
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
    assert.deepStrictEqual(hub.said(), ["client 0: ahead c", "client 0: item b"])
    assert.isFalse(hub.claim(0))
    assert.isTrue(hub.claim(0, 1))
  })

  it("do not keep the end from readers when all are claimed", () => {
    const hub = withItems("ab", 2)
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
    hub.kernel.receive(hub.peers[0]!, Message.make(Request.Accept, hub.last(), 0, 0))
    hub.claim(0)
    hub.said()
    hub.ask(hub.owner, Request.ShutDown)
    hub.ask(hub.peers[1]!, Request.Get)
    assert.deepStrictEqual(hub.said(), ["owner: done", "client 1: ShutDown"])
  })

  it("are no more than 1024, and not many of the long ones: what else their reader waits for comes behind them", () => {
    const ahead = (size: number, count: number) => {
      const hub = make(queue(0, 100_000_000), 1)
      for (let i = 0; i < count; i++) hub.ask(hub.owner, Request.Put, 0, "x".repeat(size))
      hub.said()
      hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
      return hub.said().length - 1
    }
    assert.strictEqual(ahead(1, 1100), 1024)
    assert.strictEqual(ahead(300_000, 10), 4)
  })

  it("are counted right where the counters overflow", () => {
    const hub = make(queue(0), 1)
    for (let i = 0; i < 5000; i++) {
      hub.ask(hub.owner, Request.Put, 0, "x")
      hub.ask(hub.owner, Request.Put, 0, "y")
      hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
      hub.kernel.receive(hub.peers[0]!, Message.make(Request.Accept, hub.last(), 0, 0))
      assert.isTrue(hub.claim(0))
      assert.isFalse(hub.claim(0))
    }
    hub.ask(hub.owner, Request.Inspect)
    assert.deepStrictEqual(hub.said().at(-1), "owner: size 0")
  })

  it("are safe from whatever a client writes into its word: nothing is lost for others, or doubled", () => {
    const hub = withItems("abc", 2)
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.ahead)
    hub.kernel.receive(hub.peers[0]!, Message.make(Request.Accept, hub.last(), 0, 0))
    hub.words[0]![Claim.slot(1)] = -1
    hub.kernel.removePeer(hub.peers[0]!)
    hub.ask(hub.owner, Request.Inspect)
    // It has claimed what it was offered, as far as the hub can know.
    assert.deepStrictEqual(hub.said().at(-1), "owner: size 0")
  })
})
