/**
 * What simulated programs do, and what must hold of it. Each scenario gives the violations that it found.
 */
import { Cause, Deferred, Effect, Exit, Fiber, Layer, Schema, SchemaGetter } from "effect"
import * as Mp from "../../src/index.ts"
import type { Random } from "../support/random.ts"
import { inherit, type Process, World } from "./world.ts"

/** A number that says who made it, and where it stands in the order of its maker. */
const item = (producer: number, index: number): number => producer * 100_000 + index
const producerOf = (n: number): number => Math.floor(n / 100_000)

/** On the wire some items are so large that they fill the socket. */
const Item = Schema.Struct({ n: Schema.Number, padding: Schema.Uint8Array }).pipe(
  Schema.decodeTo(Schema.Number, {
    decode: SchemaGetter.transform(({ n }) => n),
    encode: SchemaGetter.transform((n) => ({ n, padding: new Uint8Array(n % 7 === 0 ? 20_000 : 0) }))
  })
)

/** What became of each item, as far as its producer knows. */
type Fate = "put" | "refused" | "unknown"

class Ledger {
  readonly fates = new Map<number, Fate>()
  readonly got: Array<{ readonly item: number; readonly by: string }> = []
  readonly violations: Array<string> = []

  /** Somebody was told that nothing more will come. */
  private over = false

  take(process: Process, n: number, by = process.node.name): void {
    if (!process.node.alive) return
    this.got.push({ item: n, by })
    if (this.over) this.violations.push(`${by} got ${n} after somebody had been told the end`)
  }

  end(): void {
    this.over = true
  }

  /** Every item that was put was got once, no other was. */
  account(exactlyOnce = true): void {
    const counts = new Map<number, number>()
    for (const { item } of this.got) counts.set(item, (counts.get(item) ?? 0) + 1)
    for (const [n, fate] of this.fates) {
      const count = counts.get(n) ?? 0
      if (fate === "put" && count === 0) this.violations.push(`item ${n} was put and is lost`)
      if (fate === "refused" && count > 0) this.violations.push(`item ${n} was refused and arrived`)
      if (exactlyOnce && count > 1) this.violations.push(`item ${n} arrived ${count} times`)
    }
  }

  /** What one reader got of one producer is in the order in which it was put. */
  ordered(by: string): void {
    const last = new Map<number, number>()
    for (const got of this.got) {
      if (got.by !== by) continue
      const producer = producerOf(got.item)
      const before = last.get(producer) ?? -1
      if (got.item <= before) this.violations.push(`${by} got ${got.item} after ${before}`)
      last.set(producer, Math.max(before, got.item))
    }
  }
}

/** Runs an operation, sometimes under an interruption at a random moment. */
const disturbed = <A, E, R>(
  random: Random,
  operation: Effect.Effect<A, E, R>
): Effect.Effect<Exit.Exit<A, E>, never, R> =>
  random.chance(0.7)
    ? Effect.exit(operation)
    : Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(operation, { startImmediately: true })
      yield* Effect.sleep(random.next() * 3)
      yield* Fiber.interrupt(fiber)
      return yield* Fiber.await(fiber)
    })

const failedWith = (exit: Exit.Exit<unknown, unknown>, tag: string): boolean =>
  Exit.isFailure(exit) &&
  exit.cause.reasons.some((reason) =>
    Cause.isFailReason(reason) && (reason.error as { readonly _tag?: string })._tag === tag
  )

const produce = (
  { ledger, process, producer, random }: {
    readonly ledger: Ledger
    readonly process: Process
    readonly producer: number
    readonly random: Random
  },
  count: number,
  put: (n: number) => Effect.Effect<void, unknown>,
  putWithin: (n: number, timeout: number) => Effect.Effect<void, unknown>
) =>
  Effect.gen(function*() {
    for (let i = 0; i < count; i++) {
      if (random.chance(0.3)) yield* Effect.sleep(random.next() * 4)
      const n = item(producer, i)
      ledger.fates.set(n, "unknown")
      const exit = yield* disturbed(random, random.chance(0.7) ? put(n) : putWithin(n, random.next() * 2))
      if (!process.node.alive) return
      if (Exit.isSuccess(exit)) ledger.fates.set(n, "put")
      else if (failedWith(exit, "Full")) ledger.fates.set(n, "refused")
      else if (!Cause.hasInterrupts(exit.cause)) return
    }
  })

const consume = (
  { doomed = false, ledger, process, random }: {
    /** May die right after it got something. */
    readonly doomed?: boolean
    readonly ledger: Ledger
    readonly process: Process
    readonly random: Random
  },
  get: (timeout: number | undefined) => Effect.Effect<number, unknown>,
  done: Effect.Effect<void, unknown> = Effect.void
) =>
  Effect.gen(function*() {
    for (let idle = 0; idle < 12;) {
      const limited = random.chance(0.5)
      const exit = yield* disturbed(
        random,
        get(limited ? random.next() * 5 : undefined).pipe(
          // In one step with the return of `get`, as user code that writes down what it got.
          Effect.tap((n) =>
            Effect.sync(() => {
              ledger.take(process, n)
              if (doomed && random.chance(0.1)) process.kill()
            })
          )
        )
      )
      if (!process.node.alive) return
      if (Exit.isSuccess(exit)) {
        idle = 0
        if (random.chance(0.3)) yield* Effect.sleep(random.next() * 2)
        yield* Effect.ignore(done)
      } else if (failedWith(exit, "Empty") || failedWith(exit, "TimedOut") || Cause.hasInterrupts(exit.cause)) {
        idle++
      } else {
        return
      }
    }
  })

/** Kills some of these processes at random moments. */
const killSome = (world: World, processes: ReadonlyArray<Process>): void => {
  for (const process of processes) {
    if (world.random.chance(0.5)) world.network.schedule(world.random.next() * 60, process.kill)
  }
}

/** Builds a service in the main process, and keeps it. */
const build = <I, A>(main: Process, layer: Layer.Layer<I, never, Mp.Hub.Hub>, use: Effect.Effect<A, never, I>): A => {
  const exit = main.run(Effect.flatMap(Layer.build(layer), (context) => Effect.provideContext(use, context)))
    .pollUnsafe()
  if (exit === undefined || Exit.isFailure(exit)) throw new Error("the layer could not be built")
  return exit.value
}

class Jobs extends Mp.Queue.Service<Jobs>()("sim/Jobs", { item: Schema.Number }) {}

/** A world whose main process has a queue of numbers. */
const withQueue = (random: Random) => {
  const world = new World(random)
  const main = world.process("main")
  return { world, ledger: new Ledger(), main, service: build(main, Jobs.layer, Jobs.use(Effect.succeed)) }
}

/** Producers and consumers on one queue, interrupted, timed out and killed. */
export const queue = async (random: Random): Promise<Array<string>> => {
  const world = new World(random)
  const ledger = new Ledger()
  const maxsize = random.int(4)
  class Jobs extends Mp.Queue.Service<Jobs>()("sim/Jobs", { item: Item, maxsize }) {}
  const main = world.process("main")
  const service = build(
    main,
    Jobs.layer,
    Effect.gen(function*() {
      return yield* Jobs
    })
  )
  const from = { process: main, service }
  const children: Array<Process> = []
  for (let p = 1 + random.int(3); p > 0; p--) {
    const process = world.process(`producer-${p}`)
    children.push(process)
    const own = { ledger, process, producer: p, random: random.fork() }
    const count = 5 + random.int(15)
    inherit(
      Jobs,
      from,
      process,
      (jobs) => produce(own, count, (n) => jobs.put(n), (n, timeout) => jobs.put(n, { timeout }))
    )
  }
  const consumers: Array<Process> = []
  let orderly = true
  for (let c = 1 + random.int(3); c > 0; c--) {
    const process = random.chance(0.2) ? main : world.process(`consumer-${c}`)
    if (process !== main) children.push(process)
    consumers.push(process)
    const doomed = process !== main && random.chance(0.3)
    if (doomed) {
      process.node.onArrival = () => {
        if (world.random.chance(0.02)) process.kill()
      }
    }
    const fibers = 1 + random.int(3)
    if (fibers > 1) orderly = false
    const own = { doomed, ledger, process, random: random.fork() }
    const use = (jobs: Mp.Queue.Queue<number>) =>
      Effect.all(
        Array.from({ length: fibers }, () =>
          consume(own, (timeout) => timeout === undefined ? jobs.get() : jobs.get({ timeout }))),
        { concurrency: fibers }
      )
    if (process === main) {
      main.run(use(service))
      continue
    }
    // Some put what fills their socket, while they take.
    const both = random.chance(0.5)
    const producer = { ...own, producer: 10 + c, random: random.fork() }
    inherit(Jobs, from, process, (jobs) =>
      both
        ? Effect.all([
          use(jobs),
          produce(producer, 10, (n) => jobs.put(n), (n, timeout) => jobs.put(n, { timeout }))
        ], { concurrency: 2 })
        : use(jobs))
  }
  // The bound holds at any moment.
  main.run(Effect.gen(function*() {
    while (world.network.now < 100) {
      yield* Effect.sleep(1)
      const size = yield* service.qsize
      if (maxsize > 0 && size > maxsize) ledger.violations.push(`${size} items in a queue for ${maxsize}`)
    }
  }))
  killSome(world, children)
  if (!await world.run()) return ["it does not end"]

  // Whoever is left must be able to take the rest, also of producers that had to wait for room.
  for (let before = -1; before < ledger.got.length;) {
    before = ledger.got.length
    const drain = main.run(
      Effect.forever(Effect.tap(service.getNowait, (n) => Effect.sync(() => ledger.take(main, n, "whoever is left"))))
    )
    if (!await world.run()) return ["draining does not end"]
    if (!failedWith(drain.pollUnsafe()!, "Empty")) return ["draining did not end with Empty"]
  }
  ledger.account()
  ledger.ordered("whoever is left")
  if (orderly && consumers.length === 1) ledger.ordered(consumers[0]!.node.name)
  const sizes = main.run(Effect.all([service.qsize, service.empty, service.full]))
  await world.run()
  const size = sizes.pollUnsafe()
  if (size === undefined || Exit.isFailure(size) || size.value[0] !== 0 || !size.value[1] || size.value[2]) {
    ledger.violations.push(`the empty queue says ${JSON.stringify(size)}`)
  }
  return ledger.violations
}

/** Takes and finishes what is left. Then who has joined the queue, and who joins it now, goes on. */
const workOff = async (
  world: World,
  ledger: Ledger,
  main: Process,
  service: Mp.JoinableQueue.JoinableQueue<number>,
  early: Fiber.Fiber<void, unknown>
): Promise<void> => {
  const drain = main.run(
    Effect.forever(Effect.tap(service.getNowait, (n) => {
      ledger.take(main, n)
      return service.taskDone
    }))
  )
  if (!await world.run()) return void ledger.violations.push("draining does not end")
  if (!failedWith(drain.pollUnsafe()!, "Empty")) ledger.violations.push("draining did not end with Empty")
  const join = main.run(service.join())
  if (!await world.run()) return void ledger.violations.push("join does not end")
  for (const joined of [early.pollUnsafe(), join.pollUnsafe()]) {
    if (joined === undefined || Exit.isFailure(joined)) ledger.violations.push("join hangs though everything is done")
  }
}

/** The same with taskDone: everything is worked on at least once, and join returns. */
export const joinable = async (random: Random): Promise<Array<string>> => {
  const world = new World(random)
  const ledger = new Ledger()
  const onConsumerDeath = random.pick(["redeliver", "done"] as const)
  class Jobs extends Mp.JoinableQueue.Service<Jobs>()("sim/Jobs", { item: Item, onConsumerDeath }) {}
  const main = world.process("main")
  const service = build(
    main,
    Jobs.layer,
    Effect.gen(function*() {
      return yield* Jobs
    })
  )
  const from = { process: main, service }
  const consumers: Array<Process> = []
  const producer = { ledger, process: main, producer: 1, random: random.fork() }
  main.run(produce(producer, 5 + random.int(15), (n) => service.put(n), (n, timeout) => service.put(n, { timeout })))
  for (let c = 1 + random.int(3); c > 0; c--) {
    const process = world.process(`consumer-${c}`)
    consumers.push(process)
    const own = { ledger, process, random: random.fork() }
    inherit(
      Jobs,
      from,
      process,
      (jobs) => consume(own, (timeout) => timeout === undefined ? jobs.get() : jobs.get({ timeout }), jobs.taskDone)
    )
  }
  killSome(world, consumers)
  const early = main.run(Effect.andThen(Effect.sleep(random.next() * 30), service.join()))
  if (!await world.run()) return ["it does not end"]
  await workOff(world, ledger, main, service, early)
  const tooOften = main.run(service.taskDone)
  await world.run()
  if (!failedWith(tooOften.pollUnsafe()!, "InvalidState")) ledger.violations.push("a taskDone too many was accepted")
  ledger.account(onConsumerDeath === "done")
  return ledger.violations
}

/** A process whose sending side is full takes items and dies right after: none of them arrives a second time. */
export const fullSocket = async (random: Random): Promise<Array<string>> => {
  const world = new World(random)
  const ledger = new Ledger()
  class Jobs extends Mp.Queue.Service<Jobs>()("sim/Jobs", { item: Schema.Number }) {}
  class Results extends Mp.Queue.Service<Results>()("sim/Results", { item: Schema.Uint8Array }) {}
  const main = world.process("main")
  const { jobs, results } = build(
    main,
    Layer.merge(Jobs.layer, Results.layer),
    Effect.gen(function*() {
      return { jobs: yield* Jobs, results: yield* Results }
    })
  )
  const process = world.process("child")
  inherit(Jobs, { process: main, service: jobs }, process, (jobs) =>
    Effect.gen(function*() {
      while (true) {
        const n = yield* jobs.get()
        ledger.take(process, n)
        if (random.chance(0.2)) process.kill()
      }
    }))
  inherit(
    Results,
    { process: main, service: results },
    process,
    (results) =>
      Effect.forEach(Array.from({ length: 20 }), () => results.put(new Uint8Array(10_000 + random.int(20_000))), {
        concurrency: 2
      })
  )
  main.run(Effect.gen(function*() {
    for (let i = 0; i < 20; i++) {
      const n = item(1, i)
      yield* jobs.put(n)
      ledger.fates.set(n, "put")
      yield* Effect.sleep(random.next() * 2)
    }
  }))
  if (!await world.run()) return ["it does not end"]
  main.run(Effect.forever(Effect.tap(jobs.getNowait, (n) => Effect.sync(() => ledger.take(main, n)))))
  if (!await world.run()) return ["draining does not end"]
  ledger.account()
  return ledger.violations
}

/** Writers and readers on the two ends of a one-way pipe: whole messages, then the end of file for everybody. */
export const pipe = async (random: Random): Promise<Array<string>> => {
  const world = new World(random)
  const ledger = new Ledger()
  class Link
    extends Mp.Pipe.Service<Link>()("sim/Link", { message: Item, duplex: false, maxBytes: 1 + random.int(2000) })
  {}
  const main = world.process("main")
  const { left, right } = build(
    main,
    Link.layer,
    Effect.gen(function*() {
      return { left: yield* Link.left, right: yield* Link.right }
    })
  )
  const writers: Array<Process> = []
  const readers: Array<Process> = []
  const ends: Array<{ readonly reader: Process; readonly ended: Deferred.Deferred<void> }> = []
  for (let w = 1 + random.int(3); w > 0; w--) {
    const process = world.process(`writer-${w}`)
    writers.push(process)
    const own = { ledger, process, producer: w, random: random.fork() }
    const count = 3 + random.int(12)
    inherit(Link.right, { process: main, service: right }, process, (end) =>
      Effect.andThen(
        produce(own, count, (n) => end.send(n), (n) => end.send(n)),
        random.chance(0.5) ? end.close : process.exit
      ))
  }
  for (let r = 1 + random.int(2); r > 0; r--) {
    const process = world.process(`reader-${r}`)
    readers.push(process)
    const ended = Deferred.makeUnsafe<void>()
    ends.push({ reader: process, ended })
    const own = random.fork()
    inherit(Link.left, { process: main, service: left }, process, (end) =>
      Effect.gen(function*() {
        while (true) {
          if (own.chance(0.3)) yield* disturbed(own, end.poll({ timeout: own.next() * 3 }))
          const limited = own.chance(0.4)
          const exit = yield* disturbed(
            own,
            (limited ? end.recv({ timeout: own.next() * 5 }) : end.recv()).pipe(
              Effect.tap((n) => Effect.sync(() => ledger.take(process, n)))
            )
          )
          if (failedWith(exit, "EndOfFile")) {
            ledger.end()
            return yield* Deferred.succeed(ended, undefined)
          }
          if (Exit.isFailure(exit) && !failedWith(exit, "TimedOut") && !Cause.hasInterrupts(exit.cause)) return
        }
      }))
  }
  // The parent gives its writing end away while the children may still be on their way.
  main.run(Effect.andThen(Effect.sleep(random.next() * 3 + 0.5), right.close))
  killSome(world, [...writers, ...readers.slice(1)])
  if (!await world.run()) return ["it does not end"]
  for (const { ended, reader } of ends) {
    if (reader.node.alive && !Deferred.isDoneUnsafe(ended)) {
      ledger.violations.push(`${reader.node.name} never got EndOfFile`)
    }
  }
  const drain = main.run(Effect.forever(Effect.tap(left.recv(), (n) => Effect.sync(() => ledger.take(main, n)))))
  if (!await world.run()) return ["draining does not end"]
  const drained = drain.pollUnsafe()
  if (drained === undefined || !failedWith(drained, "EndOfFile")) {
    ledger.violations.push("the parent's reader did not get EndOfFile")
  }
  ledger.account()
  if (readers.length === 1) ledger.ordered(readers[0]!.node.name)
  return ledger.violations
}

/** The process that owns the hub dies: whatever waits ends with HubLost, and nothing else happens. */
export const lostHub = async (random: Random): Promise<Array<string>> => {
  const world = new World(random)
  const violations: Array<string> = []
  let running = 0
  class Jobs extends Mp.Queue.Service<Jobs>()("sim/Jobs", { item: Item, maxsize: 1 }) {}
  const main = world.process("main")
  const service = build(
    main,
    Jobs.layer,
    Effect.gen(function*() {
      return yield* Jobs
    })
  )
  for (let i = 1 + random.int(4); i > 0; i--) {
    const process = world.process(`child-${i}`)
    const own = random.fork()
    inherit(Jobs, { process: main, service }, process, (jobs) =>
      Effect.gen(function*() {
        running++
        while (true) {
          const operation: Effect.Effect<unknown, unknown> = own.chance(0.5) ? jobs.put(1) : jobs.get()
          const exit = yield* disturbed(own, operation)
          if (Exit.isSuccess(exit) || Cause.hasInterrupts(exit.cause)) continue
          if (!failedWith(exit, "HubLost")) violations.push(`not HubLost but ${String(exit)}`)
          const again = yield* Effect.exit(jobs.qsize)
          if (!failedWith(again, "HubLost")) violations.push(`afterwards not HubLost but ${String(again)}`)
          running--
          return
        }
      }))
  }
  world.network.schedule(5 + random.next() * 40, main.kill)
  if (!await world.run()) return ["it does not end"]
  if (running > 0) violations.push(`${running} processes hang after the hub was lost`)
  return violations
}

/** An end of a pipe travels through another pipe, while processes die around it. */
export const travelling = async (random: Random): Promise<Array<string>> => {
  const world = new World(random)
  const violations: Array<string> = []
  const carried = Mp.Connection.handle({ send: Schema.Number, receive: Schema.Number })
  class Carrier extends Mp.Queue.Service<Carrier>()("sim/Carrier", { item: carried }) {}
  const main = world.process("main")
  const carrier = build(
    main,
    Carrier.layer,
    Effect.gen(function*() {
      return yield* Carrier
    })
  )
  // The pipe belongs to the sender, or to the process that also owns the carrier.
  const sender = world.process("sender")
  const receiver = world.process("receiver")
  const second = world.process("second")
  const ownedByMain = random.chance(0.5)
  let sent = false
  let taken = false
  let answered = false
  let ended = false

  const owner = ownedByMain ? main : sender
  class Inner extends Mp.Pipe.Service<Inner>()("sim/Inner", { message: Schema.Number }) {}
  const { left, right } = build(
    owner,
    Inner.layer,
    Effect.gen(function*() {
      return { left: yield* Inner.left, right: yield* Inner.right }
    })
  )
  const send = (
    queue: Mp.Queue.Queue<Mp.Connection.Connection<number, number>>,
    end: Mp.Connection.Connection<number, number>
  ) =>
    Effect.gen(function*() {
      yield* queue.put(end)
      sent = true
      yield* end.close
    })
  if (ownedByMain) {
    inherit(Carrier, { process: main, service: carrier }, sender, (queue) =>
      Effect.callback<never>(() => {
        inherit(Inner.right, { process: main, service: right }, sender, (end) => {
          main.run(right.close)
          return send(queue, end)
        })
      }))
    // The sender may die as soon as the message has been taken.
    world.network.schedule(20 + random.next() * 40, sender.kill)
  } else {
    inherit(Carrier, { process: main, service: carrier }, sender, (queue) => send(queue, right))
  }
  const receive = (process: Process) =>
    inherit(Carrier, { process: main, service: carrier }, process, (queue) =>
      Effect.gen(function*() {
        const get = Effect.tap(queue.get(), () => Effect.sync(() => taken ||= process.node.alive))
        const exit = yield* disturbed(random, get)
        const end = Exit.isSuccess(exit) ? exit.value : yield* get
        yield* end.send(42)
        yield* end.close
      }))
  // Often the message has to wait, and the receiver dies while it takes it.
  world.network.schedule(random.chance(0.5) ? 0 : random.next() * 80, () => receive(receiver))
  if (random.chance(0.5)) {
    receiver.node.onArrival = () => {
      if (random.chance(0.15)) receiver.kill()
    }
  }
  // Started late: gets what the first one did not live to take.
  world.network.schedule(200, () => receive(second))
  owner.run(Effect.gen(function*() {
    const exit = yield* Effect.exit(left.recv())
    if (Exit.isSuccess(exit)) {
      answered = exit.value === 42
      yield* Effect.ignore(left.recv())
    }
    ended = true
  }))
  if (!await world.run()) return ["it does not end"]
  if (sent && owner.node.alive) {
    // Somebody got the end and answered, or died with it in its hands: either way the other side learns that it is gone.
    if (!taken) violations.push("the travelling end was lost")
    if (!answered && receiver.node.alive) violations.push("nothing came through the travelling end")
    if (!ended) violations.push("the other side never learned that the travelling end is gone")
  }
  return violations
}

/** What one process has put, every process finds from then on, also if it learned of it by another way. */
export const foundAtOnce = async (random: Random): Promise<Array<string>> => {
  const world = new World(random)
  const violations: Array<string> = []
  class Jobs extends Mp.Queue.Service<Jobs>()("sim/Jobs", { item: Schema.Number, maxsize: random.pick([0, 3]) }) {}
  const main = world.process("main")
  const service = build(main, Jobs.layer, Jobs.use(Effect.succeed))
  const from = { process: main, service }
  const other = world.process("other")
  const look = (process: Process, jobs: Mp.Queue.Queue<number>, n: number) =>
    process.run(jobs.getNowait).addObserver((exit) => {
      if (!Exit.isSuccess(exit) || exit.value !== n) {
        violations.push(`${process.node.name} does not find ${n}: ${JSON.stringify(exit)}`)
      }
    })
  inherit(Jobs, from, other, (others) => {
    inherit(Jobs, from, world.process("producer"), (jobs) =>
      Effect.gen(function*() {
        for (let n = 0; n < 10; n++) {
          yield* jobs.put(n)
          // Something that no message of the hub tells.
          if (random.chance(0.5)) look(main, service, n)
          else look(other, others, n)
          yield* Effect.sleep(200)
        }
      }))
    return Effect.never
  })
  await world.run()
  return violations
}

/** What one consumer could take and does not is there for others. */
export const idleHolder = async (random: Random): Promise<Array<string>> => {
  const world = new World(random)
  const count = 20
  const got: Array<number> = []
  class Jobs extends Mp.Queue.Service<Jobs>()("sim/Jobs", { item: Schema.Number }) {}
  const main = world.process("main")
  const service = build(main, Jobs.layer, Jobs.use(Effect.succeed))
  const from = { process: main, service }
  const idle = world.process("idle")
  inherit(Jobs, from, idle, (jobs) =>
    Effect.gen(function*() {
      yield* Effect.sleep(random.next() * 10)
      // With the second, others come ahead.
      for (let i = 0; i < 2; i++) got.push(yield* jobs.get())
      return yield* Effect.never
    }))
  inherit(Jobs, from, world.process("busy"), (jobs) =>
    Effect.gen(function*() {
      yield* Effect.sleep(random.next() * 200)
      for (;;) got.push(yield* jobs.get())
    }))
  main.run(Effect.forEach(Array.from({ length: count }, (_, n) => n), (n) => service.put(n)))
  await world.run()
  return got.length === count
    ? []
    : [`${count - got.length} of ${count} items were kept from the consumer that wants them`]
}

/** What is taken makes room at once, also if it had come ahead. */
export const roomOfTaken = async (random: Random): Promise<Array<string>> => {
  const world = new World(random)
  const taken: Array<number> = []
  let put = 0
  class Jobs extends Mp.Queue.Service<Jobs>()("sim/Jobs", { item: Schema.Number, maxsize: 3 }) {}
  const main = world.process("main")
  const service = build(main, Jobs.layer, Jobs.use(Effect.succeed))
  const from = { process: main, service }
  inherit(Jobs, from, world.process("consumer"), (jobs) =>
    Effect.gen(function*() {
      for (let i = 0; i < 6; i++) {
        taken.push(yield* jobs.get())
        yield* Effect.sleep(random.next() * 20)
      }
      return yield* Effect.never
    }))
  inherit(Jobs, from, world.process("producer"), (jobs) =>
    Effect.gen(function*() {
      for (let n = 0; n < 9; n++) {
        yield* jobs.put(n)
        put++
        yield* Effect.sleep(random.next() * 5)
      }
    }))
  await world.run()
  return taken.length === 6 && put === 9 ? [] : [`${taken.length} of 6 were taken and ${put} of 9 put`]
}

/** Readers that take turns, one of them in the process of the hub, where an answer is known before it is delivered. */
export const turns = async (random: Random): Promise<Array<string>> => {
  const { ledger, main, service, world } = withQueue(random)
  const count = 60
  const consumer = world.process("consumer")
  inherit(Jobs, { process: main, service }, consumer, (jobs) =>
    Effect.forever(Effect.gen(function*() {
      ledger.take(consumer, yield* jobs.get())
      if (random.chance(0.3)) yield* Effect.sleep(random.next() * 3)
    })))
  main.run(Effect.gen(function*() {
    for (let i = 0; i < count; i++) {
      const n = item(1, i)
      ledger.fates.set(n, "put")
      yield* service.put(n)
      if (random.chance(0.1)) yield* Effect.sleep(random.next() * 5)
    }
  }))
  main.run(Effect.gen(function*() {
    for (let i = 0; i < 30; i++) {
      const fiber = yield* Effect.forkChild(
        Effect.tap(service.get(), (n) => Effect.sync(() => ledger.take(main, n))),
        { startImmediately: true }
      )
      yield* Effect.sleep(random.next() * 3)
      // Has the hub look at the claims, and perhaps answer.
      if (random.chance(0.5)) yield* service.qsize
      yield* Fiber.interrupt(fiber)
    }
  }))
  if (!await world.run()) return ["it does not end"]
  ledger.account()
  ledger.ordered("main")
  ledger.ordered("consumer")
  return ledger.violations
}

/** Consumers that take several items before they finish them, one of which dies: others finish what it had, and only that. */
export const bursts = async (random: Random): Promise<Array<string>> => {
  const world = new World(random)
  const ledger = new Ledger()
  const count = 30
  class Jobs extends Mp.JoinableQueue.Service<Jobs>()("sim/Jobs", {
    item: Schema.Number,
    onConsumerDeath: "redeliver"
  }) {}
  const main = world.process("main")
  const service = build(main, Jobs.layer, Jobs.use(Effect.succeed))
  const from = { process: main, service }
  const consumers = Array.from({ length: 2 + random.int(2) }, (_, c) => world.process(`consumer-${c}`))
  const finished = new Map<number, number>()
  for (const process of consumers) {
    inherit(Jobs, from, process, (jobs) =>
      Effect.forever(Effect.gen(function*() {
        const taken: Array<number> = []
        for (let left = 1 + random.int(8); left > 0; left--) {
          taken.push(yield* jobs.get())
          ledger.take(process, taken.at(-1)!)
          if (random.chance(0.5)) yield* Effect.sleep(random.next())
        }
        for (const n of taken) {
          yield* jobs.taskDone
          if (process.node.alive) finished.set(n, (finished.get(n) ?? 0) + 1)
        }
      })))
  }
  const victim = consumers[0]!
  world.network.schedule(random.next() * 15, victim.kill)
  for (let i = 0; i < count; i++) ledger.fates.set(item(1, i), "put")
  main.run(Effect.forEach(Array.from({ length: count }, (_, i) => item(1, i)), (n) => service.put(n)))
  const early = main.run(service.join())
  if (!await world.run()) return ["it does not end"]
  for (const process of consumers) if (process !== victim) process.kill()
  if (!await world.run()) return ["it does not end"]
  await workOff(world, ledger, main, service, early)
  ledger.account(false)
  for (const [n, times] of finished) if (times > 1) ledger.violations.push(`item ${n} was finished ${times} times`)
  return ledger.violations
}

/** A process gets the items of a producer in their order, also if it gives up a get, or several fibers get. */
export const impatient = async (random: Random): Promise<Array<string>> => {
  const { ledger, main, service, world } = withQueue(random)
  const consumer = world.process("consumer")
  const fibers = random.pick([1, 1, 3])
  inherit(Jobs, { process: main, service }, consumer, (jobs) => {
    const take = Effect.tap(jobs.get(), (n) => Effect.sync(() => ledger.take(consumer, n)))
    const takeAll = Effect.forever(take)
    // What one fiber gives back may come after what another one got.
    if (fibers > 1) return Effect.all(Array.from({ length: fibers }, () => takeAll), { concurrency: fibers })
    const takeOrNot = Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(take, { startImmediately: true })
      yield* Effect.sleep(random.next() * 4)
      yield* Fiber.interrupt(fiber)
    })
    return Effect.andThen(Effect.replicateEffect(takeOrNot, 40), takeAll)
  })
  main.run(Effect.gen(function*() {
    for (let i = 0; i < 60; i++) {
      const n = item(1, i)
      ledger.fates.set(n, "put")
      yield* service.put(n)
      if (random.chance(0.2)) yield* Effect.sleep(random.next() * 10)
    }
  }))
  if (!await world.run()) return ["it does not end"]
  ledger.account()
  ledger.ordered("consumer")
  return ledger.violations
}

/** What one child puts goes to others without the hub, while the hub's process interferes now and then, and any of them may die. */
export const direct = async (random: Random): Promise<Array<string>> => {
  const { ledger, main, service, world } = withQueue(random)
  const from = { process: main, service }
  const children: Array<Process> = []
  const put = (jobs: Mp.Queue.Queue<number>, process: Process, n: number) =>
    Effect.gen(function*() {
      ledger.fates.set(n, "unknown")
      const exit = yield* disturbed(random, jobs.put(n))
      if (process.node.alive && Exit.isSuccess(exit)) ledger.fates.set(n, "put")
    })
  for (let p = random.pick([1, 1, 1, 2]); p > 0; p--) {
    const process = world.process(`producer-${p}`)
    children.push(process)
    inherit(Jobs, from, process, (jobs) =>
      Effect.gen(function*() {
        for (let i = 0; i < 60; i++) {
          yield* put(jobs, process, item(p, i))
          if (random.chance(0.3)) yield* Effect.sleep(random.next() * 4)
        }
      }))
  }
  const consumers = Array.from({ length: random.pick([1, 1, 2]) }, (_, c) => world.process(`consumer-${c}`))
  children.push(...consumers)
  const consume = (jobs: Mp.Queue.Queue<number>, process: Process) =>
    Effect.forever(Effect.gen(function*() {
      const exit = yield* disturbed(random, Effect.tap(jobs.get(), (n) => Effect.sync(() => ledger.take(process, n))))
      if (Exit.isFailure(exit) && !Cause.hasInterrupts(exit.cause)) return yield* Effect.never
      if (random.chance(0.1)) yield* Effect.sleep(random.next() * 10)
    }))
  // Perhaps nobody reads but the process of the hub, or that one too.
  const readsHere = random.chance(0.4)
  if (readsHere) {
    main.run(consume(service, main))
    if (random.chance(0.5)) consumers.length = 0
  }
  for (const process of consumers) inherit(Jobs, from, process, (jobs) => consume(jobs, process))
  main.run(Effect.gen(function*() {
    for (let i = 0; i < 6; i++) {
      yield* Effect.sleep(random.next() * 40)
      const what = random.int(4)
      if (what === 0) yield* put(service, main, item(9, i))
      else if (what === 1) yield* service.qsize
      else if (what === 2) {
        const n = yield* Effect.option(service.getNowait)
        if (n._tag === "Some") ledger.take(main, n.value, "who interferes")
      }
    }
  }))
  for (const process of children) {
    if (world.random.chance(0.3)) world.network.schedule(world.random.next() * 120, process.kill)
  }
  if (!await world.run()) return ["it does not end"]
  // As long as somebody gets, nothing is left.
  if (readsHere || consumers.some(({ node }) => node.alive)) ledger.account()
  for (const process of consumers) process.kill()
  if (!await world.run()) return ["it does not end"]
  const drain = main.run(
    Effect.forever(Effect.tap(service.getNowait, (n) => Effect.sync(() => ledger.take(main, n, "whoever is left"))))
  )
  if (!await world.run()) return ["draining does not end"]
  if (!failedWith(drain.pollUnsafe()!, "Empty")) ledger.violations.push("draining did not end with Empty")
  ledger.account()
  // What one gives back may come after what another one got.
  if (!readsHere && consumers.length === 1) ledger.ordered(consumers[0]!.node.name)
  if (readsHere && consumers.length === 0) ledger.ordered("main")
  return ledger.violations
}

/** Two processes talk over a pipe, in turns and in bursts. When one of them dies, the other one is told, after what was sent. */
export const conversation = async (random: Random): Promise<Array<string>> => {
  const world = new World(random)
  const ledger = new Ledger()
  class Link extends Mp.Pipe.Service<Link>()("sim/Link", { message: Schema.Number }) {}
  const main = world.process("main")
  const { left, right } = build(
    main,
    Link.layer,
    Effect.gen(function*() {
      return { left: yield* Link.left, right: yield* Link.right }
    })
  )
  const asker = world.process("asker")
  const isHere = random.chance(0.4)
  const answerer = isHere ? main : world.process("answerer")
  const victim = random.pick([asker, isHere ? undefined : answerer, undefined])
  const count = 80
  let asked = 0
  let answered = 0
  let last: Exit.Exit<unknown, unknown> | undefined
  const isLate = () => random.chance(0.1)
  inherit(Link.left, { process: main, service: left }, asker, (end) =>
    Effect.gen(function*() {
      while (asked < count) {
        const burst = random.pick([1, 1, 1, 1 + random.int(8)])
        for (let i = 0; i < burst; i++) {
          ledger.fates.set(asked, "unknown")
          yield* end.send(asked)
          if (asker.node.alive) ledger.fates.set(asked++, "put")
        }
        if (victim === asker && random.chance(0.05)) asker.kill()
        for (let i = 0; i < burst; i++) {
          const answer = yield* end.recv()
          if (asker.node.alive && answer !== -(++answered)) {
            ledger.violations.push(`${answer} is the answer ${answered}`)
          }
        }
        if (isLate()) yield* Effect.sleep(random.next() * 20)
      }
      yield* end.close
    }))
  const answer = (end: typeof right) =>
    Effect.gen(function*() {
      let answers = 0
      while (true) {
        const n = yield* end.recv()
        ledger.take(answerer, n)
        if (isLate()) yield* Effect.sleep(random.next() * 20)
        // There may be more to read from one who reads nothing any more.
        yield* Effect.ignore(end.send(-(++answers)))
      }
    }).pipe(
      Effect.exit,
      Effect.tap((exit) => Effect.sync(() => (last = exit)))
    )
  if (isHere) main.run(answer(right))
  else inherit(Link.right, { process: main, service: right }, answerer, answer)
  main.run(
    Effect.andThen(Effect.sleep(random.next() * 3 + 1), Effect.andThen(left.close, isHere ? Effect.void : right.close))
  )
  if (victim === answerer) world.network.schedule(random.next() * 150, victim.kill)
  if (!await world.run()) return ["it does not end"]
  if (victim === undefined && answered < count) {
    ledger.violations.push(`${answered} of ${count} questions were answered`)
  }
  if (answerer.node.alive) {
    ledger.account()
    ledger.ordered(answerer.node.name)
    if (last === undefined || !failedWith(last, "EndOfFile")) {
      ledger.violations.push(`the answerer ended with ${JSON.stringify(last)}`)
    }
  }
  return ledger.violations
}
