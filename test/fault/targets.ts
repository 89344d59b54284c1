/** What the processes of the fault tests run. */
import { Effect, Redacted, Schema, Stream } from "effect"
import * as Mp from "effect-multiprocessing"
import { closeSync, openSync, writeSync } from "node:fs"
import { connect } from "node:net"
import * as Message from "../../src/internal/hub/message.ts"
import { Random } from "../support/random.ts"
import { frame, insist } from "../support/rawClient.ts"
import { storm, Violated, World } from "./storms.ts"

export class Items extends Mp.Queue.Service<Items>()("fault/Items", { item: Schema.Int, maxsize: 1000 }) {}

export class Messages extends Mp.Pipe.Service<Messages>()("fault/Messages", { message: Schema.Int, duplex: false }) {}

/** Writes numbers down, each in the same step with what it is about. What is written survives the death of the process. */
const journal = (path: string) => {
  const descriptor = openSync(path, "a")
  const bytes = Buffer.alloc(4)
  const write = (n: number) => {
    bytes.writeUInt32LE(n)
    writeSync(descriptor, bytes)
  }
  return Object.assign(write, { close: Effect.sync(() => closeSync(descriptor)) })
}

const Range = Schema.Struct({ from: Schema.Int, to: Schema.Int, concurrency: Schema.Int, journal: Schema.String })
const Journal = Schema.Struct({ concurrency: Schema.Int, journal: Schema.String })

/** Runs as many copies at a time. */
const copies = <E, R>(concurrency: number, effect: Effect.Effect<void, E, R>) =>
  Effect.all(Array.from({ length: concurrency }, () => effect), { concurrency, discard: true })

export const producer = Mp.Target.make(
  "producer",
  { module: import.meta.url, payload: Range, inherits: [Items] },
  Effect.fnUntraced(function*({ concurrency, from, journal: path, to }) {
    const items = yield* Items
    const write = journal(path)
    let next = from
    yield* copies(
      concurrency,
      Effect.gen(function*() {
        while (next < to) {
          const item = next++
          yield* items.put(item)
          write(item)
        }
      })
    )
  }, Effect.orDie)
)

export const consumer = Mp.Target.make(
  "consumer",
  { module: import.meta.url, payload: Journal, inherits: [Items] },
  Effect.fnUntraced(function*({ concurrency, journal: path }) {
    const items = yield* Items
    const write = journal(path)
    yield* copies(
      concurrency,
      Effect.forever(Effect.map(items.get(), write)).pipe(Effect.catchTag("ShutDown", () => Effect.void))
    )
  }, Effect.orDie)
)

export const writer = Mp.Target.make(
  "writer",
  { module: import.meta.url, payload: Range, inherits: [Messages.right] },
  Effect.fnUntraced(function*({ from, journal: path, to }) {
    const messages = yield* Messages.right
    const write = journal(path)
    for (let message = from; message < to; message++) {
      yield* messages.send(message)
      write(message)
    }
  }, Effect.orDie)
)

export const reader = Mp.Target.make(
  "reader",
  { module: import.meta.url, payload: Journal, inherits: [Messages.left] },
  Effect.fnUntraced(function*({ journal: path }) {
    const messages = yield* Messages.left
    const write = journal(path)
    yield* Effect.forever(Effect.map(messages.recv(), write)).pipe(Effect.catchTag("EndOfFile", () => Effect.void))
  }, Effect.orDie)
)

export class Talk extends Mp.Pipe.Service<Talk>()("fault/Talk", { message: Schema.Int }) {}

/** Says one number after the other, each when the last one was answered, until nobody answers. */
export const asker = Mp.Target.make(
  "asker",
  {
    module: import.meta.url,
    payload: Schema.Struct({ said: Schema.String, heard: Schema.String }),
    inherits: [Talk.left]
  },
  Effect.fnUntraced(function*({ heard, said }) {
    const talk = yield* Talk.left
    const write = { said: journal(said), heard: journal(heard) }
    yield* Effect.gen(function*() {
      for (let n = 0;; n++) {
        yield* talk.send(n)
        write.said(n)
        write.heard(yield* talk.recv())
      }
    }).pipe(Effect.catchTags({ EndOfFile: () => Effect.void, BrokenPipe: () => Effect.void }))
  }, Effect.orDie)
)

/** Writes each number down and gives it back, until nobody sends any. */
export const answer = (talk: Mp.Connection.Connection<number, number>, path: string) => {
  const write = journal(path)
  return Effect.gen(function*() {
    for (;;) {
      const n = yield* talk.recv()
      write(n)
      // There may be more to read from one who reads nothing any more.
      yield* Effect.catchTag(talk.send(n), "BrokenPipe", () => Effect.void)
    }
  }).pipe(Effect.catchTag("EndOfFile", () => Effect.void), Effect.ensuring(write.close))
}

export const answerer = Mp.Target.make(
  "answerer",
  { module: import.meta.url, payload: Journal, inherits: [Talk.right] },
  ({ journal }) => Effect.orDie(Effect.flatMap(Talk.right, (talk) => answer(talk, journal)))
)

/** Connects to a hub again and again, without its key: garbage, half a handshake, silence. */
export const stranger = Mp.Target.make(
  "stranger",
  { module: import.meta.url, payload: Schema.Struct({ address: Schema.String }) },
  ({ address }) =>
    Effect.forever(Effect.callback<void>((resume) => {
      const socket = connect(address)
      const manners = Math.random()
      socket.on("error", () => {})
      socket.on("close", () => resume(Effect.void))
      socket.on("connect", () => {
        if (manners < 0.3) socket.destroy()
        else if (manners < 0.9) socket.write(Buffer.from(Array.from({ length: 80 }, () => Math.random() * 256)))
        else socket.write("half a hand")
      })
      const patience = setTimeout(() => socket.destroy(), 5)
      return Effect.sync(() => {
        clearTimeout(patience)
        socket.destroy()
      })
    }))
)

/** Owns a hub, and children that wait on it in every way; tells their pids, then waits to be killed. */
export const owner = Mp.Target.make(
  "owner",
  { module: import.meta.url, payload: Schema.Struct({ pids: Mp.Queue.handle(Schema.Int), journal: Schema.String }) },
  Effect.fnUntraced(function*({ journal: path, pids }) {
    const program = Effect.gen(function*() {
      for (let i = 0; i < 4; i++) {
        const process = yield* Mp.Process.spawn(survivor, { put: i % 2 === 0, journal: path })
        const pid = yield* process.pid
        if (pid._tag === "Some") yield* pids.put(pid.value)
      }
      return yield* Effect.never
    })
    return yield* Effect.provide(program, Items.layer)
  }, Effect.orDie)
)

/** Uses the queue of a hub until the hub is lost; writes down 1 then, 2 for anything else. */
export const survivor = Mp.Target.make(
  "survivor",
  {
    module: import.meta.url,
    payload: Schema.Struct({ put: Schema.Boolean, journal: Schema.String }),
    inherits: [Items]
  },
  Effect.fnUntraced(function*({ journal: path, put }) {
    const items = yield* Items
    const write = journal(path)
    const operation: Effect.Effect<unknown, { readonly _tag: string }> = put ? items.put(1) : items.get()
    yield* Effect.forever(operation).pipe(
      Effect.catch((error) => Effect.sync(() => write(error._tag === "HubLost" ? 1 : 2))),
      // The parent died with its hub: this fiber is interrupted at the same moment.
      Effect.uninterruptible
    )
  })
)

export class Calls extends Mp.Pipe.Service<Calls>()("fault/Calls", {
  leftToRight: Schema.Struct({ puts: Schema.Int, concurrency: Schema.Int }),
  rightToLeft: Schema.Number
}) {}

/** As often as it is asked, puts items into a queue and takes them again, and tells how many milliseconds that took. */
export const customer = Mp.Target.make(
  "customer",
  { module: import.meta.url, inherits: [Calls.right, Items] },
  Effect.fnUntraced(function*() {
    const calls = yield* Calls.right
    const items = yield* Items
    yield* Stream.runForEach(
      calls.stream,
      Effect.fnUntraced(function*({ concurrency, puts }) {
        const begin = performance.now()
        let left = puts
        yield* copies(
          concurrency,
          Effect.gen(function*() {
            while (left-- > 0) {
              yield* items.put(left)
              yield* items.get()
            }
          })
        )
        yield* calls.send(performance.now() - begin)
      })
    )
  }, Effect.orDie)
)

const Forgery = Schema.Struct({
  address: Schema.String,
  atATime: Schema.Int,
  /** Is told of the first answer. */
  begun: Mp.SimpleQueue.handle(Schema.Int)
})

/** Knows the key, and asks for what it was not handed, again and again; so many requests at a time. */
export const forger = Mp.Target.make(
  "forger",
  { module: import.meta.url, payload: Forgery },
  Effect.fnUntraced(function*({ address, atATime, begun }) {
    const key = Redacted.value((yield* Mp.CurrentProcess).authkey)
    const requests = Buffer.concat(
      Array.from({ length: atATime }, (_, i) => frame(Message.Request.Get, i + 1, i, 1, new Uint8Array(0)))
    )
    const run = Effect.runForkWith(yield* Effect.context<never>())
    return yield* insist(address, key, requests, atATime, () => run(begun.put(atATime)))
  })
)

const Storm = Schema.Struct({ name: Schema.String, times: Schema.Int, seed: Schema.Int, world: World })

/** A storm in a process that does not own what it rages over. */
export const stormy = Mp.Target.make(
  "stormy",
  { module: import.meta.url, payload: Storm, success: Schema.String, error: Violated },
  ({ name, seed, times, world }) => storm(name, { world, times, random: new Random(seed) })
)
