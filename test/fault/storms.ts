/**
 * Storms: every operation of every object, interrupted and timed out at random moments while others use the same object, with an account of every
 * item. They run in the process that owns the objects, and in a child that reaches them through a socket.
 */
import { Effect, Exit, Fiber, Schema, type Scope } from "effect"
import * as Mp from "effect-multiprocessing"
import type { Random } from "../support/random.ts"

export class Violated extends Schema.TaggedError<Violated>()("Violated", { message: Schema.String }) {}

export const demand = (holds: boolean, message: string) => holds ? Effect.void : Effect.fail(new Violated({ message }))

/** How many operations storm at a time. */
const concurrency = 50

/** How many items wait for a storm of receivers at most. */
const ahead = 15

const Numbers = Mp.Queue.handle(Schema.Int)
const SimpleNumbers = Mp.SimpleQueue.handle(Schema.Int)
const JoinableNumbers = Mp.JoinableQueue.handle(Schema.Int)
const End = Mp.Connection.handle({ send: Schema.Int, receive: Schema.Int })
const Travelling = Schema.Struct({ n: Schema.Int, end: End })

/** What a storm rages over. */
export const World = Schema.Struct({
  queue: Numbers,
  simple: SimpleNumbers,
  joinable: JoinableNumbers,
  left: End,
  right: End,
  /** Ends on their way. */
  relay: Mp.Queue.handle(Travelling),
  /** New objects, as many as are asked for: two holders of each. */
  queues: Mp.Queue.handle(Schema.Tuple([Numbers, Numbers])),
  simples: Mp.Queue.handle(Schema.Tuple([SimpleNumbers, SimpleNumbers])),
  joinables: Mp.Queue.handle(Schema.Tuple([JoinableNumbers, JoinableNumbers])),
  pipes: Mp.Queue.handle(Schema.Tuple([End, End]))
})
export type World = typeof World.Type

/** Makes it. `forget` lets go of what only the storm is to hold. */
export const makeWorld: Effect.Effect<
  { readonly world: World; readonly forget: Effect.Effect<void> },
  never,
  Mp.Hub.Hub | Scope.Scope
> = Effect.gen(function*() {
  const [left, right] = yield* Mp.Pipe.make({ message: Schema.Int, maxBytes: 5000 })
  /** Keeps a queue full of new objects. */
  const supply = <A>(
    making: Effect.Effect<Mp.Queue.Queue<A>, never, Mp.Hub.Hub | Scope.Scope>,
    make: Effect.Effect<A, never, Mp.Hub.Hub | Scope.Scope>
  ) =>
    Effect.tap(making, (objects) => Effect.forkScoped(Effect.forever(Effect.scoped(Effect.flatMap(make, objects.put)))))
  const twice = <A, E, R>(make: Effect.Effect<A, E, R>) => Effect.map(make, (made) => [made, made] as const)
  const world = {
    queue: yield* Mp.Queue.make({ item: Schema.Int, maxsize: 20 }),
    simple: yield* Mp.SimpleQueue.make({ item: Schema.Int }),
    joinable: yield* Mp.JoinableQueue.make({ item: Schema.Int, maxsize: 20 }),
    left,
    right,
    relay: yield* Mp.Queue.make({ item: Travelling, maxsize: 20 }),
    queues: yield* supply(
      Mp.Queue.make({ item: Schema.Tuple([Numbers, Numbers]), maxsize: 10 }),
      twice(Mp.Queue.make({ item: Schema.Int }))
    ),
    simples: yield* supply(
      Mp.Queue.make({ item: Schema.Tuple([SimpleNumbers, SimpleNumbers]), maxsize: 10 }),
      twice(Mp.SimpleQueue.make({ item: Schema.Int }))
    ),
    joinables: yield* supply(
      Mp.Queue.make({ item: Schema.Tuple([JoinableNumbers, JoinableNumbers]), maxsize: 10 }),
      // Else what one holder took and did not finish comes again when it closes.
      twice(Mp.JoinableQueue.make({ item: Schema.Int, onConsumerDeath: "done" }))
    ),
    pipes: yield* supply(
      Mp.Queue.make({ item: Schema.Tuple([End, End]), maxsize: 10 }),
      Mp.Pipe.make({ message: Schema.Int })
    )
  }
  return { world, forget: Effect.andThen(left.close, right.close) }
})

// ---------------------------------------------------------------------------------------------- accounts

/** What is known of each number: how often it was sent for sure, and at most, and how often it arrived. */
class Ledger {
  private next = 0
  private readonly least: Array<0 | 1> = []
  private readonly most: Array<0 | 1> = []
  private readonly arrived: Array<number> = []
  sent = 0
  received = 0

  begin(): number {
    const n = this.next++
    this.least[n] = 0
    this.most[n] = 1
    this.arrived[n] = 0
    return n
  }
  /** It was sent, or it was not; if neither is called, nobody knows. */
  put(n: number): void {
    this.least[n] = 1
    this.sent++
  }
  refused(n: number): void {
    this.most[n] = 0
  }
  got(n: number): void {
    this.arrived[n] = (this.arrived[n] ?? 0) + 1
    this.received++
  }
  get balance() {
    let lost = 0
    let doubled = 0
    let invented = 0
    for (const [n, times] of this.arrived.entries()) {
      if (times < (this.least[n] ?? 0)) lost++
      if (times > 1) doubled++
      if (times > (this.most[n] ?? 0)) invented++
    }
    return lost + doubled + invented === 0
      ? Effect.void
      : Effect.fail(
        new Violated({
          message:
            `of ${this.next} numbers, ${lost} are lost, ${doubled} doubled, and ${invented} arrived that were not sent`
        })
      )
  }
}

interface Env {
  readonly world: World
  readonly times: number
  readonly random: Random
}

const turn = Effect.callback<void>((resume) => {
  const immediate = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(immediate))
})

/** From no time at all to some milliseconds. */
export const moment = (random: Random) =>
  Effect.suspend(() => {
    switch (random.int(5)) {
      case 0:
        return Effect.void
      case 1:
        return Effect.yieldNow
      case 2:
        return Effect.repeat(Effect.yieldNow, { times: random.int(5) })
      case 3:
        return Effect.repeat(turn, { times: random.int(5) })
      default:
        return Effect.sleep(random.int(3))
    }
  })

/** Starts the operation and interrupts it at a random moment. */
const interrupted = <A, E, R>(random: Random, operation: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(operation, { startImmediately: random.chance(0.8) })
    yield* moment(random)
    yield* Fiber.interrupt(fiber)
    return yield* Fiber.await(fiber)
  })

/** Pauses between two of them, so that what goes on beside the storm is not left behind. */
const times = <E, R>({ random, times }: Env, one: Effect.Effect<unknown, E, R>) =>
  Effect.forEach(Array.from({ length: times }), () => Effect.andThen(moment(random), one), {
    concurrency,
    discard: true
  })

/** Something that goes on beside the storm, step by step, and ends between two steps. */
const beside = <E, R, A, E2, R2>(step: Effect.Effect<unknown, E2, R2>, storm: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const state = { over: false }
    const mayGoOn = () => !state.over
    const going = Effect.gen(function*() {
      while (mayGoOn()) {
        yield* step
        yield* Effect.yieldNow
      }
    })
    const fiber = yield* Effect.forkChild(going)
    const result = yield* Effect.raceFirst(storm, Effect.andThen(Fiber.join(fiber), Effect.never))
    state.over = true
    yield* Fiber.join(fiber)
    return result
  })

// ---------------------------------------------------------------------------------------------- kinds of storms

interface Way {
  /** Sends a number. */
  readonly put: (n: number, world: World) => Effect.Effect<unknown, unknown>
  /** Takes one if there is one. */
  readonly take: (world: World) => Effect.Effect<number | undefined, unknown>
}

const nothing = Effect.succeed(undefined)

const ways = {
  queue: {
    put: (n, { queue }) => queue.put(n),
    take: ({ queue }) => Effect.catchTag(queue.getNowait, "Empty", () => nothing)
  },
  simple: {
    put: (n, { simple }) => simple.put(n),
    // Nobody else takes while this is used.
    take: ({ simple }) => Effect.flatMap(simple.empty, (empty) => empty ? nothing : simple.get())
  },
  joinable: {
    put: (n, { joinable }) => joinable.put(n),
    take: ({ joinable }) => Effect.catchTag(joinable.getNowait, "Empty", () => nothing)
  },
  pipe: {
    put: (n, { right }) => right.send(n),
    take: ({ left }) => Effect.catchTag(left.recv({ timeout: 0 }), "TimedOut", () => nothing)
  },
  bytes: {
    put: (n, { right }) => right.sendBytes(new Uint8Array(new Uint32Array([n]).buffer)),
    take: ({ left }) => Effect.flatMap(left.poll(), (ready) => ready ? Effect.map(left.recvBytes(), toNumber) : nothing)
  }
} satisfies Record<string, Way>

const toNumber = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)

const drain = (ledger: Ledger, way: Way, world: World) =>
  Effect.gen(function*() {
    for (;;) {
      const n = yield* way.take(world)
      if (n === undefined) return
      ledger.got(n)
    }
  })

/** Sends some at the same time, unless enough are waiting. */
const putSome = ({ random, world }: Env, ledger: Ledger, way: Way) =>
  Effect.gen(function*() {
    const count = Math.min(random.int(2 * ahead), ahead - (ledger.sent - ledger.received))
    const numbers = Array.from({ length: Math.max(0, count) }, () => ledger.begin())
    yield* Effect.forEach(numbers, (n) => Effect.map(way.put(n, world), () => ledger.put(n)), {
      concurrency: "unbounded",
      discard: true
    })
  })

/** Gives how many. */
const takeSome = ({ random, world }: Env, ledger: Ledger, way: Way) =>
  Effect.gen(function*() {
    let taken = 0
    for (let i = random.int(2 * ahead); i > 0; i--) {
      const n = yield* way.take(world)
      if (n === undefined) break
      ledger.got(n)
      taken++
    }
    return taken
  })

type Storm = (env: Env) => Effect.Effect<string, unknown>

/** How the operations of a storm ended. */
const tally = () => {
  const counts = { happened: 0, failed: 0, interrupted: 0 }
  return {
    add: (exit: Exit.Exit<unknown, unknown>) => {
      if (Exit.isSuccess(exit)) counts.happened++
      else if (Exit.hasInterrupts(exit)) counts.interrupted++
      else counts.failed++
    },
    get text() {
      return Object.entries(counts).filter(([, n]) => n > 0).map(([what, n]) => `${n} ${what}`).join(", ")
    }
  }
}

type Tagged = { readonly _tag: string }

/** Only these failures may happen. */
const expected = (exit: Exit.Exit<unknown, unknown>, failures: ReadonlyArray<string>) => {
  if (Exit.isSuccess(exit) || Exit.hasInterrupts(exit)) return Effect.void
  const failure = Exit.findErrorOption(exit)
  return demand(
    failure._tag === "Some" && failures.includes((failure.value as Tagged)._tag),
    `it failed with ${String(exit.cause)}`
  )
}

/** Operations that send, while others receive. `none`: the operation is not interrupted, it times out. */
const senders = (
  way: Way,
  put: (n: number, world: World, random: Random) => Effect.Effect<unknown, unknown>,
  interruptions: "interrupted" | "none" = "interrupted"
): Storm =>
(env) =>
  Effect.gen(function*() {
    const { random, world } = env
    const ledger = new Ledger()
    const counts = tally()
    const one = Effect.gen(function*() {
      const n = ledger.begin()
      const operation = put(n, world, random)
      const exit = yield* interruptions === "none" ? Effect.exit(operation) : interrupted(random, operation)
      counts.add(exit)
      yield* expected(exit, ["Full"])
      if (Exit.isSuccess(exit)) ledger.put(n)
      else if (!Exit.hasInterrupts(exit)) ledger.refused(n)
    })
    const receive = Effect.gen(function*() {
      yield* takeSome(env, ledger, way)
      if (random.chance(0.5)) yield* moment(random)
    })
    yield* beside(receive, times(env, one))
    yield* drain(ledger, way, world)
    yield* ledger.balance
    return `${counts.text}; ${ledger.received} arrived`
  })

/** Operations that receive, while others send. */
const receivers = (
  way: Way,
  get: (world: World, random: Random) => Effect.Effect<number, unknown>,
  interruptions: "interrupted" | "none" = "interrupted"
): Storm =>
(env) =>
  Effect.gen(function*() {
    const { random, world } = env
    const ledger = new Ledger()
    const counts = tally()
    const one = Effect.gen(function*() {
      const operation = get(world, random)
      const exit = yield* interruptions === "none" ? Effect.exit(operation) : interrupted(random, operation)
      counts.add(exit)
      yield* expected(exit, ["Empty", "TimedOut"])
      if (Exit.isSuccess(exit)) ledger.got(exit.value)
    })
    const send = Effect.gen(function*() {
      yield* putSome(env, ledger, way)
      yield* random.chance(0.5) ? turn : moment(random)
    })
    yield* beside(send, times(env, one))
    yield* drain(ledger, way, world)
    yield* ledger.balance
    return `${counts.text}; ${ledger.sent} sent`
  })

/** Operations that take nothing, while others send and receive. */
const observers = (
  way: Way,
  look: (world: World, random: Random) => Effect.Effect<unknown, unknown>,
  options: { readonly failures?: ReadonlyArray<string>; readonly interruptions?: "none" } = {}
): Storm =>
(env) =>
  Effect.gen(function*() {
    const { random, world } = env
    const ledger = new Ledger()
    const counts = tally()
    const one = Effect.gen(function*() {
      const operation = look(world, random)
      const exit = yield* options.interruptions === "none" ? Effect.exit(operation) : interrupted(random, operation)
      counts.add(exit)
      yield* expected(exit, options.failures ?? [])
    })
    const traffic = Effect.gen(function*() {
      if (random.chance(0.5)) yield* putSome(env, ledger, way)
      else {
        const taken = yield* takeSome(env, ledger, way)
        if (way === ways.joinable) { for (let i = 0; i < taken; i++) yield* world.joinable.taskDone }
      }
      yield* moment(random)
    })
    yield* beside(traffic, times(env, one))
    yield* drain(ledger, way, world)
    yield* ledger.balance
    return `${counts.text}; ${ledger.sent} sent meanwhile`
  })

const failsWith = (operation: Effect.Effect<unknown, unknown>, tag: string) =>
  Effect.flatMap(
    Effect.exit(operation),
    (exit) =>
      Exit.isSuccess(exit)
        ? demand(false, `it happened, instead of failing with ${tag}`)
        : expected(exit, [tag])
  ).pipe(Effect.timeout("10 seconds"))

/** A queue with two holders, of which the first is used while it ends. */
interface Ending {
  readonly one: Pick<Mp.SimpleQueue.SimpleQueue<number>, "close"> & {
    readonly put: (n: number) => Effect.Effect<unknown, unknown>
    readonly get: () => Effect.Effect<number, unknown>
  }
  readonly other: Pick<Ending["one"], "put" | "close">
  readonly end: Effect.Effect<unknown, unknown>
  /** Takes one through the other holder, if there is one. */
  readonly take: Effect.Effect<number | undefined, unknown>
}

type Whole = Mp.Queue.Queue<number> | Mp.JoinableQueue.JoinableQueue<number>

const takeOf = (queue: Whole): Ending["take"] =>
  Effect.catchTags(queue.getNowait, { Empty: () => nothing, ShutDown: () => nothing })

const endings = (take: (world: World) => Effect.Effect<readonly [Whole, Whole], unknown>) => {
  const ending = (end: (queue: Whole) => Effect.Effect<unknown, unknown>) => (world: World) =>
    Effect.map(take(world), ([one, other]): Ending => ({ one, other, end: end(one), take: takeOf(other) }))
  return {
    shutdown: ends(ending((queue) => queue.shutdown()), { tag: "ShutDown", drops: false }),
    shutdownNow: ends(ending((queue) => queue.shutdown({ immediate: true })), { tag: "ShutDown", drops: true }),
    close: ends(ending((queue) => queue.close), { tag: "Closed", drops: false })
  }
}

/** Ends a new queue while somebody waits for its items. */
const ends = (
  make: (world: World) => Effect.Effect<Ending, unknown>,
  options: { readonly tag: string; readonly drops: boolean }
): Storm =>
(env) =>
  Effect.gen(function*() {
    const { random, world } = env
    const counts = tally()
    const storming = Effect.gen(function*() {
      const { end, one, other, take } = yield* make(world)
      const items = random.int(3)
      for (let n = 0; n < items; n++) yield* other.put(n)
      const getting = yield* Effect.forkChild(one.get(), { startImmediately: random.chance(0.5) })
      const exit = yield* interrupted(random, end)
      counts.add(exit)
      yield* expected(exit, [])
      // Whatever became of the first: now it has ended.
      yield* end
      const got = yield* Fiber.await(getting).pipe(Effect.timeout("10 seconds"))
      yield* expected(got, [options.tag])
      const arrived: Array<number> = Exit.isSuccess(got) ? [got.value] : []
      for (;;) {
        const n = yield* take
        if (n === undefined) break
        arrived.push(n)
      }
      yield* demand(
        new Set(arrived).size === arrived.length &&
          (options.drops ? arrived.length <= items : arrived.length === items),
        `of ${items} items, ${arrived.join()} arrived`
      )
      yield* failsWith(one.get(), options.tag)
      yield* failsWith(one.put(1), options.tag)
      yield* one.close
      yield* other.close
    })
    yield* times(env, storming)
    return counts.text
  })

/** Every end that was on its way is closed: then there is an end of file, and no ticket was left behind. */
const untilEndOfFile = (world: World) =>
  Effect.gen(function*() {
    yield* world.right.close
    yield* failsWith(world.left.recv(), "EndOfFile")
  })

const connectionEnds: Storm = (env) =>
  Effect.gen(function*() {
    const { random, world } = env
    const counts = tally()
    const one = Effect.gen(function*() {
      const [left, right] = yield* world.pipes.get()
      if (random.chance(0.5)) yield* right.send(1)
      const receiving = yield* Effect.forkChild(left.recv(), { startImmediately: random.chance(0.5) })
      const exit = yield* interrupted(random, left.close)
      counts.add(exit)
      yield* left.close
      yield* expected(yield* Fiber.await(receiving).pipe(Effect.timeout("10 seconds")), ["Closed"])
      yield* failsWith(left.recv(), "Closed")
      yield* failsWith(right.send(2), "BrokenPipe")
      yield* failsWith(right.recv(), "EndOfFile")
      yield* right.close
    })
    yield* times(env, one)
    return counts.text
  })

const sendsEnds: Storm = (env) =>
  Effect.gen(function*() {
    const { random, world } = env
    const ledger = new Ledger()
    const counts = tally()
    const one = Effect.gen(function*() {
      const n = ledger.begin()
      const exit = yield* interrupted(random, world.relay.put({ n, end: world.right }))
      counts.add(exit)
      yield* expected(exit, [])
      if (Exit.isSuccess(exit)) ledger.put(n)
    })
    const use = Effect.gen(function*() {
      const received = yield* Effect.catchTag(world.relay.getNowait, "Empty", () => nothing)
      if (received === undefined) return false
      ledger.got(received.n)
      yield* received.end.send(received.n)
      const n = yield* world.left.recv()
      yield* received.end.close
      yield* demand(n === received.n, `${received.n} was sent through the end that came, and ${n} arrived`)
      return true
    })
    yield* beside(use, times(env, one))
    while (yield* use);
    yield* ledger.balance
    yield* untilEndOfFile(world)
    return `${counts.text}; ${ledger.received} arrived`
  })

const receivesEnds: Storm = (env) =>
  Effect.gen(function*() {
    const { random, world } = env
    const ledger = new Ledger()
    const counts = tally()
    const take = (exit: Exit.Exit<typeof Travelling.Type, unknown>) =>
      Effect.gen(function*() {
        if (!Exit.isSuccess(exit)) return
        ledger.got(exit.value.n)
        yield* exit.value.end.close
      })
    const one = Effect.gen(function*() {
      const exit = yield* interrupted(random, world.relay.get())
      counts.add(exit)
      yield* expected(exit, [])
      yield* take(exit)
    })
    const send = Effect.gen(function*() {
      if (ledger.sent - ledger.received >= ahead) return yield* turn
      const n = ledger.begin()
      yield* world.relay.put({ n, end: world.right })
      ledger.put(n)
    })
    yield* beside(send, times(env, one))
    for (;;) {
      const exit = yield* Effect.exit(world.relay.getNowait)
      if (Exit.isFailure(exit)) break
      yield* take(exit)
    }
    yield* ledger.balance
    yield* untilEndOfFile(world)
    return `${counts.text}; ${ledger.sent} sent`
  })

const tasks: Storm = (env) =>
  Effect.gen(function*() {
    const { random, world: { joinable } } = env
    const counts = tally()
    let put = 0
    let done = 0
    let unknown = 0
    const one = Effect.gen(function*() {
      yield* joinable.put(put++)
      yield* joinable.get()
      const exit = yield* interrupted(random, joinable.taskDone)
      counts.add(exit)
      yield* expected(exit, [])
      if (Exit.isSuccess(exit)) done++
      else unknown++
    })
    yield* times(env, one)
    let left = 0
    while (Exit.isSuccess(yield* Effect.exit(joinable.taskDone))) left++
    yield* joinable.join({ timeout: "10 seconds" })
    yield* demand(
      done + left <= put && put <= done + left + unknown,
      `of ${put} tasks, ${done} were done, ${left} were left, and of ${unknown} nobody knows`
    )
    return counts.text
  })

const soon = (random: Random) => ({ timeout: random.int(3) })
const alone = "none"

/** What the queues with all of the operations have in common. */
const storable = (
  name: string,
  way: Way,
  of: (world: World) => Mp.Queue.Queue<number> | Mp.JoinableQueue.JoinableQueue<number>,
  supply: Parameters<typeof endings>[0]
): Record<string, Storm> => {
  const { close, shutdown, shutdownNow } = endings(supply)
  const storms: Record<string, Storm> = {
    put: senders(way, (n, world) => of(world).put(n)),
    "put with a timeout": senders(way, (n, world, random) => of(world).put(n, soon(random))),
    "put that times out": senders(way, (n, world, random) => of(world).put(n, soon(random)), alone),
    putNowait: senders(way, (n, world) => of(world).putNowait(n)),
    get: receivers(way, (world) => of(world).get()),
    "get with a timeout": receivers(way, (world, random) => of(world).get(soon(random))),
    "get that times out": receivers(way, (world, random) => of(world).get(soon(random)), alone),
    getNowait: receivers(way, (world) => of(world).getNowait),
    qsize: observers(way, (world) => of(world).qsize),
    empty: observers(way, (world) => of(world).empty),
    full: observers(way, (world) => of(world).full),
    shutdown,
    "shutdown at once": shutdownNow,
    close
  }
  return Object.fromEntries(Object.entries(storms).map(([operation, storm]) => [`${name}.${operation}`, storm]))
}

const storms: Record<string, Storm> = {
  ...storable("Queue", ways.queue, ({ queue }) => queue, ({ queues }) => queues.get()),
  "SimpleQueue.put": senders(ways.simple, (n, { simple }) => simple.put(n)),
  "SimpleQueue.get": receivers(ways.simple, ({ simple }) => simple.get()),
  "SimpleQueue.close": ends(
    (world) =>
      Effect.map(world.simples.get(), ([one, other]): Ending => ({
        one,
        other,
        end: one.close,
        take: Effect.flatMap(other.empty, (empty) => empty ? nothing : other.get())
      })),
    { tag: "Closed", drops: false }
  ),
  "SimpleQueue.empty": observers(ways.simple, ({ simple }) => simple.empty),
  ...storable("JoinableQueue", ways.joinable, ({ joinable }) => joinable, ({ joinables }) => joinables.get()),
  "JoinableQueue.taskDone": tasks,
  "JoinableQueue.join": observers(ways.joinable, ({ joinable }) => joinable.join()),
  "JoinableQueue.join with a timeout": observers(ways.joinable, ({ joinable }, random) => joinable.join(soon(random)), {
    failures: ["TimedOut"]
  }),
  "JoinableQueue.join that times out": observers(ways.joinable, ({ joinable }, random) => joinable.join(soon(random)), {
    failures: ["TimedOut"],
    interruptions: alone
  }),
  "Connection.send": senders(ways.pipe, (n, { right }) => right.send(n)),
  "Connection.sendBytes": senders(ways.bytes, (n, world) => ways.bytes.put(n, world)),
  "Connection.recv": receivers(ways.pipe, ({ left }) => left.recv()),
  "Connection.recv with a timeout": receivers(ways.pipe, ({ left }, random) => left.recv(soon(random))),
  "Connection.recv that times out": receivers(ways.pipe, ({ left }, random) => left.recv(soon(random)), alone),
  "Connection.recvBytes": receivers(ways.bytes, ({ left }) => Effect.map(left.recvBytes(), toNumber)),
  "Connection.recvBytesInto": receivers(ways.bytes, ({ left }) =>
    Effect.suspend(() => {
      const bytes = new Uint8Array(4)
      return Effect.map(left.recvBytesInto(bytes), () => toNumber(bytes))
    })),
  "Connection.poll": observers(ways.pipe, ({ left }) => left.poll()),
  "Connection.poll with a timeout": observers(ways.pipe, ({ left }, random) => left.poll(soon(random))),
  "Connection.poll that times out": observers(ways.pipe, ({ left }, random) => left.poll(soon(random)), {
    interruptions: alone
  }),
  "Connection.close": connectionEnds,
  wait: observers(ways.pipe, ({ left, right }) => Mp.wait([left, right])),
  "wait with a timeout": observers(ways.pipe, ({ left, right }, random) => Mp.wait([left, right], soon(random))),
  "wait that times out": observers(ways.pipe, ({ left, right }, random) => Mp.wait([left, right], soon(random)), {
    interruptions: alone
  }),
  "an end inside of a put": sendsEnds,
  "an end inside of a get": receivesEnds
}

export const names: ReadonlyArray<string> = Object.keys(storms)

/** Gives what was counted. */
export const storm = (name: string, env: Env): Effect.Effect<string, Violated> =>
  storms[name]!(env).pipe(
    Effect.timeout("5 minutes"),
    Effect.mapError((error) =>
      new Violated({
        message: `${name}: ${
          error instanceof Violated ? error.message : String(error)
        }; repeat it with SEED=${env.random.seed}`
      })
    )
  )
