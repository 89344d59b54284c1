/**
 * `npm run test:fault`: kills real processes with SIGKILL at random moments, and accounts for every item.
 *
 * `ITEMS`, `KILLS`, `STORMS` and `SEED` change the size and the sequence, and `TASKS` that of the pools; `STORM` and `POOLS` choose storms, and faults of
 * pools, by a part of their names, and an argument (`transfer`, `pipe`, `talk`, `hubs`, `storms`, `pools`) one of the tests. Prints what was counted; exit code 1 if anything is lost, doubled, hangs
 * or is left behind.
 */
import { Effect, Fiber, Layer, Option, Schema, type Scope } from "effect"
import * as Mp from "effect-multiprocessing"
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Random } from "../support/random.ts"
import { pools } from "./pools.ts"
import { demand, makeWorld, names, storm } from "./storms.ts"
import {
  answer,
  answerer,
  asker,
  consumer,
  Items,
  Messages,
  owner,
  producer,
  reader,
  stormy,
  stranger,
  Talk,
  writer
} from "./targets.ts"

const items = Number(process.env["ITEMS"] ?? 1_000_000)
const kills = Number(process.env["KILLS"] ?? 200)
const stormSize = Number(process.env["STORMS"] ?? 10_000)
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 32))
const random = new Random(seed)

const readJournal = (path: string): Uint32Array => {
  if (!existsSync(path)) return new Uint32Array(0)
  const bytes = readFileSync(path)
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length - bytes.length % 4))
}

/** A directory for journals. */
const workspace = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "fault-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

/** How often each number was written down. */
const count = (paths: ReadonlyArray<string>, size: number): Uint8Array => {
  const counts = new Uint8Array(size)
  for (const path of paths) {
    for (const n of readJournal(path)) counts[n]!++
  }
  return counts
}

/** Keeps processes of one kind running; `again` starts the next one of a slot, or says that the slot is finished. */
const slots = <R>(
  size: number,
  start: (
    slot: number,
    incarnation: number
  ) => Effect.Effect<Option.Option<Mp.Process.Process<void, never>>, unknown, R>
) => {
  const running: Array<Mp.Process.Process<void, never> | undefined> = Array.from({ length: size })
  let killed = 0
  return {
    get killed() {
      return killed
    },
    killOne: Effect.gen(function*() {
      const victim = running[random.int(size)]
      if (victim === undefined) return
      const alive = yield* Effect.orElseSucceed(victim.isAlive, () => false)
      if (!alive) return
      killed++
      yield* Effect.ignore(victim.kill)
    }),
    run: Effect.forEach(running, (_, slot) =>
      Effect.gen(function*() {
        for (let incarnation = 0;; incarnation++) {
          const ended = yield* Effect.scoped(Effect.gen(function*() {
            const process = yield* start(slot, incarnation)
            if (Option.isNone(process)) return true
            running[slot] = process.value
            const exit = yield* Effect.exit(process.value.join())
            running[slot] = undefined
            return exit._tag === "Success"
          }))
          if (ended) return
        }
      }), { concurrency: "unbounded", discard: true })
  }
}

/** Transfers all items while processes are killed: so many of each kind, or fewer if it is done before. Gives how many. */
const transferOnce = Effect.fnUntraced(function*(wanted: { readonly producers: number; readonly consumers: number }) {
  const directory = yield* workspace
  const concurrency = 16
  const share = Math.ceil(items / 4)
  const journals = { put: [] as Array<string>, got: [] as Array<string> }
  const unknown = new Set<number>()
  const next = [0, 1, 2, 3].map((slot) => slot * share)

  const producers = slots(4, (slot, incarnation) =>
    Effect.suspend(() => {
      const last = journals.put.findLast((path) => path.includes(`put-${slot}-`))
      if (last !== undefined) {
        // What was on its way when the last one died may or may not have arrived; what it had not begun is still to do.
        const returned = new Set(readJournal(last))
        const begun = Math.min(next[slot]! + returned.size + concurrency, (slot + 1) * share)
        for (let n = next[slot]!; n < begun; n++) if (!returned.has(n)) unknown.add(n)
        next[slot] = begun
      }
      const to = Math.min((slot + 1) * share, items)
      if (next[slot]! >= to) return Effect.succeedNone
      const path = join(directory, `put-${slot}-${incarnation}`)
      journals.put.push(path)
      return Effect.asSome(Mp.Process.spawn(producer, { from: next[slot]!, to, concurrency, journal: path }))
    }))
  const consumers = slots(4, (slot, incarnation) => {
    const path = join(directory, `got-${slot}-${incarnation}`)
    journals.got.push(path)
    return Effect.asSome(Mp.Process.spawn(consumer, { concurrency: 4, journal: path }))
  })
  const queue = yield* Items
  const killing = Effect.gen(function*() {
    while (producers.killed < wanted.producers || consumers.killed < wanted.consumers) {
      yield* Effect.sleep(random.int(100))
      yield* producers.killed < wanted.producers ? producers.killOne : Effect.void
      yield* Effect.sleep(random.int(100))
      yield* consumers.killed < wanted.consumers ? consumers.killOne : Effect.void
    }
  })
  yield* Effect.forkScoped(killing)
  const consuming = yield* Effect.forkScoped(consumers.run)
  yield* producers.run
  yield* queue.shutdown()
  yield* Fiber.join(consuming)

  const put = count(journals.put, items)
  const got = count(journals.got, items)
  let doubled = 0
  let lost = 0
  let delivered = 0
  for (let n = 0; n < items; n++) {
    if (got[n]! > 1) doubled++
    if (got[n]! > 0) delivered++
    if (put[n]! > 0 && got[n] === 0) lost++
  }
  console.log(
    `transfer: ${items} items, ${producers.killed} producers and ${consumers.killed} consumers killed; ` +
      `${delivered} delivered once, ${doubled} doubled, ${unknown.size} on their way when a producer died, ` +
      `${lost} in the hands of a consumer when it died`
  )
  yield* demand(doubled === 0, `${doubled} items arrived twice`)
  yield* demand(lost <= consumers.killed, `${lost} items are lost, more than consumers died`)
  return { producers: producers.killed, consumers: consumers.killed }
})

/** A fast machine has transferred everything before as many processes are killed: then once more. */
const transfer = Effect.gen(function*() {
  const left = { producers: kills, consumers: kills }
  while (left.producers > 0 || left.consumers > 0) {
    const killed = yield* Effect.scoped(transferOnce(left)).pipe(Effect.provide(Layer.fresh(Items.layer)))
    left.producers -= killed.producers
    left.consumers -= killed.consumers
  }
})

const pipe = Effect.gen(function*() {
  const directory = yield* workspace
  const journals = { put: [] as Array<string>, got: [] as Array<string> }
  const each = 20_000
  let killed = 0
  for (let round = 0;; round++) {
    if (killed >= kills / 2) break
    yield* Effect.scoped(
      Effect.gen(function*() {
        const start = <A>(spawn: (path: string) => A, kind: "put" | "got", i: number) => {
          const path = join(directory, `${kind}-${round}-${i}`)
          journals[kind].push(path)
          return spawn(path)
        }
        const left = yield* Messages.left
        const right = yield* Messages.right
        const from = (i: number) => (round * 3 + i) * each
        const writers = yield* Effect.forEach([0, 1, 2], (i) =>
          start(
            (journal) => Mp.Process.spawn(writer, { from: from(i), to: from(i) + each, concurrency: 1, journal }),
            "put",
            i
          ))
        const readers = yield* Effect.forEach([0, 1, 2], (i) =>
          start(
            (journal) => Mp.Process.spawn(reader, { concurrency: 1, journal }),
            "got",
            i
          ))
        yield* right.close
        // One reader is left, so that everything must arrive and every reader must see the end.
        for (const victim of [writers[random.int(3)]!, readers[1]!, readers[2]!, writers[random.int(3)]!]) {
          yield* Effect.sleep(random.int(100))
          if (yield* victim.isAlive) killed++
          yield* Effect.ignore(victim.kill)
        }
        for (const process of [...writers, ...readers]) yield* Effect.exit(process.join())
        yield* Effect.flip(left.recv()).pipe(Effect.timeout("5 seconds"))
      }).pipe(Effect.provide(Messages.layer))
    )
  }
  const size = Math.max(...journals.put.map((path) => Math.max(0, ...readJournal(path).slice(-1)))) + each
  const put = count(journals.put, size)
  const got = count(journals.got, size)
  const doubled = got.filter((n) => n > 1).length
  const lost = put.filter((n, i) => n > 0 && got[i] === 0).length
  console.log(
    `pipe: ${put.filter((n) => n > 0).length} messages, ${killed} processes killed; ${doubled} doubled, ` +
      `${lost} in the hands of a reader when it died`
  )
  yield* demand(doubled === 0, `${doubled} messages arrived twice`)
  yield* demand(lost <= killed, `${lost} messages are lost, more than readers died`)
})

/** Two processes talk in turns, the second one of them a child or this process, and one of them is killed. */
const talk = Effect.gen(function*() {
  const directory = yield* workspace
  const rounds = Math.ceil(kills / 2)
  let answers = 0
  for (let round = 0; round < rounds; round++) {
    const [said, heard, answered] = ["said", "heard", "answered"].map((name) =>
      join(directory, `${name}-${round}`)
    ) as [
      string,
      string,
      string
    ]
    const victim = yield* Effect.scoped(
      Effect.gen(function*() {
        const left = yield* Talk.left
        const right = yield* Talk.right
        const asking = yield* Mp.Process.spawn(asker, { said, heard })
        yield* left.close
        const isHere = random.chance(0.5)
        const answering = isHere
          ? undefined
          : yield* Mp.Process.spawn(answerer, { concurrency: 1, journal: answered })
        const here = yield* Effect.forkScoped(isHere ? answer(right, answered) : right.close)
        while (readJournal(heard).length < 200) yield* Effect.sleep(1)
        yield* Effect.sleep(random.int(100))
        const victim = answering === undefined || random.chance(0.5) ? "asker" : "answerer"
        yield* (victim === "asker" ? asking : answering!).kill
        yield* Effect.timeout(Effect.exit(asking.join()), "10 seconds")
        if (answering !== undefined) yield* Effect.timeout(Effect.exit(answering.join()), "10 seconds")
        yield* Effect.timeout(Effect.exit(Fiber.join(here)), "10 seconds")
        return victim
      }).pipe(Effect.provide(Layer.fresh(Talk.layer)), Effect.timeout("60 seconds"))
    )
    const journals = [said, heard, answered].map((path) => Array.from(readJournal(path)))
    for (const numbers of journals) {
      yield* demand(
        numbers.every((n, i) => n === i),
        `round ${round}: ${numbers.length} numbers are not in their order`
      )
    }
    const [saidCount, heardCount, answeredCount] = journals.map(({ length }) => length) as [number, number, number]
    answers += heardCount
    // One may be in the hands of the one who died.
    const lost = saidCount - answeredCount - (victim === "answerer" ? 1 : 0)
    yield* demand(lost <= 0, `round ${round}: ${lost} messages are lost, ${victim} was killed`)
    yield* demand(heardCount <= answeredCount, `round ${round}: an answer came of nowhere`)
  }
  console.log(`talk: ${answers} answers, ${rounds} processes killed; none lost, none doubled`)
})

const isRunning = (pid: number): boolean => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) !== "Z"
  } catch {
    return false
  }
}

const hubs = Effect.gen(function*() {
  const directory = yield* workspace
  const rounds = Math.ceil(kills / 4)
  let survivors = 0
  let slowest = 0
  for (let round = 0; round < rounds; round++) {
    yield* Effect.scoped(Effect.gen(function*() {
      const pids = yield* Mp.Queue.make({ item: Schema.Int })
      const journal = join(directory, `hub-${round}`)
      const process = yield* Mp.Process.spawn(owner, { pids, journal })
      const children: Array<number> = []
      for (let i = 0; i < 4; i++) children.push(yield* pids.get())
      yield* Effect.sleep(random.int(100))
      const begin = performance.now()
      yield* process.kill
      yield* Effect.exit(process.join())
      while (children.some(isRunning)) {
        yield* Effect.sleep(5)
        yield* demand(performance.now() - begin < 10_000, "a process hangs after its hub was lost")
      }
      slowest = Math.max(slowest, performance.now() - begin)
      const ends = readJournal(journal)
      survivors += ends.length
      yield* demand(ends.every((end) => end === 1), "an operation did not end with HubLost")
    }))
  }
  console.log(
    `hub: ${rounds} owners killed; ${survivors} operations of survivors ended with HubLost; ` +
      `the last of their processes was gone after ${Math.round(slowest)} ms`
  )
  yield* demand(slowest < 2000, "a process outlived its hub by more than 2 seconds")
})

/** Each storm rages in this process, and in a child. */
const storms = Effect.gen(function*() {
  const chosen = names.filter((name) => name.includes(process.env["STORM"] ?? ""))
  for (const name of chosen) {
    for (const place of ["here", "in a child"]) {
      const begin = performance.now()
      const counts = yield* Effect.scoped(Effect.gen(function*() {
        const { forget, world } = yield* makeWorld
        const storming = random.fork()
        if (place === "here") return yield* storm(name, { world, times: stormSize, random: storming })
        const child = yield* Mp.Process.spawn(stormy, { name, times: stormSize, seed: storming.seed, world })
        yield* forget
        return yield* child.join()
      }))
      console.log(`storm: ${name}, ${place}: ${counts}; ${Math.round(performance.now() - begin)} ms`)
    }
  }
  console.log(`storm: ${chosen.length} operations, ${stormSize} interruptions or timeouts each, here and in a child`)
})

// Everything that the library makes in the temporary directory is made here, also by children.
const temporary = mkdtempSync(join(tmpdir(), "emp-"))
process.env["TMPDIR"] = temporary
process.on("exit", () => rmSync(temporary, { recursive: true, force: true }))

/** Without the cache of compiled code, which is there to stay. With the reports of full heaps. */
const directories = () =>
  readdirSync(temporary).filter((name) => !name.startsWith("effect-multiprocessing-") || name.endsWith(".json")).length

/** What must not grow. */
const resources = () => ({
  children:
    readdirSync("/proc").filter((pid) =>
      /^\d+$/.test(pid) && existsSync(`/proc/${pid}/stat`) && parentOf(pid) === process.pid
    ).length,
  descriptors: readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) !== ""
    } catch {
      return false
    }
  }).length,
  directories: directories()
})

const parentOf = (pid: string): number => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])
  } catch {
    return 0
  }
}

/** A fault test under the attack of a stranger, after which nothing is left. */
const attacked = <E>(
  name: string,
  test: Effect.Effect<void, E, Items | Mp.Hub.Hub | Mp.Spawner.Spawner | Scope.Scope>
) =>
  Effect.gen(function*() {
    const before = resources()
    const begin = performance.now()
    yield* Effect.gen(function*() {
      const hub = yield* Mp.Hub.Hub
      yield* Mp.Process.spawn(stranger, { address: yield* hub.address }, { daemon: true, gracePeriod: 100 })
      yield* test
    }).pipe(Effect.scoped, Effect.provide(Items.layer), Effect.provide(Mp.layer))
    // The guards of what was killed need a moment.
    for (let i = 0; i < 200 && directories() > before.directories; i++) yield* Effect.sleep(10)
    const after = resources()
    console.log(
      `${name}: ${Math.round((performance.now() - begin) / 100) / 10} s; left behind: ` +
        Object.entries(after).map(([what, n]) => `${Math.max(0, n - before[what as keyof typeof before])} ${what}`)
          .join(", ")
    )
    yield* demand(
      after.children <= before.children && after.descriptors <= before.descriptors &&
        after.directories <= before.directories,
      `${name}: something is left behind: ${JSON.stringify({ before, after })}`
    )
  })

const only = process.argv[2]
const tests = { transfer, pipe, talk, hubs, storms, pools: pools(random) }

Mp.runMain(Effect.gen(function*() {
  console.log(`seed ${seed}`)
  // What the first use of processes and sockets opens for good must not count.
  yield* Effect.scoped(Effect.gen(function*() {
    const hub = yield* Mp.Hub.Hub
    const process = yield* Mp.Process.spawn(stranger, { address: yield* hub.address }, { daemon: true })
    yield* process.kill
  })).pipe(Effect.provide(Mp.layer))
  for (const [name, test] of Object.entries(tests)) {
    if (only === undefined || only === name) yield* attacked(name, test)
  }
}))
