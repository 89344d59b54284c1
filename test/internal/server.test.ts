/**
 * A hub and whoever finds its socket: strangers, liars, and clients that break the rules. Each loses its connection, and nobody else
 * notices.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import * as net from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import { afterEach, vi } from "vitest"
import * as Mp from "../../src/index.ts"
import * as Codec from "../../src/internal/codec.ts"
import { Kernel } from "../../src/internal/hub/kernel.ts"
import * as Message from "../../src/internal/hub/message.ts"
import { serve } from "../../src/internal/hub/server.ts"
import { FrameDecoder, lengthPrefix } from "../../src/internal/transport/frames.ts"
import { ClientHandshake, ServerHandshake } from "../../src/internal/transport/handshake.ts"
import { copied, type Duplex, type DuplexEvents, type Transport } from "../../src/internal/transport/transport.ts"
import { Random, seed, seedNote } from "../support/random.ts"
import { nothingShared } from "../support/sharedObject.ts"
import { freshHub } from "../support/sides.ts"
import { within } from "../support/waiting.ts"

const { Refusal, Reply, Request } = Message

class Numbers extends Mp.Queue.Service<Numbers>()("test/Numbers", { item: Schema.Number }) {}
class Link extends Mp.Pipe.Service<Link>()("test/Link", { message: Schema.Number }) {}

// ---------------------------------------------------------------------------------------------- what is attacked

/** A hub with a queue and a pipe, and a friend in another process that uses them. */
const makeHub = Effect.gen(function*() {
  const hub = yield* freshHub
  const key = Redacted.value((yield* Mp.CurrentProcess).authkey)
  const queue = yield* Effect.provideService(Mp.Queue.make({ item: Schema.Number }), Mp.Hub.Hub, hub)
  const ticket = <Self, Shape>(tag: Mp.Inheritable.Inheritable<Self, Shape>, service: Shape) =>
    Effect.flatMap(
      tag[Mp.Inheritable.TypeId].handOver(service),
      (bytes) => Codec.decode(Mp.Hub.Handle, bytes, "handle", "decode")
    )
  const friend = yield* Effect.provideService(
    Effect.flatMap(
      Numbers[Mp.Inheritable.TypeId].handOver(queue),
      (bytes) => Numbers[Mp.Inheritable.TypeId].receive(bytes)
    ),
    Mp.Hub.Hub,
    yield* freshHub
  )
  const { hub: address } = yield* ticket(Numbers, queue)
  let round = 0
  return {
    hub,
    key,
    address,
    queue,
    friend,
    /** What a child would get of the queue. */
    ticket: Effect.map(ticket(Numbers, queue), ({ token }) => token),
    ticketOf: ticket,
    /** The owner and the friend go on as if nothing had happened. */
    undisturbed: Effect.gen(function*() {
      const n = ++round
      yield* friend.put(n)
      assert.strictEqual(yield* queue.get(), n)
      yield* queue.put(-n)
      assert.strictEqual(yield* friend.get(), -n)
    }).pipe(within("10 seconds", "an exchange with the friend"))
  }
})

/** A connection without manners. */
interface Raw {
  readonly write: (bytes: Uint8Array) => Effect.Effect<void>
  /** Everything that has arrived, once it is so long. */
  readonly read: (length: number) => Effect.Effect<Buffer>
  /** The hub has closed the connection. */
  readonly dropped: Effect.Effect<void>
  readonly isDropped: () => boolean
  readonly end: Effect.Effect<void>
  readonly socket: net.Socket
}

const connect = (address: string): Effect.Effect<Raw, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Raw>((resume) => {
      const socket = net.connect(address)
      const closed = Deferred.makeUnsafe<void>()
      let received = Buffer.alloc(0)
      let waiting: (() => void) | undefined
      socket.on("data", (chunk) => {
        received = Buffer.concat([received, chunk])
        waiting?.()
      })
      socket.on("error", () => {})
      socket.on("close", () => Deferred.doneUnsafe(closed, Effect.void))
      socket.once("connect", () =>
        resume(Effect.succeed({
          socket,
          write: (bytes) =>
            Effect.sync(() => {
              socket.write(bytes)
            }),
          read: (length) =>
            Effect.callback<Buffer>((resume) => {
              waiting = () => {
                if (received.length >= length) resume(Effect.succeed(received))
              }
              waiting()
            }).pipe(within("10 seconds", `${length} bytes of the hub`)),
          dropped: Deferred.await(closed).pipe(within("5 seconds", "the hub drops the connection")),
          isDropped: () => Deferred.isDoneUnsafe(closed),
          end: Effect.sync(() => {
            socket.end()
          })
        })))
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

/** A connection to which the hub has sent its challenge. Whoever comes with many others at a time must come again. */
const greeted = (address: string): Effect.Effect<Raw, never, Scope.Scope> =>
  Effect.gen(function*() {
    const stranger = yield* connect(address)
    const heard = yield* Effect.raceFirst(Effect.as(stranger.read(36), true), Effect.as(stranger.dropped, false))
    return heard ? stranger : yield* greeted(address)
  })

/** A client that knows the key, and says what it wants. */
const authenticated = (address: string, key: Uint8Array) =>
  Effect.gen(function*() {
    const raw = yield* greeted(address)
    const handshake = new ClientHandshake(key, randomBytes(32))
    const answer = handshake.feed((yield* raw.read(36)).subarray(0, 36))
    if (answer.state !== "Reply") assert.fail(answer.state)
    yield* raw.write(answer.reply)
    const confirmation = handshake.feed((yield* raw.read(68)).subarray(36, 68))
    assert.strictEqual(confirmation.state, "Done")

    const replies: Array<Message.Message> = []
    let waiting: (() => void) | undefined
    const decoder = new FrameDecoder()
    raw.socket.on("data", (chunk) => {
      decoder.feed(chunk, (source, start, end) => {
        replies.push(Message.read(source, start, end)!)
        waiting?.()
      })
    })
    let nextRequest = 1
    const encode = (op: number, request: number, ref: number, flag: number, bytes: Uint8Array): Buffer => {
      const header = Buffer.alloc(Message.headerSize)
      Message.writeHeader(Message.make(op, request, ref, flag), header, 0)
      return Buffer.concat([lengthPrefix(header.length + bytes.length), header, bytes])
    }
    const send = (op: number, ref: number, bytes: Uint8Array = Buffer.alloc(0), flag = 0, request = nextRequest++) =>
      Effect.as(raw.write(encode(op, request, ref, flag, bytes)), request)
    const reply = (request: number) =>
      Effect.callback<Message.Message>((resume) => {
        waiting = () => {
          const found = replies.find((reply) => reply.request === request)
          if (found !== undefined) resume(Effect.succeed(found))
        }
        waiting()
      }).pipe(within("10 seconds", `an answer to request ${request}`))
    return {
      ...raw,
      encode,
      send,
      reply,
      ask: (op: number, ref: number, bytes?: Uint8Array, flag?: number) =>
        Effect.flatMap(send(op, ref, bytes, flag), reply)
    }
  })

const refused = (reply: Message.Message, refusal: number) =>
  assert.deepStrictEqual([reply.op, reply.flag], [Reply.Failed, refusal])

// ---------------------------------------------------------------------------------------------- strangers

describe("a hub and strangers", () => {
  it.live("LSTN-18 drops whoever speaks something else, and goes on accepting", () =>
    Effect.gen(function*() {
      const { address, undisturbed } = yield* makeHub
      const greetings = [
        Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: something-long-enough-to-be-an-answer\r\n\r\n"),
        randomBytes(64),
        randomBytes(100_000),
        Buffer.alloc(64)
      ]
      for (const greeting of greetings) {
        const stranger = yield* connect(address)
        yield* stranger.write(greeting)
        yield* stranger.dropped
        yield* undisturbed
      }
    }))

  it.live("LSTN-14 drops a client that knows another key", () =>
    Effect.gen(function*() {
      const { address, undisturbed } = yield* makeHub
      const liar = yield* connect(address)
      const reply = new ClientHandshake(randomBytes(32), randomBytes(32)).feed(yield* liar.read(36))
      if (reply.state !== "Reply") assert.fail(reply.state)
      yield* liar.write(reply.reply)
      yield* liar.dropped
      assert.strictEqual((yield* liar.read(0)).length, 36, "it learns nothing but the challenge")
      yield* undisturbed
    }))

  it.live("drops a client that plays back what another one said", () =>
    Effect.gen(function*() {
      const { address, key, undisturbed } = yield* makeHub
      const honest = yield* connect(address)
      const answer = new ClientHandshake(key, randomBytes(32)).feed(yield* honest.read(36))
      if (answer.state !== "Reply") assert.fail(answer.state)
      const replay = yield* connect(address)
      yield* replay.write(answer.reply)
      yield* replay.dropped
      yield* honest.write(answer.reply)
      yield* honest.read(68)
      yield* undisturbed
    }))

  it.live("does not let strangers that say nothing keep friends away", () =>
    Effect.gen(function*() {
      const { address, key, undisturbed } = yield* makeHub
      const silent: Array<Raw> = []
      for (let i = 0; i < 200; i++) {
        const stranger = yield* greeted(address)
        if (i % 2 === 0) yield* stranger.write(randomBytes(63))
        silent.push(stranger)
      }
      // The oldest made room.
      yield* silent[0]!.dropped
      assert.isFalse(silent.at(-1)!.isDropped())
      const friend = yield* authenticated(address, key)
      refused(yield* friend.ask(Request.Get, 1), Refusal.UnknownReference)
      yield* undisturbed
    }))

  it.live("does not mind a connection that ends in the middle of the handshake", () =>
    Effect.gen(function*() {
      const { address, undisturbed } = yield* makeHub
      for (let length = 0; length < 64; length += 9) {
        const stranger = yield* connect(address)
        yield* stranger.write(randomBytes(length))
        yield* stranger.end
        yield* stranger.dropped
      }
      yield* undisturbed
    }))

  it.live("lies in a directory that only this user can enter, and is gone with its scope", () =>
    Effect.gen(function*() {
      const address = yield* Effect.scoped(Effect.gen(function*() {
        const { address } = yield* makeHub
        assert.strictEqual(fs.statSync(path.dirname(address)).mode & 0o777, 0o700)
        assert.isTrue(fs.statSync(address).isSocket())
        return address
      }))
      assert.isFalse(fs.existsSync(path.dirname(address)))
    }))
})

describe("a hub that waits for an answer", () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it("drops a connection that has not proved after ten seconds that it knows the key, and no other", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    let accept: ((duplex: Duplex) => DuplexEvents) | undefined
    const transport: Transport = {
      listen: (onConnection) =>
        Effect.sync(() => {
          accept = onConnection
          return "memory"
        }),
      poll: () => {},
      onFound: () => () => {},
      cameIn: () => {},
      expectAfter: Infinity,
      watch: () => {},
      unwatch: () => {},
      allocate: Buffer.allocUnsafeSlow,
      share: () => undefined,
      connect: () => Effect.die("nobody connects")
    }
    const kernel = new Kernel({ makeToken: () => randomBytes(16), transport: nothingShared })
    const key = randomBytes(32)
    Effect.runSync(
      Effect.scoped(serve({ transport, kernel, key, receive: (peer, message) => kernel.receive(peer, message) }))
    )
    const dial = () => {
      const written: Array<Buffer> = []
      const state = { destroyed: false }
      const events = accept!({
        owesBell: () => false,
        ring: () => {},
        own: () => {},
        write: (bytes, length, lent) => {
          written.push(copied(bytes, length, lent))
        },
        authenticated: (_, rest) => {
          if (rest.length > 0) events.onData(rest)
        },
        whenFlushed: (callback) => callback(),
        hasRoom: () => undefined,
        words: () => undefined,
        open: () => undefined,
        end: () => {},
        destroy: () => {
          state.destroyed = true
          events.onClose("destroyed")
        }
      })
      const answer = () => {
        const step = new ClientHandshake(key, randomBytes(32)).feed(Buffer.concat(written))
        if (step.state !== "Reply") assert.fail(step.state)
        return step.reply
      }
      return { state, events, answer }
    }
    const silent = dial()
    const half = dial()
    half.events.onData(half.answer().subarray(0, 63))
    const friend = dial()
    friend.events.onData(friend.answer())
    vi.advanceTimersByTime(9_999)
    assert.deepStrictEqual([silent, half, friend].map(({ state }) => state.destroyed), [false, false, false])
    half.events.onData(Buffer.alloc(0))
    vi.advanceTimersByTime(1)
    assert.deepStrictEqual([silent, half, friend].map(({ state }) => state.destroyed), [true, true, false])
    vi.advanceTimersByTime(1_000_000)
    assert.isFalse(friend.state.destroyed)
  })
})

// ---------------------------------------------------------------------------------------------- clients that break the rules

describe("a hub and a client that breaks the rules", () => {
  const violations: ReadonlyArray<readonly [what: string, bytes: Uint8Array]> = [
    ["announces 4 GiB", Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ["announces more than a frame may have", Buffer.from([0x40, 0, 0, 1])],
    ["sends a frame that is too short for a message", Buffer.concat([lengthPrefix(9), Buffer.alloc(9, 5)])],
    ["sends an empty frame", lengthPrefix(0)]
  ]
  for (const [what, bytes] of violations) {
    it.live(`drops one that ${what}`, () =>
      Effect.gen(function*() {
        const { address, key, undisturbed } = yield* makeHub
        const client = yield* authenticated(address, key)
        yield* client.write(bytes)
        yield* client.dropped
        yield* undisturbed
      }))
  }

  it.live("drops one that asks for something unknown, or talks like a hub", () =>
    Effect.gen(function*() {
      const { address, key, ticket, undisturbed } = yield* makeHub
      const known = new Set<number>(Object.values(Request))
      for (const op of [0, ...Object.values(Reply), 100, 255].filter((op) => !known.has(op))) {
        const client = yield* authenticated(address, key)
        assert.strictEqual((yield* client.ask(Request.Attach, 1, yield* ticket)).op, Reply.Done)
        yield* client.send(op, 1)
        yield* client.dropped
      }
      yield* undisturbed
    }))

  it.live("drops one that uses the number of an open request again, or a number for two objects", () =>
    Effect.gen(function*() {
      const { address, key, ticket, undisturbed } = yield* makeHub
      const first = yield* authenticated(address, key)
      yield* first.ask(Request.Attach, 1, yield* ticket)
      const request = yield* first.send(Request.Get, 1)
      yield* first.send(Request.Get, 1, Buffer.alloc(0), 0, request)
      yield* first.dropped
      const second = yield* authenticated(address, key)
      yield* second.ask(Request.Attach, 1, yield* ticket)
      yield* second.send(Request.Attach, 1, yield* ticket)
      yield* second.dropped
      yield* undisturbed
    }))

  it.live("drops one whose message says that it has tickets inside, and has none", () =>
    Effect.gen(function*() {
      const { address, key, queue, ticket, undisturbed } = yield* makeHub
      for (const bytes of [[], [0], [0, 1], [0, 1, 0, 200, 1, 2, 3], [255, 255, 0, 0]]) {
        const client = yield* authenticated(address, key)
        yield* client.ask(Request.Attach, 1, yield* ticket)
        yield* client.send(Request.Put, 1, Buffer.from(bytes), Message.PutFlag.attachments)
        yield* client.dropped
      }
      assert.strictEqual(yield* queue.qsize, 0)
      yield* undisturbed
    }))

  it.live("refuses what concerns objects that it was not handed, whatever number it makes up", () =>
    Effect.gen(function*() {
      const { address, key, queue, undisturbed } = yield* makeHub
      yield* queue.put(1)
      const client = yield* authenticated(address, key)
      for (const ref of [0, 1, 2, 3, 1000, 0xffff_ffff]) {
        for (
          const op of [
            Request.Get,
            Request.Put,
            Request.HandOver,
            Request.Poll,
            Request.Inspect,
            Request.ShutDown,
            Request.TaskDone,
            Request.Join
          ]
        ) {
          refused(yield* client.ask(op, ref, Buffer.from("x"), 1), Refusal.UnknownReference)
        }
        yield* client.send(Request.Detach, ref)
        yield* client.send(Request.Cancel, ref)
        yield* client.send(Request.Return, ref)
      }
      assert.isFalse(client.isDropped())
      assert.strictEqual(yield* queue.get(), 1)
      yield* undisturbed
    }))

  it.live("refuses tickets that were never issued, and those that were used before", () =>
    Effect.gen(function*() {
      const { address, key, ticket, undisturbed } = yield* makeHub
      const client = yield* authenticated(address, key)
      const token = yield* ticket
      for (
        const forged of [Buffer.alloc(0), Buffer.alloc(16), randomBytes(16), randomBytes(1000), token.subarray(0, 15)]
      ) {
        refused(yield* client.ask(Request.Attach, 1, forged), Refusal.UnknownTicket)
        refused(yield* client.ask(Request.Adopt, 1, forged), Refusal.UnknownTicket)
      }
      const changed = Buffer.from(token)
      changed[0]! ^= 1
      refused(yield* client.ask(Request.Attach, 1, changed), Refusal.UnknownTicket)
      assert.strictEqual((yield* client.ask(Request.Attach, 1, token)).op, Reply.Done)
      refused(yield* client.ask(Request.Attach, 2, token), Refusal.UnknownTicket)
      const second = yield* authenticated(address, key)
      refused(yield* second.ask(Request.Attach, 1, token), Refusal.UnknownTicket)
      assert.strictEqual((yield* client.ask(Request.Inspect, 1)).op, Reply.Sizes)
      yield* undisturbed
    }))

  it.live("does not let it revoke a ticket of somebody else", () =>
    Effect.gen(function*() {
      const { address, key, ticket } = yield* makeHub
      const token = yield* ticket
      const client = yield* authenticated(address, key)
      yield* client.send(Request.Revoke, 0, token)
      assert.strictEqual((yield* client.ask(Request.Attach, 1, token)).op, Reply.Done)
    }))

  it.live("does not let it read what only sends, or use a pipe like a queue", () =>
    Effect.gen(function*() {
      const { address, hub, key, ticketOf } = yield* makeHub
      const [, right] = yield* Effect.provideService(
        Mp.Pipe.make({ message: Schema.Number, duplex: false }),
        Mp.Hub.Hub,
        hub
      )
      const { token } = yield* ticketOf(Link.right, right as never)
      const client = yield* authenticated(address, key)
      assert.strictEqual((yield* client.ask(Request.Attach, 1, token)).op, Reply.Done)
      for (const op of [Request.Get, Request.Poll, Request.Inspect, Request.ShutDown, Request.TaskDone, Request.Join]) {
        refused(yield* client.ask(op, 1), Refusal.UnknownReference)
      }
      assert.strictEqual((yield* client.ask(Request.Put, 1, Buffer.from("x"))).op, Reply.Done)
    }))

  it.live("takes back what it had, when it is dropped, and gives it to somebody else", () =>
    Effect.gen(function*() {
      const { address, friend, key, queue, ticket, undisturbed } = yield* makeHub
      for (const n of [1, 2, 3]) yield* queue.put(n)
      const client = yield* authenticated(address, key)
      yield* client.ask(Request.Attach, 1, yield* ticket)
      for (let i = 0; i < 2; i++) assert.strictEqual((yield* client.ask(Request.Get, 1)).op, Reply.Item)
      assert.strictEqual(yield* friend.get(), 3)
      yield* client.write(Buffer.from([0xff, 0xff, 0xff, 0xff]))
      yield* client.dropped
      assert.deepStrictEqual([yield* friend.get(), yield* friend.get()], [1, 2])
      yield* undisturbed
    }))

  it.live("takes no part of a message whose sender dies in the middle of it", () =>
    Effect.gen(function*() {
      const { address, key, queue, ticket, undisturbed } = yield* makeHub
      const client = yield* authenticated(address, key)
      yield* client.ask(Request.Attach, 1, yield* ticket)
      const put = client.encode(Request.Put, 100, 1, 0, Buffer.alloc(100_000))
      yield* client.write(put.subarray(0, 70_000))
      yield* client.end
      yield* client.dropped
      assert.strictEqual(yield* queue.qsize, 0)
      yield* undisturbed
    }))

  it.live("answers or drops it, and nothing else, for 3 000 random messages", () =>
    Effect.gen(function*() {
      const random = new Random(seed)
      const { address, hub, key, queue, ticketOf, undisturbed } = yield* makeHub
      const spare = yield* Effect.provideService(Mp.Queue.make({ item: Schema.Number }), Mp.Hub.Hub, hub)
      yield* Effect.gen(function*() {
        let client = yield* authenticated(address, key)
        for (let i = 0; i < 3_000; i++) {
          if (client.isDropped()) {
            client = yield* authenticated(address, key)
            yield* client.send(Request.Attach, 1, (yield* ticketOf(Numbers, spare)).token)
          }
          const op = random.chance(0.9) ? 1 + random.int(16) : random.int(256)
          const bytes = random.bytes(random.pick([0, 16, 30]))
          yield* client.send(op, random.int(4), bytes, random.pick([0, 1, 2, 255]), random.int(20))
          if (i % 100 === 0) yield* undisturbed.pipe(Effect.onError(() => Effect.logError(seedNote(random))))
        }
      }).pipe(Effect.scoped)
      yield* undisturbed
      assert.strictEqual(yield* queue.qsize, 0)
    }))
})

// ---------------------------------------------------------------------------------------------- hubs that are none

describe("a client and a hub that is none", () => {
  /** Something that listens where a hub should be. */
  const impostor = (onConnection: (socket: net.Socket) => void) =>
    Effect.acquireRelease(
      Effect.callback<{ readonly address: string; readonly close: () => void }>((resume) => {
        const directory = fs.mkdtempSync(path.join(os.tmpdir(), "mp-"))
        const address = path.join(directory, "hub")
        const sockets = new Set<net.Socket>()
        const server = net.createServer((socket) => {
          sockets.add(socket)
          socket.on("error", () => {})
          onConnection(socket)
        })
        const close = () => {
          for (const socket of sockets) socket.destroy()
          server.close()
          fs.rmSync(directory, { recursive: true, force: true })
        }
        server.listen(address, () => resume(Effect.succeed({ address, close })))
      }),
      ({ close }) => Effect.sync(close)
    )

  const attach = (address: string) =>
    Effect.gen(function*() {
      const hub = yield* freshHub
      return yield* Effect.flip(hub.attach({ hub: address, token: randomBytes(16), name: "test/Numbers" }))
    }).pipe(Effect.scoped, within("9 seconds", "the end of the attempt"))

  it.live("CONN-19 fails with HubLost where nothing listens, and says where", () =>
    Effect.gen(function*() {
      const error = yield* attach("/nowhere/hub")
      assert.instanceOf(error, Mp.HubLost)
      assert.strictEqual(error.hub, "/nowhere/hub")
      assert.include(error.message, "ENOENT")
    }))

  it.live("CONN-19 fails with Closed for a ticket that is not good", () =>
    Effect.gen(function*() {
      const { address, undisturbed } = yield* makeHub
      const error = yield* attach(address)
      assert.instanceOf(error, Mp.Closed)
      assert.strictEqual(error.object, "test/Numbers")
      yield* undisturbed
    }))

  it.live("LSTN-15 fails with HubLost if the other side does not know the key", () =>
    Effect.gen(function*() {
      const { address } = yield* impostor((socket) => {
        const handshake = new ServerHandshake(randomBytes(32), randomBytes(32))
        socket.write(handshake.challenge)
        // It does not look at the answer.
        socket.once("data", () => socket.write(randomBytes(32)))
      })
      const error = yield* attach(address)
      assert.instanceOf(error, Mp.HubLost)
      assert.include(error.reason, "key")
    }))

  it.live("fails with HubLost if the other side speaks something else, or talks too much", () =>
    Effect.gen(function*() {
      for (const greeting of [Buffer.from("220 smtp.example.com ESMTP Postfix, or so it says"), randomBytes(5000)]) {
        const { address } = yield* impostor((socket) => socket.write(greeting))
        assert.instanceOf(yield* attach(address), Mp.HubLost)
      }
    }))

  it.live("fails with HubLost if the other side hangs up", () =>
    Effect.gen(function*() {
      const { address } = yield* impostor((socket) => socket.destroy())
      assert.instanceOf(yield* attach(address), Mp.HubLost)
    }))

  it.live("is not fooled by a hub that sends back what it is sent", () =>
    Effect.gen(function*() {
      const { address } = yield* impostor((socket) => {
        socket.write(new ServerHandshake(randomBytes(32), randomBytes(32)).challenge)
        socket.on("data", (chunk) => socket.write(chunk.subarray(-32)))
      })
      assert.instanceOf(yield* attach(address), Mp.HubLost)
    }))
})
