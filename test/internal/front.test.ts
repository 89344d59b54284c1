import { assert, describe, it } from "@effect/vitest"
import { maxOffered } from "../../src/internal/hub/itemRing.ts"
import * as Message from "../../src/internal/hub/message.ts"
import type { Peer } from "../../src/internal/hub/objects.ts"
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

/** A queue whose only reader knows the memory, and has taken all; another client puts. */
const withReader = () => {
  const hub = make(queue(0), 3)
  for (const item of "ab") hub.ask(hub.owner, Request.Put, 0, item)
  hub.ask(hub.peers[0]!, Request.Get, GetFlag.shared | GetFlag.accepted)
  assert.strictEqual(hub.claim(0), "b")
  hub.said()
  return hub
}

/** The same, where the one who puts has the pen. */
const withPen = () => {
  const hub = withReader()
  hub.ask(hub.peers[1]!, Request.TakePen)
  assert.deepStrictEqual(hub.said(), ["client 1: pen of memory 0"])
  return hub
}

describe("who reads in shared memory", () => {
  it("is given that after some gets that had to wait", () => {
    const hub = make(queue(0), 1, 2)
    for (const item of "abc") {
      hub.ask(hub.peers[0]!, Request.Get, GetFlag.shared)
      hub.ask(hub.owner, Request.Put, 0, item)
      hub.accept(hub.peers[0]!)
    }
    assert.deepStrictEqual(hub.said().filter((line) => line.startsWith("client")), [
      "client 0: item a",
      "client 0: item b",
      "client 0: memory 0 as 0",
      "client 0: item c"
    ])
    hub.ask(hub.owner, Request.Put, 0, "d")
    assert.strictEqual(hub.claim(0), "d")
  })

  it("may look there for what comes, unless the next item must be asked for, or nothing comes", () => {
    const hub = withReader()
    assert.isTrue(hub.isExpecting(0))
    hub.ask(hub.owner, Request.Put, 0, "c")
    assert.isFalse(hub.isExpecting(0), "it is there")
    hub.claim(0)
    assert.isTrue(hub.isExpecting(0))
    hub.kernel.receive(hub.owner, Message.make(Request.Put, 92, 1, 0, Buffer.from("d")), { tokens: [], gone: () => {} })
    assert.isFalse(hub.isExpecting(0), "it carries something")
    hub.ask(hub.peers[0]!, Request.Get)
    hub.accept(hub.peers[0]!)
    assert.isTrue(hub.isExpecting(0))
    hub.ask(hub.owner, Request.ShutDown)
    assert.isFalse(hub.isExpecting(0), "nothing comes")
  })

  it("must ask when the memory is not used any more", () => {
    const hub = withReader()
    hub.kernel.removePeer(hub.owner)
    for (const peer of hub.peers.slice(1)) hub.kernel.removePeer(peer)
    hub.ask(hub.peers[0]!, Request.Detach)
    assert.strictEqual(hub.segments.used, 0)
    assert.isFalse(hub.isExpecting(0))
  })
})

describe("the pen of shared memory", () => {
  it("has what its holder puts go to readers without the hub", () => {
    const hub = withPen()
    assert.isTrue(hub.isExpecting(0))
    for (const item of "cde") assert.isTrue(hub.offer(1, item))
    assert.deepStrictEqual([hub.claim(0), hub.claim(0)], ["c", "d"])
    assert.deepStrictEqual(hub.said(), [])
  })

  it("is lent while what was put before is there to be claimed, and keeps the order", () => {
    const hub = withReader()
    for (const item of "cd") hub.ask(hub.peers[1]!, Request.Put, 0, item)
    hub.claim(0)
    hub.ask(hub.peers[1]!, Request.TakePen)
    for (const item of "ef") assert.isTrue(hub.offer(1, item))
    assert.strictEqual(hub.claim(0), "d")
    hub.ask(hub.owner, Request.Put, 0, "g")
    hub.ask(hub.owner, Request.Inspect)
    assert.strictEqual(hub.said().at(-1), "owner: size 3")
    hub.putDown(1)
    assert.deepStrictEqual([0, 0, 0, 0].map(hub.claim), ["e", "f", "g", undefined])
  })

  it("is not lent where the hub needs it: twice, for a joinable or bounded queue, where somebody waits, or nobody reads there", () => {
    const hub = withPen()
    hub.ask(hub.peers[2]!, Request.TakePen)
    assert.deepStrictEqual(hub.said(), ["client 2: WouldBlock"])
    for (const spec of [queue(3), { ...queue(0), joinable: "done" } as const]) {
      const other = withItems("ab", { clients: 2, spec })
      other.claim(0)
      other.ask(other.peers[1]!, Request.TakePen)
      assert.deepStrictEqual(other.said(), ["client 1: WouldBlock"])
    }
    const waited = withReader()
    waited.ask(waited.peers[0]!, Request.Get, GetFlag.shared)
    waited.ask(waited.peers[1]!, Request.TakePen)
    assert.deepStrictEqual(waited.said(), ["client 1: WouldBlock"])
    const unread = withItems("", { clients: 2, readers: 0 })
    unread.ask(unread.peers[1]!, Request.TakePen)
    assert.deepStrictEqual(unread.said(), ["client 1: WouldBlock"])
    const ended = withReader()
    ended.ask(ended.owner, Request.ShutDown)
    ended.ask(ended.peers[1]!, Request.TakePen)
    assert.deepStrictEqual(ended.said(), ["owner: done", "client 1: WouldBlock"])
  })

  it("is taken back by whatever concerns the object, and what was offered with it is delivered", () => {
    const ends: Record<string, (hub: ReturnType<typeof withPen>) => void> = {
      put: (hub) => hub.ask(hub.owner, Request.Put, 0, "last"),
      "put in the process of the hub": (hub) => hub.kernel.putNow(hub.owner, 1, Buffer.from("last"), true),
      poll: (hub) => hub.ask(hub.peers[2]!, Request.Poll, 1),
      size: (hub) => hub.ask(hub.owner, Request.Inspect),
      "shut down": (hub) => hub.ask(hub.owner, Request.ShutDown),
      "the end of another reader": (hub) => hub.kernel.removePeer(hub.peers[2]!),
      "its own end": (hub) => hub.kernel.removePeer(hub.peers[1]!),
      "put down": (hub) => hub.putDown(1)
    }
    for (const [name, end] of Object.entries(ends)) {
      const hub = withPen()
      for (const item of "cdef") hub.offer(1, item)
      hub.claim(0)
      end(hub)
      assert.isFalse(hub.offer(1, "x"), name)
      hub.said()
      const got: Array<string> = []
      for (let i = 0; i < 4; i++) {
        hub.ask(hub.peers[0]!, Request.Get, GetFlag.nowait | GetFlag.accepted)
        got.push(hub.said()[0]!)
      }
      assert.deepStrictEqual(got, [
        "client 0: item d",
        "client 0: item e",
        "client 0: item f",
        name.startsWith("put") && !name.endsWith("down")
          ? "client 0: item last"
          : name === "shut down"
          ? "client 0: ShutDown"
          : "client 0: WouldBlock"
      ], name)
    }
  })

  it("is taken back by a get, which is given what comes next", () => {
    const hub = withPen()
    hub.ask(hub.peers[2]!, Request.Get)
    assert.deepStrictEqual(hub.recalled(), ["client 1: true"])
    assert.isFalse(hub.offer(1, "c"))
    hub.putDown(1)
    hub.ask(hub.peers[1]!, Request.Put, 0, "c")
    assert.strictEqual(hub.said()[0], "client 2: item c")
  })

  it("has the hub write nothing there until it was put down, as its holder may be writing still", () => {
    const hub = withPen()
    hub.ask(hub.owner, Request.Put, 0, "c")
    assert.isFalse(hub.isExpecting(0), "the hub must be asked")
    assert.isUndefined(hub.claim(0))
    hub.ask(hub.peers[1]!, Request.TakePen)
    assert.deepStrictEqual(hub.said(), ["owner: done", "client 1: WouldBlock"])
    hub.putDown(1)
    assert.strictEqual(hub.claim(0), "c")
    assert.isTrue(hub.isExpecting(0))
    hub.ask(hub.peers[1]!, Request.TakePen)
    assert.deepStrictEqual(hub.said(), ["client 1: pen of memory 0"])
  })

  it("is not put down by what was said of an earlier one", () => {
    const hub = withPen()
    const earlier = hub.last()
    hub.putDown(1)
    hub.ask(hub.peers[1]!, Request.TakePen)
    hub.kernel.receive(hub.peers[1]!, Message.make(Request.PutDownPen, earlier, 1, 0))
    assert.isTrue(hub.offer(1, "c"))
    assert.strictEqual(hub.claim(0), "c")
  })

  it("has one who reads in the process of the hub claim what is offered", () => {
    const hub = make(queue(0), 1)
    assert.isUndefined(hub.kernel.takeNow(hub.owner, 1))
    hub.ask(hub.peers[0]!, Request.Put, 0, "a")
    hub.ask(hub.peers[0]!, Request.TakePen)
    hub.said()
    hub.offer(0, "b")
    const take = () => {
      const bytes = hub.kernel.takeNow(hub.owner, 1)
      return bytes && Buffer.from(bytes).toString()
    }
    assert.deepStrictEqual([take(), take(), take()], ["a", "b", undefined])
    assert.isDefined(hub.kernel.soon(hub.owner, 1))
    hub.offer(0, "c")
    assert.isUndefined(hub.kernel.soon(hub.owner, 1))
    hub.ask(hub.owner, Request.Get, GetFlag.nowait)
    assert.deepStrictEqual(hub.said(), ["owner: item c"])
    assert.isFalse(hub.offer(0, "d"))
  })

  it("goes with its holder, and the memory with it", () => {
    const hub = withPen()
    hub.offer(1, "c")
    hub.kernel.removePeer(hub.peers[1]!)
    assert.strictEqual(hub.segments.used, 0)
    assert.isUndefined(hub.claim(0))
    hub.ask(hub.owner, Request.Put, 0, "d")
    hub.said()
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.shared | GetFlag.accepted)
    assert.deepStrictEqual(hub.said(), ["client 0: memory 1 as 0", "client 0: item c"])
    assert.strictEqual(hub.claim(0), "d")
  })

  it("keeps the end of a pipe behind the last item", () => {
    const hub = make({ kind: "pipe", duplex: false, maxBytes: 1_000_000 }, 0)
    const [reader, writer] = ([1, 2] as const).map((ref, i) => {
      const peer = hub.connect(`client ${i}`, i)
      hub.handOver(ref, peer)
      hub.ask(hub.owner, Request.Detach, 0, "", ref)
      return peer
    }) as [Peer, Peer]
    for (const item of "ab") hub.ask(writer, Request.Put, 0, item)
    hub.ask(reader, Request.Get, GetFlag.shared | GetFlag.accepted)
    hub.claim(0)
    hub.ask(writer, Request.TakePen)
    hub.offer(1, "c")
    hub.offer(1, "d")
    assert.strictEqual(hub.claim(0), "c")
    hub.kernel.removePeer(writer)
    hub.said()
    for (let i = 0; i < 2; i++) hub.ask(reader, Request.Get, GetFlag.accepted)
    assert.deepStrictEqual(hub.said(), ["client 0: item d", "client 0: EndOfFile"])
  })

  it("is recalled without harm to who waits for room: it is told of claims as ever", () => {
    const hub = make(queue(0, 500_000), 2)
    for (const item of "ab") hub.ask(hub.owner, Request.Put, 0, item)
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.shared | GetFlag.accepted)
    hub.claim(0)
    hub.ask(hub.peers[1]!, Request.TakePen)
    hub.offer(1, "c")
    hub.said()
    for (const length of [400_000, 200_000]) hub.ask(hub.owner, Request.Put, 0, "x".repeat(length))
    assert.deepStrictEqual(hub.said(), ["owner: done"])
    hub.claim(0)
    assert.isTrue(hub.mustTell(0))
  })

  it("is not lent where the room could not hold all that fits into the memory", () => {
    const hub = make(queue(0, 2000), 2)
    for (const item of "ab") hub.ask(hub.owner, Request.Put, 0, item)
    hub.ask(hub.peers[0]!, Request.Get, GetFlag.shared | GetFlag.accepted)
    hub.claim(0)
    hub.said()
    hub.ask(hub.peers[1]!, Request.TakePen)
    assert.deepStrictEqual(hub.said(), ["client 1: WouldBlock"])
  })

  it("is as good as put down when its holder puts by a message", () => {
    const hub = withPen()
    hub.ask(hub.peers[1]!, Request.Put, 0, "c")
    assert.strictEqual(hub.claim(0), "c")
    hub.putDown(1)
    hub.ask(hub.peers[1]!, Request.TakePen)
    assert.strictEqual(hub.said().at(-1), "client 1: pen of memory 0")
  })

  it("is safe from whatever its holder writes there: the hub goes on without shared memory", () => {
    // How many were offered; the length of the last one.
    const nonsense = [(words: Int32Array) => words[16]! += 5000, (words: Int32Array) => words[48 + 4 * 2 + 1] = 2 ** 20]
    for (const write of nonsense) {
      const hub = withReader()
      // The hub's own, which nobody can have any more.
      hub.ask(hub.owner, Request.Put, 0, "c")
      hub.ask(hub.peers[1]!, Request.TakePen)
      hub.offer(1, "d")
      write(new Int32Array(hub.memories.get("memory 0")!))
      hub.ask(hub.owner, Request.Put, 0, "e")
      hub.said()
      hub.ask(hub.peers[0]!, Request.Get, GetFlag.shared | GetFlag.accepted)
      hub.ask(hub.owner, Request.Inspect)
      hub.ask(hub.owner, Request.ShutDown)
      hub.ask(hub.peers[0]!, Request.Get)
      assert.deepStrictEqual(hub.said(), ["client 0: item e", "owner: size 0", "owner: done", "client 0: ShutDown"])
      assert.strictEqual(hub.segments.used, 0)
    }
  })
})
