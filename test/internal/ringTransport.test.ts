import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { FrameDecoder, lengthPrefix, whole } from "../../src/internal/transport/frames.ts"
import type { Pollable } from "../../src/internal/transport/poller.ts"
import { over } from "../../src/internal/transport/ringTransport.ts"
import { copied, type Duplex, type DuplexEvents, type Transport } from "../../src/internal/transport/transport.ts"

/** Two ends that hear what the other one says when it is their turn, and nothing else. */
const below = (turns: Array<() => void>): Transport => {
  let accept: ((duplex: Duplex) => DuplexEvents) | undefined
  const end = (other: () => DuplexEvents, own: () => DuplexEvents): Duplex => ({
    write: (bytes, length, lent) => {
      const own = copied(bytes, length, lent)
      turns.push(() => other().onData(own))
    },
    owesBell: () => false,
    ring: () => {},
    own: () => {},
    authenticated: (_, rest) => {
      if (rest.length > 0) own().onData(rest)
    },
    whenFlushed: (callback) => callback(),
    hasRoom: () => true,
    words: () => undefined,
    open: () => undefined,
    end: () => other().onClose("ended"),
    destroy: () => other().onClose("destroyed")
  })
  return {
    poll: () => {},
    onFound: () => () => {},
    cameIn: () => {},
    expectAfter: Infinity,
    watch: () => {},
    unwatch: () => {},
    allocate: Buffer.allocUnsafeSlow,
    share: () => undefined,
    listen: (onConnection) =>
      Effect.sync(() => {
        accept = onConnection
        return "here"
      }),
    connect: (_, events) =>
      Effect.sync(() => {
        const duplex: Duplex = end(() => ofHub, () => ofClient)
        const ofClient = events(duplex)
        const ofHub = accept!(end(() => ofClient, () => ofHub))
        return duplex
      })
  }
}

const none = Buffer.alloc(0)

/** A connection over rings, whose bytes move when the test says so; memory for it is refused so many times. */
const connect = (options: Partial<DuplexEvents> = {}, capacity = 1024, refusals = 0) => {
  const pollables = new Set<Pollable>()
  const asked: Array<number> = []
  let given: ArrayBuffer | undefined
  const turns: Array<() => void> = []
  const takeTurns = () => {
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) turn()
  }
  const transport = over(below(turns), {
    capacity,
    poller: {
      wake: (pollable) => void pollables.add(pollable),
      forget: (pollable) => void pollables.delete(pollable),
      pollAll: () => {},
      onFound: () => () => {}
    },
    shared: {
      isAvailable: () => true,
      yieldProcessor: () => {},
      allocateLong: (size, allocate) => allocate(size),
      create: (size) => {
        asked.push(size)
        if (asked.length <= refusals) return undefined
        given = new ArrayBuffer(size)
        return { name: "segment", memory: given, unlink: () => {}, release: () => {} }
      },
      open: () => ({ memory: given!, release: () => {} })
    }
  })
  const received: Array<Buffer> = []
  let hub: Duplex
  const ignored: DuplexEvents = { onData: () => {}, onClose: () => {} }
  Effect.runSync(Effect.scoped(transport.listen((duplex) => {
    hub = duplex
    return { onData: (chunk) => void received.push(chunk), onClose: () => {}, ...options }
  })))
  const client = Effect.runSync(transport.connect("here", () => ignored))
  hub!.authenticated("hub", Buffer.alloc(0))
  client.authenticated("client", Buffer.alloc(0))
  takeTurns()
  return {
    client,
    memory: { asked, given },
    received: () => Buffer.concat(received),
    /** What is under way below: doorbells, once the rings are there. */
    bells: () => turns.length,
    /** Has the hub's end go to sleep. */
    sleep: () => [...pollables].every((pollable) => pollable.sleep()),
    /** Until nothing moves any more. */
    move: () => {
      for (let moved = true; moved;) {
        moved = false
        takeTurns()
        for (const pollable of pollables) moved = pollable.poll() || moved
      }
    }
  }
}

const numbered = (length: number) => Buffer.from(Uint8Array.from({ length }, (_, i) => i % 251))

describe("memory for all who connect", () => {
  it("is 256 MiB at most, until some is given back", () => {
    let released = 0
    const { share } = over(below([]), {
      capacity: 1024,
      poller: { wake: () => {}, forget: () => {}, pollAll: () => {}, onFound: () => () => {} },
      shared: {
        isAvailable: () => true,
        yieldProcessor: () => {},
        allocateLong: (size, allocate) => allocate(size),
        create: () => ({ name: "one", memory: new ArrayBuffer(0), unlink: () => {}, release: () => released++ }),
        open: () => undefined
      }
    })
    const mebibyte = 1024 * 1024
    const first = share(200 * mebibyte)!
    assert.strictEqual(first.name, "one")
    assert.isDefined(share(56 * mebibyte))
    assert.isUndefined(share(1))
    first.release()
    assert.strictEqual(released, 1)
    assert.isDefined(share(200 * mebibyte))
    assert.isUndefined(share(1))
  })
})

describe("a connection over rings", () => {
  it.each([[0, [1]], [1, [1, 1 / 2]], [2, [1, 1 / 2, 1 / 4]], [3, [1, 1 / 2, 1 / 4]]])(
    "takes less memory where it is short, after %i refusals, and none in the end",
    (refusals, asked) => {
      const capacity = 256 * 1024
      const { client, memory, move, received } = connect({}, capacity, refusals)
      assert.deepStrictEqual(memory.asked.map((size) => Math.round(8 * size / (2 * capacity)) / 8), asked)
      assert.strictEqual(memory.given !== undefined, refusals < 3)
      client.write(numbered(100_000))
      move()
      assert.deepStrictEqual(received(), numbered(100_000))
    }
  )

  it("carries what is longer than a ring, in order", () => {
    const { client, move, received } = connect()
    client.write(Buffer.from("head"), 4, numbered(5000))
    client.write(Buffer.from("tail"))
    move()
    assert.deepStrictEqual(received(), Buffer.concat([Buffer.from("head"), numbered(5000), Buffer.from("tail")]))
  })

  it("writes the first bytes of a buffer, which may be used again, and then what is lent", () => {
    const { client, move, received } = connect()
    const own = Buffer.concat([numbered(2000), Buffer.from("not written")])
    const lent = numbered(3000)
    client.write(own, 2000, lent)
    own.fill(255)
    // The part for which there is no room was not copied: a change of it is seen.
    lent[2999] = 255
    move()
    assert.deepStrictEqual(received().subarray(0, 2000), numbered(2000))
    assert.strictEqual(received().at(-1), 255)
  })

  it("copies what is lent when it is told to", () => {
    const { client, move, received } = connect()
    const lent = numbered(3000)
    client.write(none, 0, lent)
    client.own()
    lent.fill(255)
    move()
    assert.deepStrictEqual(received(), numbered(3000))
  })

  it("says that all is flushed when nothing that is lent is left", () => {
    const { client, move } = connect()
    let flushed = 0
    client.write(none, 0, numbered(3000))
    client.whenFlushed(() => flushed++)
    assert.strictEqual(flushed, 0)
    move()
    assert.strictEqual(flushed, 1)
  })

  it("wakes nobody for what is written quietly, until it is told to, or more is written", () => {
    const { bells, client, move, received, sleep } = connect()
    for (const wake of [() => client.ring(), () => client.write(Buffer.from("!"))]) {
      move()
      assert.isTrue(sleep())
      assert.isFalse(client.owesBell())
      for (let i = 0; i < 3; i++) client.write(Buffer.from("."), 1, undefined, true)
      assert.isTrue(client.owesBell())
      assert.strictEqual(bells(), 0)
      wake()
      assert.strictEqual(bells(), 1)
      assert.isFalse(client.owesBell())
      client.ring()
      assert.strictEqual(bells(), 1)
    }
    move()
    assert.strictEqual(received().toString(), "......!")
  })

  it("owes no bell to who has not slept", () => {
    const { bells, client, move, received } = connect()
    move()
    client.write(Buffer.from("."), 1, undefined, true)
    assert.isFalse(client.owesBell())
    client.ring()
    assert.strictEqual(bells(), 0)
    move()
    assert.strictEqual(received().toString(), ".")
  })

  it("wakes who sleeps if there is no room for all that is written quietly", () => {
    const { bells, client, move, received, sleep } = connect()
    move()
    assert.isTrue(sleep())
    client.write(numbered(3000), 3000, undefined, true)
    assert.strictEqual(bells(), 1)
    move()
    assert.deepStrictEqual(received(), numbered(3000))
  })

  it("puts bytes where the receiver wants them, and the others where they were before, all in one look", () => {
    const place = Buffer.alloc(600)
    let filled = 0
    const { client, move, received } = connect({
      collector: () => ({
        get destination() {
          return filled < place.length ? place.subarray(filled) : undefined
        },
        fill: (count) => {
          filled += count
        },
        before: (available) => available,
        begin: () => {}
      })
    })
    client.write(numbered(600), 600, Buffer.from("behind"))
    move()
    assert.deepStrictEqual(place, numbered(600))
    assert.strictEqual(received().toString(), "behind")
  })

  it("reads a long frame into its place from its first byte on", () => {
    const frames: Array<Buffer> = []
    const decoder = new FrameDecoder()
    const onFrame = whole((frame) => frames.push(Buffer.from(frame)))
    let fed = 0
    const { client, move } = connect({
      onData: (chunk) => {
        fed += chunk.length
        decoder.feed(chunk, onFrame)
      },
      collector: () => ({
        get destination() {
          return decoder.destination
        },
        fill: (count) => decoder.fill(count, onFrame),
        before: (available, lengthAt) => decoder.before(available, lengthAt),
        begin: (length, available) => decoder.begin(length, available)
      })
    }, 256 * 1024)
    const long = numbered(1_000_000)
    const short = numbered(100)
    for (const frame of [short, long, short, long]) client.write(lengthPrefix(frame.length), 4, frame)
    move()
    assert.deepStrictEqual(frames.map(({ length }) => length), [100, 1_000_000, 100, 1_000_000])
    assert.isTrue(frames[1]!.equals(long) && frames[3]!.equals(long))
    // Short ones, their lengths, and perhaps the begin of a long one of which little was there.
    assert.isBelow(fed, 200_000)
  })
})
