import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { Client, type Operation } from "../../src/internal/hub/client.ts"
import * as Credit from "../../src/internal/hub/credit.ts"
import { ItemRingReader, ItemRingWriter, sizeOf } from "../../src/internal/hub/itemRing.ts"
import type { LinkEvents } from "../../src/internal/hub/link.ts"
import * as Message from "../../src/internal/hub/message.ts"

const { Reply, Request } = Message

const textOf = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString()

/** A client that holds one object of another process, and what it says to its hub, which is the test. */
const make = () => {
  let events: LinkEvents
  const said: Array<Message.Message> = []
  let last = 0
  const say = (message: Message.Message, head?: unknown): undefined => {
    said.push(head instanceof Uint8Array ? { ...message, bytes: Message.copy(message.bytes, head) } : message)
    if (message.request !== 0) last = message.request
  }
  const shared = new ArrayBuffer(sizeOf(1024))
  const memory = { opened: 0, released: 0, isMissing: false, shared }
  const words = new Int32Array(1024)
  const client = new Client({
    address: "elsewhere",
    open: (own) => {
      events = own
      return {
        send: say,
        ask: say,
        owesBell: () => false,
        ring: () => {},
        flush: () => {},
        own: () => {},
        hasRoom: () => true,
        words: () => words,
        open: () => {
          if (memory.isMissing) return undefined
          memory.opened++
          return { memory: shared, release: () => memory.released++ }
        },
        transport: { cameIn: () => {}, expectAfter: 3, watch: () => {}, unwatch: () => {} },
        whenFlushed: (callback) => callback(),
        close: () => {}
      }
    }
  })
  const ref = client.allocateRef()
  const get: Operation<string | undefined, never> = {
    op: Request.Get,
    ref,
    flag: 0,
    bytes: new Uint8Array(0),
    eager: true,
    settle: (answer, lease) => {
      lease.accept()
      return Effect.succeed(typeof answer === "object" && "op" in answer ? textOf(answer.bytes) : undefined)
    }
  }
  return {
    client,
    ref,
    words,
    /** The bytes of what was said since the last time. */
    bytes: () => said.splice(0).map(({ bytes }) => textOf(bytes)),
    get: () => Effect.runFork(client.perform(get)),
    hub: new ItemRingWriter(shared),
    memory,
    /** What was said since the last time; what the hub answers to the last of it. */
    said: () => said.splice(0).map(({ op }) => Object.entries(Request).find(([, request]) => request === op)![0]),
    answer: (op: number, text = "") => events.onMessage(Message.make(op, last, ref, 0, Buffer.from(text))),
    share: () => events.onMessage(Message.make(Reply.Shared, 1024, ref, 1, Buffer.from("name"))),
    lose: () => events.onLost("gone")
  }
}

/** A client that has got one item, "a", and the memory where the next ones are. */
const withMemory = async () => {
  const world = make()
  const fiber = world.get()
  world.share()
  world.answer(Reply.Item, "a")
  assert.strictEqual(await Effect.runPromise(Fiber.join(fiber)), "a")
  assert.deepStrictEqual(world.said(), ["Get", "Accept"])
  for (const text of ["b", "c"]) world.hub.offer(Buffer.from(text))
  return world
}

describe("a client and shared memory", () => {
  it("takes what is offered there without a word, unless the hub wishes to know", async () => {
    const { client, hub, ref, said } = await withMemory()
    assert.strictEqual(textOf(client.takeNow(ref)), "b")
    assert.deepStrictEqual(said(), [])
    assert.isTrue(hub.wishFor(1))
    assert.strictEqual(client.countNow(ref), 1)
    assert.strictEqual(textOf(client.takeNow(ref)), "c")
    assert.deepStrictEqual(said(), ["Claimed"])
    assert.isUndefined(client.takeNow(ref))
    assert.strictEqual(client.countNow(ref), 0)
  })

  it("takes nothing there while an item may be on its way to it", async () => {
    const { answer, client, get, ref } = await withMemory()
    const fiber = get()
    assert.isUndefined(client.takeNow(ref))
    assert.strictEqual(client.countNow(ref), 0)
    answer(Reply.Item, "from the hub")
    await Effect.runPromise(Fiber.join(fiber))
    assert.strictEqual(textOf(client.takeNow(ref)), "b")
  })

  it("takes nothing there while an item may be on its way back from it", async () => {
    const { answer, client, get, ref, said } = await withMemory()
    const fiber = get()
    await Effect.runPromise(Fiber.interrupt(fiber))
    assert.deepStrictEqual(said(), ["Get", "Return", "Ping"])
    assert.isUndefined(client.takeNow(ref))
    answer(Reply.Done)
    assert.strictEqual(textOf(client.takeNow(ref)), "b")
  })

  it("lets the memory go with the object, when the hub is lost, and when there is other memory", async () => {
    for (const end of ["detach", "lose", "share"] as const) {
      const { client, get, lose, memory, ref, share } = await withMemory()
      assert.deepStrictEqual([memory.opened, memory.released], [1, 0])
      if (end === "detach") client.detach(ref)
      else if (end === "lose") lose()
      else {
        get()
        share()
      }
      assert.deepStrictEqual([memory.opened, memory.released], [end === "share" ? 2 : 1, 1])
      assert.isUndefined(client.takeNow(ref))
    }
  })

  it("does not open memory of an object that it has let go of meanwhile", async () => {
    const { client, get, memory, ref, share } = make()
    const fiber = get()
    client.detach(ref)
    share()
    assert.isTrue(Exit.isSuccess(await Effect.runPromise(Fiber.await(fiber))))
    assert.strictEqual(memory.opened, 0)
  })
})

describe("a client that puts on credit", () => {
  it("pays for what belongs in front of the bytes too", () => {
    const { bytes, client, ref, words } = make()
    Credit.give(words, ref, 2 * Credit.roomOf(6), false)
    assert.isDefined(client.putNow(ref, Buffer.from("bytes.")))
    assert.strictEqual(words[ref], Credit.roomOf(6))
    assert.isUndefined(client.putNow(ref, Buffer.from("bytes."), { head: Buffer.from("2") }))
    assert.isDefined(client.putNow(ref, Buffer.from("tes."), { head: Buffer.from("by") }))
    assert.strictEqual(words[ref], 0)
    assert.deepStrictEqual(bytes(), ["bytes.", "bytes."])
  })
})

describe("a client that puts again and again", () => {
  /** One that has put three items, and asked for the pen. */
  const withPen = () => {
    const world = make()
    const { client, hub, memory, ref, said, words } = world
    Credit.give(words, ref, 10_000, false)
    const put = (text: string) => client.putNow(ref, Buffer.from(text)) !== undefined
    for (const text of "abc") assert.isTrue(put(text))
    assert.deepStrictEqual(said(), ["Put", "Put", "Put", "TakePen"])
    hub.lend()
    const reader = new ItemRingReader(memory.shared, 1)
    return { ...world, put, claim: () => textOf(reader.claim()) }
  }

  it("asks for the pen, and puts without the hub as long as it has it", () => {
    const { answer, claim, hub, put, said } = withPen()
    answer(Reply.Pen, "memory")
    for (const text of "de") assert.isTrue(put(text))
    assert.deepStrictEqual(said(), [])
    assert.deepStrictEqual([claim(), claim(), claim()], ["d", "e", undefined])
    hub.recall(() => {})
    assert.isTrue(put("f"))
    assert.deepStrictEqual(said(), ["PutDownPen", "Put"])
  })

  it("puts the pen down at once if it has put something else meanwhile, or can't open the memory", () => {
    const { answer, put, said } = withPen()
    assert.isTrue(put("d"))
    assert.deepStrictEqual(said(), ["Put"])
    answer(Reply.Pen, "memory")
    assert.deepStrictEqual(said(), ["PutDownPen"])
    const other = withPen()
    other.memory.isMissing = true
    other.answer(Reply.Pen, "memory")
    assert.deepStrictEqual(other.said(), ["PutDownPen"])
  })

  it("says that it does not take the pen before anybody goes on that has waited for it", () => {
    const { answer, client, memory, put, ref, said } = withPen()
    memory.isMissing = true
    Effect.runFork(Effect.andThen(client.penSoon(ref)!, Effect.sync(() => put("d"))))
    assert.deepStrictEqual(said(), [])
    answer(Reply.Pen, "memory")
    assert.deepStrictEqual(said(), ["PutDownPen", "Put"])
  })

  it("puts the pen down before it asks for a put, or lets go of the object", () => {
    for (const end of ["put", "detach"] as const) {
      const { answer, client, memory, ref, said } = withPen()
      answer(Reply.Pen, "memory")
      if (end === "detach") client.detach(ref)
      else {
        Effect.runFork(client.perform({
          op: Request.Put,
          ref,
          flag: 0,
          bytes: new Uint8Array(1),
          settle: () => Effect.void
        }))
      }
      assert.deepStrictEqual(said(), end === "put" ? ["PutDownPen", "Put"] : ["PutDownPen", "Detach", "Ping"])
      assert.strictEqual(memory.released, end === "put" ? 0 : 1)
    }
  })

  it("lets the memory go when the hub is lost", () => {
    const { answer, lose, memory, put } = withPen()
    answer(Reply.Pen, "memory")
    lose()
    assert.deepStrictEqual([memory.opened, memory.released], [1, 1])
    assert.isFalse(put("d"))
  })
})
