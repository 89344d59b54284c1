import { assert, describe, it } from "@effect/vitest"
import { maxOffered } from "../../src/internal/hub/itemRing.ts"
import * as Message from "../../src/internal/hub/message.ts"
import { make, queue } from "../support/sharedObject.ts"

const { GetFlag, PutFlag, Request } = Message

/** A queue with these items, and clients, the first of which have taken one of them and know the memory where the rest is. */
const withItems = (items: string, { clients = 1, readers = 1, spec = queue(0) } = {}) => {
  const hub = make(spec, clients)
  for (const item of items) hub.ask(hub.owner, Request.Put, 0, item)
  for (let i = 0; i < readers; i++) hub.ask(hub.peers[i]!, Request.Get, GetFlag.shared | GetFlag.accepted)
  hub.said()
  return hub
}

describe("items in shared memory", () => {
  it("are offered before the answer to a get, and only if it asks for that", () => {
    const hub = withItems("abcd", { readers: 0 })
    hub.ask(hub.peers[0]!, Request.Get)
    assert.deepStrictEqual(hub.said(), ["client 0: item a"])
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.shared)
    assert.deepStrictEqual(hub.said(), ["client 0: memory 0 as 0", "client 0: item b"])
    assert.deepStrictEqual([hub.claim(0), hub.claim(0), hub.claim(0)], ["c", "d", undefined])
  })

  it("are not offered where there is nothing behind the item that was asked for, or no memory", () => {
    const hub = withItems("a", { readers: 0 })
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.shared)
    assert.deepStrictEqual(hub.said(), ["client 0: item a"])
    hub.segments.left = 0
    for (const item of "bc") hub.ask(hub.owner, Request.Put, 0, item)
    hub.said()
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.shared)
    assert.deepStrictEqual(hub.said(), ["client 0: item b"])
  })

  it("are for whoever is first, in their order: nobody has to wait for anybody", () => {
    const hub = withItems("abcdefgh", { clients: 3, readers: 3 })
    assert.deepStrictEqual([1, 0, 0, 2].map(hub.claim), ["d", "e", "f", "g"])
    hub.ask(hub.owner, Request.Put, 0, "i")
    hub.said()
    assert.deepStrictEqual([2, 1, 1].map(hub.claim), ["h", "i", undefined])
  })

  it("are given by the hub to who asks for one, in the same order", () => {
    const hub = withItems("abcd", { clients: 2 })
    hub.ask(hub.peers[1]!, Request.Get, GetFlag.nowait)
    assert.deepStrictEqual(hub.said(), ["client 1: item b"])
    assert.strictEqual(hub.claim(0), "c")
    hub.ask(hub.peers[0]!, Request.Get)
    assert.deepStrictEqual(hub.said(), ["client 0: item d"])
    assert.isUndefined(hub.claim(0))
  })

  it("go back to their places when an older one does, so that it is not overtaken", () => {
    const hub = withItems("abcd", { clients: 2 })
    hub.ask(hub.peers[1]!, Request.Get)
    hub.said()
    hub.kernel.receive(hub.peers[1]!, Message.make(Request.Return, hub.last(), 0, 0))
    assert.deepStrictEqual([hub.claim(0), hub.claim(0), hub.claim(0)], ["b", "c", "d"])
  })

  it("are left to the others when a reader dies, or lets go, but for those that it has claimed", () => {
    for (const end of ["removePeer", "detach"] as const) {
      const hub = withItems("abcdef", { clients: 2, readers: 2 })
      assert.strictEqual(hub.claim(0), "c")
      if (end === "removePeer") hub.kernel.removePeer(hub.peers[0]!)
      else hub.ask(hub.peers[0]!, Request.Detach)
      assert.deepStrictEqual([hub.claim(1), hub.claim(1), hub.claim(1), hub.claim(1)], ["d", "e", "f", undefined])
    }
  })

  it("that a dead reader had not finished come again, and nobody else's", () => {
    const spec = { ...queue(0), joinable: "redeliver" } as const
    const hub = withItems("abcdefg", { clients: 2, readers: 2, spec })
    assert.deepStrictEqual([1, 0, 1, 0].map(hub.claim), ["c", "d", "e", "f"])
    hub.kernel.removePeer(hub.peers[0]!)
    // "a" had been answered to it.
    assert.deepStrictEqual([1, 1, 1, 1, 1].map(hub.claim), ["a", "d", "f", "g", undefined])
  })

  it("count as items of the queue until they are claimed", () => {
    const hub = withItems("abcd")
    hub.claim(0)
    hub.ask(hub.owner, Request.Inspect)
    assert.deepStrictEqual(hub.said(), ["owner: size 2"])
  })

  it("can be polled for", () => {
    const hub = withItems("ab", { clients: 2 })
    hub.ask(hub.peers[1]!, Request.Poll, 1)
    hub.claim(0)
    hub.ask(hub.peers[1]!, Request.Poll, 1)
    assert.deepStrictEqual(hub.said(), ["client 1: done", "client 1: WouldBlock"])
  })

  it("make room when they are claimed, also if the client has not told yet", () => {
    const hub = withItems("abc", { clients: 2, spec: queue(3) })
    for (const item of "de") hub.ask(hub.peers[1]!, Request.Put, PutFlag.nowait, item)
    hub.claim(0)
    hub.ask(hub.peers[1]!, Request.Put, PutFlag.nowait, "e")
    assert.deepStrictEqual(hub.said(), ["client 1: done", "client 1: WouldBlock", "client 1: done"])
  })

  it("make room for who waits for it as soon as a reader tells, and one of them must", () => {
    const hub = withItems("abc", { clients: 2, readers: 2, spec: { ...queue(0), maxBytes: 3 * 257 } })
    hub.ask(hub.owner, Request.Put, 0, "d")
    hub.ask(hub.owner, Request.Put, 0, "e")
    hub.ask(hub.owner, Request.Put, 0, "f")
    hub.said()
    assert.strictEqual(hub.claim(0), "c")
    assert.deepStrictEqual([hub.mustTell(0), hub.mustTell(1)], [true, false])
    hub.ask(hub.peers[0]!, Request.Claimed)
    assert.deepStrictEqual(hub.said(), ["owner: done"])
    assert.deepStrictEqual([1, 1, 1].map(hub.claim), ["d", "e", "f"])
  })

  it("are refilled when half of them is left, and not before", () => {
    const hub = withItems("x".repeat(2 * maxOffered), { spec: queue(0, 10_000_000) })
    const told: Array<number> = []
    for (let i = 1; i <= maxOffered; i++) {
      hub.claim(0)
      if (hub.mustTell(0)) told.push(i)
    }
    assert.deepStrictEqual(told, [maxOffered / 2 + 1])
    assert.isUndefined(hub.claim(0))
    hub.ask(hub.peers[0]!, Request.Claimed)
    for (let i = 0; i < maxOffered - 1; i++) assert.isDefined(hub.claim(0))
    assert.isUndefined(hub.claim(0))
  })

  it("keep the end from readers until they are claimed, and no longer", () => {
    const hub = withItems("abc", { clients: 2 })
    hub.ask(hub.owner, Request.ShutDown)
    hub.claim(0)
    hub.claim(0)
    hub.ask(hub.peers[1]!, Request.Get)
    assert.deepStrictEqual(hub.said(), ["owner: done", "client 1: ShutDown"])
  })

  it("are dropped by a shutdown at once", () => {
    const hub = withItems("abc")
    hub.ask(hub.owner, Request.ShutDown, 1)
    assert.isUndefined(hub.claim(0))
  })

  it("are not those that carry something, which must be asked for, nor what is behind them", () => {
    const hub = withItems("abc", { readers: 0 })
    hub.kernel.receive(hub.owner, Message.make(Request.HandOver, 91, 1, 1))
    const attached = { tokens: [], gone: () => {} }
    hub.kernel.receive(hub.owner, Message.make(Request.Put, 92, 1, 0, Buffer.from("d")), attached)
    hub.ask(hub.owner, Request.Put, 0, "e")
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.shared | GetFlag.accepted)
    hub.said()
    assert.deepStrictEqual([hub.claim(0), hub.claim(0), hub.claim(0)], ["b", "c", undefined])
    hub.ask(hub.peers[0]!, Request.Get)
    assert.deepStrictEqual(hub.said(), ["client 0: item d"])
    hub.accept(hub.peers[0]!)
    assert.strictEqual(hub.claim(0), "e")
  })

  it("have larger memory when they are long, and are asked for when they do not fit there either", () => {
    const hub = withItems("", { readers: 0, spec: queue(0, 100_000_000) })
    const texts = [10, 20, 100_000, 100_000, 100_000, 100_000, 5_000_000, 30].map((length) => "x".repeat(length))
    for (const text of texts) hub.ask(hub.owner, Request.Put, 0, text)
    hub.said()
    const names: Array<string> = []
    const lengths: Array<number> = []
    for (let i = 0; i < texts.length; i++) {
      const claimed = hub.claim(0)
      if (claimed !== undefined) {
        lengths.push(claimed.length)
        continue
      }
      hub.ask(hub.peers[0]!, Request.Get, GetFlag.shared | GetFlag.accepted)
      for (const line of hub.said()) {
        if (line.startsWith("client 0: item ")) lengths.push(line.length - "client 0: item ".length)
        else names.push(line)
      }
    }
    assert.deepStrictEqual(lengths, texts.map((text) => text.length))
    assert.deepStrictEqual(names, ["client 0: memory 0 as 0", "client 0: memory 1 as 0"])
    assert.strictEqual(hub.segments.used, 1)
  })

  it("give their memory back when nobody holds the object any more", () => {
    const hub = withItems("abc")
    assert.strictEqual(hub.segments.used, 1)
    hub.kernel.removePeer(hub.peers[0]!)
    assert.strictEqual(hub.segments.used, 1)
    hub.kernel.removePeer(hub.owner)
    assert.strictEqual(hub.segments.used, 0)
  })

  it("have as many readers as you like where it does not matter who has what", () => {
    const clients = 257
    const hub = make(queue(0), clients)
    for (let i = 0; i < 3 * clients; i++) hub.ask(hub.owner, Request.Put, 0, `${i}`)
    for (const peer of hub.peers) hub.ask(peer, Request.Get, GetFlag.shared | GetFlag.accepted)
    const shared = hub.said().filter((line) => line.endsWith(" as 0"))
    assert.strictEqual(shared.length, clients)
    assert.deepStrictEqual(
      hub.peers.map((_, i) => hub.claim(i)),
      Array.from({ length: clients }, (_, i) => `${clients + i}`)
    )
  })

  it("of a joinable queue have as many readers as there are numbers; others ask", () => {
    const clients = 257
    const hub = make({ ...queue(0), joinable: "redeliver" }, clients)
    for (let i = 0; i < 2 * clients; i++) hub.ask(hub.owner, Request.Put, 0, `${i}`)
    hub.said()
    const numbers = hub.peers.map((peer) => {
      hub.ask(peer, Request.Get, GetFlag.shared | GetFlag.accepted)
      return hub.said().find((line) => line.includes(" as "))?.split(" as ")[1]
    })
    assert.deepStrictEqual(
      numbers,
      Array.from({ length: clients }, (_, i) => i < 255 ? `${i + 1}` : undefined)
    )
    hub.kernel.removePeer(hub.peers[7]!)
    hub.ask(hub.peers[256]!, Request.Get, GetFlag.shared | GetFlag.accepted)
    assert.strictEqual(hub.said()[0], "client 256: memory 0 as 8")
  })

  it("are safe from whatever a reader writes there: the hub goes on without shared memory", () => {
    for (const nonsense of [-1, 0x7fff_ff01, 1]) {
      const hub = withItems("abcdef", { clients: 2, readers: 2 })
      hub.claim(0)
      const words = new Int32Array(hub.memories.get("memory 0")!, 0, 1)
      words[0] = nonsense
      hub.kernel.removePeer(hub.peers[0]!)
      for (const item of "ghi") hub.ask(hub.owner, Request.Put, 0, item)
      hub.said()
      hub.ask(hub.peers[1]!, Request.Get, GetFlag.shared | GetFlag.accepted)
      // It has claimed what was offered to it, as far as the hub can know.
      assert.deepStrictEqual(hub.said(), ["client 1: item g"])
      assert.strictEqual(hub.segments.used, 0)
    }
  })
})
