/**
 * Pools whose workers die, run away, are full, and are interrupted, at random moments, with an account of every task: it ends once, and
 * runs as often as it may.
 *
 * Each task writes its number down before and after its work, in a file of its process, so that what it did survives its worker.
 */
import { Cause, Effect, Exit, Fiber, Option, Schema, type Scope, Stream } from "effect"
import * as Mp from "effect-multiprocessing"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { childrenOf, commandOf, isRunning, killIfRunning } from "../support/procfs.ts"
import type { Random } from "../support/random.ts"
import { eventually, within } from "../support/waiting.ts"
import { count, dawdle, hog, type Note, note, pidOf, poolOwner, slowWorker, spin } from "./poolTargets.ts"
import { demand, moment, type Violated } from "./storms.ts"

// ---------------------------------------------------------------------------------------------- accounts

/** How a task may end. */
type Ending = "succeeded" | "lost" | "poisonous" | "interrupted" | "closed" | "unknown"

const expected: Record<string, Ending> = { WorkerLost: "lost", PoisonousTask: "poisonous", PoolClosed: "closed" }

const endingOf = (exit: Exit.Exit<unknown, unknown>): Ending | undefined => {
  if (Exit.isSuccess(exit)) return "succeeded"
  if (Cause.hasInterruptsOnly(exit.cause)) return "interrupted"
  const error = Cause.squash(exit.cause)
  // Never so many in a row that the pool may give up.
  if (error instanceof Mp.WorkerLost && error.reason === "StartFailed") return undefined
  return typeof error === "object" && error !== null && "_tag" in error ? expected[String(error._tag)] : undefined
}

/** What is known of each task, and what its worker wrote down. */
class Account {
  readonly directory: string
  private readonly endings: Array<Ending | undefined> = []
  private readonly idempotent: Array<boolean> = []
  private readonly problems: Array<string> = []

  constructor(directory: string) {
    this.directory = directory
  }

  /** New tasks: the first number. */
  take(size: number, idempotent: boolean): Array<Note> {
    return Array.from({ length: size }, () => {
      const n = this.endings.length
      this.endings.push(undefined)
      this.idempotent.push(idempotent)
      return { n, journal: this.directory }
    })
  }

  get size(): number {
    return this.endings.length
  }

  isIdempotent({ n }: Note): boolean {
    return this.idempotent[n]!
  }

  /** Of those that nobody has told of, nobody knows whether they were begun. */
  forget(): void {
    for (let n = 0; n < this.size; n++) this.endings[n] ??= "unknown"
  }

  ended(note: Note, ending: Ending, value?: unknown): void {
    if (this.endings[note.n] !== undefined) this.problem(`${note.n} ended twice`)
    this.endings[note.n] = ending
    if (ending === "succeeded" && value !== note.n * 2) this.problem(`${note.n} gave ${String(value)}`)
  }

  /** All of them ended in the same way; of those of a series that failed, nobody knows which ran. */
  endedBy(notes: ReadonlyArray<Note>, exit: Exit.Exit<unknown, unknown>): Ending {
    let ending = endingOf(exit)
    if (ending === undefined) {
      this.problem(`an unexpected end: ${String(Exit.isFailure(exit) && Cause.pretty(exit.cause))}`)
      ending = "unknown"
    }
    for (const [i, note] of notes.entries()) {
      if (ending === "succeeded" && Exit.isSuccess(exit)) {
        this.ended(note, ending, Array.isArray(exit.value) ? exit.value[i] : exit.value)
      } else this.ended(note, notes.length === 1 ? ending : "unknown")
    }
    return ending
  }

  problem(problem: string): void {
    this.problems.push(problem)
  }

  count(ending: Ending): number {
    return this.endings.filter((other) => other === ending).length
  }

  /** Compares what was told with what was written down. */
  get settle(): Effect.Effect<void, Violated> {
    return Effect.suspend(() => {
      const began = new Uint8Array(this.size)
      const ended = new Uint8Array(this.size)
      for (const file of readdirSync(this.directory)) {
        const bytes = readFileSync(join(this.directory, file))
        for (let at = 0; at + 4 <= bytes.length; at += 4) {
          const entry = bytes.readUInt32LE(at)
          const counts = entry % 2 === 0 ? began : ended
          counts[entry >>> 1]!++
        }
      }
      for (let n = 0; n < this.size; n++) {
        const ending = this.endings[n]
        if (ending === undefined) this.problem(`${n} has not ended`)
        if (!this.idempotent[n] && began[n]! > 1) this.problem(`${n} ran ${began[n]} times`)
        if (ending === "succeeded" && ended[n] === 0) this.problem(`${n} succeeded and did not run to its end`)
        if (ending === "lost" && this.idempotent[n]) this.problem(`${n} is idempotent and was not run again`)
      }
      return demand(
        this.problems.length === 0,
        `${this.problems.length} problems: ${this.problems.slice(0, 10).join("; ")}`
      )
    })
  }

  get text(): string {
    const counts = new Map<string, number>()
    for (const ending of this.endings) counts.set(String(ending), (counts.get(String(ending)) ?? 0) + 1)
    return Array.from(counts, ([ending, n]) => `${n} ${ending}`).join(", ")
  }
}

const makeAccount = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "pools-"))),
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  ),
  (directory) => {
    const journal = join(directory, "j")
    mkdirSync(journal)
    return new Account(journal)
  }
)

// ---------------------------------------------------------------------------------------------- pools under test

type Pool = Mp.Pool.Pool<never, never>

/** A bounded wait that says what the pool does. It says so at once, as the interruption of what hangs may hang too. */
const bounded =
  (duration: `${number} seconds`, what: string, pool: Pool) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.raceFirst(
      effect,
      Effect.gen(function*() {
        yield* Effect.sleep(duration)
        const problem = `not within ${duration}: ${what}; ${JSON.stringify(yield* pool.stats)}`
        console.error(problem)
        return yield* Effect.die(new Error(problem))
      })
    )

/** The pool has all of its workers, with nothing to do, and all of them work. */
const isWhole = (pool: Pool, account: Account) =>
  Effect.gen(function*() {
    const isIdle = Effect.map(
      pool.stats,
      ({ queued, running, workers }) =>
        queued === 0 && running === 0 && workers.length === pool.size && workers.every(({ state }) => state === "idle")
    )
    yield* eventually("all workers idle", isIdle, "1 hour").pipe(
      bounded("60 seconds", "all workers, with nothing to do", pool)
    )
    const pids = yield* pool.broadcast(pidOf).pipe(bounded("60 seconds", "a task in each worker", pool))
    yield* demand(new Set(pids).size === pool.size, `${pool.size} workers answered with the pids ${pids.join()}`)
    const notes = account.take(10 * pool.size, false)
    const exit = yield* Effect.exit(pool.map(note, notes, { chunkSize: 1 })).pipe(
      bounded("60 seconds", "some tasks after all", pool)
    )
    yield* demand(Exit.isSuccess(exit), "the pool does not work any more")
    account.endedBy(notes, exit)
  })

/** Kills a worker; `false` if there is none of that kind. Says whether it had a task, as far as the pool knows. */
const killWorker = (pool: Pool, random: Random, isVictim: (worker: Mp.Pool.WorkerStats) => boolean) =>
  Effect.map(pool.stats, ({ workers }) => {
    const victims = workers.filter((worker) => Option.isSome(worker.pid) && isVictim(worker))
    if (victims.length === 0) return undefined
    const victim = random.pick(victims)
    const pid = Option.getOrThrow(victim.pid)
    if (!isRunning(pid)) return undefined
    killIfRunning(pid)
    return victim
  })

const isReady = ({ state }: Mp.Pool.WorkerStats) => state === "idle" || state === "busy"

/** The ways to have tasks run. Each takes notes of its own, and says how they ended. */
const ways: Record<
  string,
  (pool: Pool, account: Account, random: Random) => Effect.Effect<void>
> = {
  run: (pool, account, random) => {
    const idempotent = random.chance(0.3)
    return Effect.forEach(
      account.take(50, idempotent),
      (payload) =>
        Effect.map(Effect.exit(pool.run(note, payload, { idempotent })), (exit) => {
          account.endedBy([payload], exit)
        }),
      { discard: true, concurrency: 5 }
    )
  },
  submit: (pool, account, random) => {
    const idempotent = random.chance(0.3)
    return Effect.gen(function*() {
      const tasks: Array<[Note, Mp.Pool.Task<number, unknown>]> = []
      for (const payload of account.take(1 + random.int(300), idempotent)) {
        const priority = random.int(2)
        const task = yield* Effect.orDie(pool.submit(note, payload, { idempotent, priority }))
        tasks.push([payload, task])
      }
      for (const [payload, task] of tasks) account.endedBy([payload], yield* task.await)
    })
  },
  map: (pool, account, random) => {
    const idempotent = random.chance(0.5)
    const payloads = account.take(1 + random.int(600), idempotent)
    return Effect.map(Effect.exit(pool.map(note, payloads, { chunkSize: 1, idempotent })), (exit) => {
      account.endedBy(payloads, exit)
    })
  },
  "map in chunks": (pool, account, random) => {
    const idempotent = random.chance(0.7)
    const payloads = account.take(1 + random.int(2000), idempotent)
    const chunkSize = random.chance(0.2) ? undefined : 1 + random.int(50)
    return Effect.map(Effect.exit(pool.map(note, payloads, { chunkSize, idempotent })), (exit) => {
      account.endedBy(payloads, exit)
    })
  },
  imap: (pool, account, random) => {
    const idempotent = random.chance(0.5)
    const payloads = account.take(1 + random.int(300), idempotent)
    const chunkSize = 1 + random.int(5)
    let next = 0
    const values = Stream.runForEach(
      pool.imap(note, payloads, { chunkSize, idempotent }),
      (value) =>
        Effect.sync(() => {
          const payload = payloads[next++]!
          account.ended(payload, "succeeded", value)
        })
    )
    return Effect.map(Effect.exit(values), (exit) => {
      const rest = payloads.slice(next)
      if (Exit.isFailure(exit)) account.endedBy(rest, exit)
      else if (rest.length > 0) account.problem(`imap ended ${rest.length} values too early`)
    })
  }
}

/** What goes on beside a fiber; fails when that does. */
const beside = <E2>(fiber: Fiber.Fiber<unknown, E2>) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.raceFirst(effect, Effect.andThen(Fiber.join(fiber), Effect.never))

// ---------------------------------------------------------------------------------------------- the faults

export interface Sizes {
  readonly tasks: number
  readonly kills: number
  readonly random: Random
}

/** Gives what was counted. */
export type Fault = (
  sizes: Sizes
) => Effect.Effect<string, unknown, Mp.Hub.Hub | Mp.Spawner.Spawner | Scope.Scope>

/** Workers die at random moments while tasks run in every way. */
export const deaths = ({ kills, random, tasks }: Sizes) =>
  Effect.gen(function*() {
    const account = yield* makeAccount
    const pool: Pool = yield* Mp.Pool.make({ name: "Deaths", size: 4, targets: [note, pidOf] })
    let killed = 0
    let busy = 0
    const killing = Effect.gen(function*() {
      while (killed < kills) {
        // As far with one as with the other; the last ones while the last tasks wait.
        while (account.size < tasks * 0.98 * killed / kills) yield* Effect.sleep(2)
        yield* moment(random)
        yield* Effect.sleep(random.int(40))
        const victim = yield* killWorker(pool, random, isReady)
        if (victim === undefined) continue
        killed++
        if (victim.state === "busy") busy++
      }
    })
    const killer = yield* Effect.forkScoped(killing)
    const isOver = () => account.size >= tasks && killed >= kills
    const isAhead = () => killed < kills && account.size > tasks * (killed + 1) / kills
    const names = Object.keys(ways)
    const loading = Effect.forEach(
      Array.from({ length: 12 }, () => random.fork()),
      (random, i) =>
        Effect.gen(function*() {
          while (!isOver()) {
            const name = i < names.length ? names[i]! : random.pick(names)
            yield* ways[name]!(pool, account, random).pipe(bounded("120 seconds", `the tasks of ${name}`, pool))
            // Slower than the deaths would need more and more tasks.
            while (isAhead()) yield* Effect.sleep(1)
          }
        }),
      { concurrency: "unbounded", discard: true }
    )
    yield* beside(killer)(loading)
    yield* Fiber.join(killer).pipe(bounded("60 seconds", "the last deaths", pool))
    yield* isWhole(pool, account)
    const { lost } = yield* pool.stats
    yield* account.settle
    yield* demand(lost <= killed, `${lost} tasks were lost, and only ${killed} workers killed`)
    const told = account.count("lost")
    yield* demand(told <= lost, `${told} tasks ended with WorkerLost, and only ${lost} were lost`)
    return `${account.size} tasks, ${killed} workers killed, ${busy} of them busy, ${lost} tasks lost: ${account.text}`
  })

/** Runaways that a time limit ends, and some that end at about the same moment, among tasks that must all succeed. */
export const runaways = ({ kills, random, tasks }: Sizes) =>
  Effect.gen(function*() {
    const account = yield* makeAccount
    const gracePeriod = 100
    const pool: Pool = yield* Mp.Pool.make({ name: "Runaways", size: 3, gracePeriod, targets: [note, spin, pidOf] })
    let ended = 0
    const runAway = Effect.gen(function*() {
      const timeout = 5 + random.int(100)
      const idempotent = random.chance(0.3)
      // Some end by themselves just when nobody wants to wait any longer.
      const milliseconds = random.chance(0.5) ? Infinity : timeout + gracePeriod - 20 + random.int(40)
      const begin = performance.now()
      if (random.chance(0.5)) {
        yield* Effect.exit(Effect.timeout(pool.run(spin, { milliseconds }, { idempotent }), timeout))
      } else {
        const task = yield* pool.submit(spin, { milliseconds }, { idempotent })
        yield* Effect.sleep(timeout)
        yield* task.cancel
        const exit = yield* task.await
        const ending = endingOf(exit)
        if (ending !== "interrupted" && !(ending === "succeeded" && milliseconds < Infinity)) {
          account.problem(`a cancelled task ended with ${String(ending)}`)
        }
      }
      ended++
      const took = performance.now() - begin
      if (took > 20_000) account.problem(`a runaway ended after ${took} ms`)
    }).pipe(bounded("60 seconds", "the end of a runaway", pool))
    const running = yield* Effect.forkScoped(
      Effect.forEach(Array.from({ length: kills }), () => runAway, { concurrency: 2, discard: true })
    )
    const isOver = () => account.size >= tasks && ended >= kills
    const names = Object.keys(ways)
    const loading = Effect.gen(function*() {
      while (!isOver()) {
        yield* ways[random.pick(names)]!(pool, account, random).pipe(
          bounded("120 seconds", "good tasks among runaways", pool)
        )
        if (account.size > tasks * (ended + 1) / kills) yield* Effect.sleep(20)
      }
    })
    yield* beside(running)(Effect.all([loading, loading], { concurrency: 2 }))
    yield* Fiber.join(running).pipe(bounded("60 seconds", "the last runaways", pool))
    yield* isWhole(pool, account)
    yield* account.settle
    yield* demand(
      account.count("succeeded") === account.size,
      `good tasks among runaways did not all succeed: ${account.text}`
    )
    return `${ended} runaways among ${account.size} tasks: ${account.text}`
  })

/** Tasks that fill the heap of their worker. */
export const hogs = ({ kills, random, tasks }: Sizes) =>
  Effect.gen(function*() {
    const account = yield* makeAccount
    const pool: Pool = yield* Mp.Pool.make({
      name: "Hogs",
      size: 2,
      maxHeap: "48 MiB",
      output: "ignore",
      targets: [note, hog, pidOf]
    })
    const ends = new Map<string, number>()
    const fill = Effect.forEach(Array.from({ length: kills }), () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(pool.run(hog)).pipe(bounded("60 seconds", "the end of a hog", pool))
        const reason = error instanceof Mp.WorkerLost ? error.reason : error._tag
        ends.set(reason, (ends.get(reason) ?? 0) + 1)
      }), { discard: true })
    const filling = yield* Effect.forkScoped(fill)
    const names = Object.keys(ways)
    while (account.size < tasks || filling.pollUnsafe() === undefined) {
      yield* ways[random.pick(names)]!(pool, account, random).pipe(bounded("120 seconds", "tasks among hogs", pool))
      if (account.size > tasks) yield* Effect.sleep(20)
    }
    yield* Fiber.join(filling)
    yield* isWhole(pool, account)
    yield* account.settle
    yield* demand(account.count("succeeded") === account.size, `tasks among hogs did not all succeed: ${account.text}`)
    yield* demand(
      ends.get("OutOfMemory") === kills,
      `hogs did not all end out of memory: ${JSON.stringify([...ends])}`
    )
    return `${kills} heaps full, among ${account.size} tasks: ${account.text}`
  })

/** Workers die as soon as there is a process, and while they build their layer. */
export const starts = ({ kills, random, tasks }: Sizes) =>
  Effect.gen(function*() {
    const account = yield* makeAccount
    // While the pool is made: it is made or not, and what is not leaves nothing behind.
    let refused = 0
    const before = new Set(childrenOf(process.pid))
    const others = () => childrenOf(process.pid).filter((pid) => !before.has(pid))
    for (let round = 0; round < Math.min(5, Math.ceil(kills / 4)); round++) {
      const exit = yield* Effect.scoped(Effect.gen(function*() {
        const making = yield* Effect.forkChild(
          Effect.exit(Mp.Pool.make({ name: "Unborn", size: 2, worker: slowWorker })),
          { startImmediately: true }
        )
        // A guard is a child too.
        const first = () => others().find((pid) => !commandOf(pid).startsWith("/bin/sh"))
        yield* eventually("a process of a pool", Effect.sync(() => first() !== undefined))
        yield* Effect.sleep(random.int(300))
        const victim = first()
        if (victim !== undefined) killIfRunning(victim)
        return yield* Fiber.join(making)
      })).pipe(within("60 seconds", "a pool whose worker dies while it is made"))
      if (Exit.isFailure(exit)) {
        refused++
        const error = Cause.squash(exit.cause)
        yield* demand(
          error instanceof Mp.WorkerLost || error instanceof Mp.SpawnError,
          `a pool whose worker was killed while it was made failed with ${String(error)}`
        )
      }
    }
    // Afterwards: its tasks do not notice.
    const pool: Pool = yield* Mp.Pool.make({ name: "Starts", size: 3, worker: slowWorker, targets: [note, pidOf] })
    let starting = 0
    let ready = 0
    /**
     * The pool gives up when three starts fail in a row. It may learn of a death after another worker has become ready, so that one may be left
     * over from before.
     */
    let mayKill = true
    const known = new Set<string>()
    const killing = Effect.gen(function*() {
      while (starting < kills) {
        yield* Effect.sleep(random.int(10))
        const { workers } = yield* pool.stats
        for (const { name, state } of workers) {
          if ((state === "idle" || state === "busy") && !known.has(name)) {
            known.add(name)
            mayKill = true
          }
        }
        if (mayKill && (yield* killWorker(pool, random, ({ state }) => state === "starting")) !== undefined) {
          starting++
          mayKill = false
          yield* Effect.sleep(random.int(150))
        } else if (workers.every(isReady) && workers.length === pool.size) {
          if ((yield* killWorker(pool, random, isReady)) !== undefined) ready++
        }
      }
    })
    const killer = yield* Effect.forkScoped(killing)
    const names = Object.keys(ways)
    while (account.size < tasks || killer.pollUnsafe() === undefined) {
      yield* ways[random.pick(names)]!(pool, account, random).pipe(
        bounded("120 seconds", "tasks while starts fail", pool)
      )
      if (account.size > tasks) yield* Effect.sleep(20)
    }
    yield* Fiber.join(killer)
    yield* isWhole(pool, account)
    const { lost } = yield* pool.stats
    yield* account.settle
    yield* demand(lost <= ready, `${lost} tasks were lost, and only ${ready} workers killed that were ready`)
    return `${starting} workers killed while they started, ${ready} later, ${refused} pools not made: ${account.text}`
  })

/** Workers that are replaced after a few tasks, and die. */
export const recycling = ({ kills, random, tasks }: Sizes) =>
  Effect.gen(function*() {
    const texts: Array<string> = []
    for (const maxTasksPerWorker of [1, 2, 3]) {
      const text = yield* Effect.scoped(Effect.gen(function*() {
        const account = yield* makeAccount
        const pool: Pool = yield* Mp.Pool.make({
          name: `Recycling-${maxTasksPerWorker}`,
          size: 3,
          maxTasksPerWorker,
          targets: [note, dawdle, pidOf]
        })
        let killed = 0
        const over = { now: false }
        const killing = Effect.gen(function*() {
          while (!over.now) {
            yield* Effect.sleep(random.int(100))
            if (killed >= kills / 3) continue
            // Also one that has just been retired.
            if ((yield* killWorker(pool, random, ({ state }) => state !== "starting")) !== undefined) killed++
          }
        })
        const killer = yield* Effect.forkScoped(killing)
        const share = Math.ceil(tasks / 3)
        yield* Effect.forEach(account.take(share, false), (payload, i) =>
          Effect.gen(function*() {
            if (i % 3 === 0) {
              const task = yield* Effect.orDie(pool.submit(dawdle, { note: payload, milliseconds: random.int(20) }))
              return account.endedBy([payload], yield* task.await)
            }
            return account.endedBy([payload], yield* Effect.exit(pool.run(note, payload)))
          }), { concurrency: 10, discard: true }).pipe(
            bounded("300 seconds", "the tasks of workers that are replaced", pool)
          )
        over.now = true
        yield* Fiber.join(killer)
        // The last one replaced may have a place already.
        const pids = yield* pool.map(pidOf, Array.from({ length: 2 * maxTasksPerWorker }), { chunkSize: 1 }).pipe(
          bounded("60 seconds", "tasks after all", pool)
        )
        yield* demand(pids.length === 2 * maxTasksPerWorker, "the pool does not work any more")
        yield* eventually(
          "all workers idle",
          Effect.map(pool.stats, ({ running, workers }) =>
            running === 0 && workers.length === pool.size &&
            workers.every(({ state, tasks }) => state === "idle" && tasks < maxTasksPerWorker)),
          "1 hour"
        ).pipe(bounded("60 seconds", "all workers, with nothing to do and not worn out", pool))
        const { lost, recycled } = yield* pool.stats
        yield* account.settle
        yield* demand(lost <= killed, `${lost} tasks were lost, and only ${killed} workers killed`)
        return `after ${maxTasksPerWorker}: ${recycled} replaced, ${killed} killed, ${lost} lost: ${account.text}`
      }))
      texts.push(text)
    }
    return texts.join("; ")
  })

/** Workers die while the pool is shut down, in every way. */
export const shutdowns = ({ kills, random, tasks }: Sizes) =>
  Effect.gen(function*() {
    const account = yield* makeAccount
    const rounds = Math.ceil(kills / 3)
    const each = Math.ceil(tasks / rounds)
    const hows = ["drain", "drain twice", "given up", "timeout", "interrupt", "kill", "scope", "failing scope"] as const
    const seen = new Set<number>()
    let killed = 0
    for (let round = 0; round < rounds; round++) {
      const how = hows[round % hows.length]!
      const isDrained = how === "drain" || how === "drain twice" || how === "given up" || how === "scope"
      const told: Array<Ending> = []
      const fibers: Array<Fiber.Fiber<void>> = []
      let lost = 0
      let killedNow = 0
      const closing = Effect.scoped(Effect.gen(function*() {
        const pool: Pool = yield* Mp.Pool.make({
          name: `Shutdown-${round}`,
          size: 3,
          gracePeriod: 500,
          targets: [dawdle]
        })
        const bound = bounded("60 seconds", `the end of a pool by ${how}`, pool)
        for (const payload of account.take(each, random.chance(0.3))) {
          const milliseconds = random.chance(0.2) ? random.int(10) : 0
          const task = yield* Effect.orDie(
            pool.submit(dawdle, { note: payload, milliseconds }, { idempotent: account.isIdempotent(payload) })
          )
          fibers.push(
            yield* Effect.forkDetach(
              Effect.map(task.await, (exit) => {
                told.push(account.endedBy([payload], exit))
              }),
              { startImmediately: true }
            )
          )
        }
        const killing = Effect.gen(function*() {
          for (let i = 0; i < 3; i++) {
            yield* moment(random)
            yield* Effect.sleep(random.int(30))
            for (const { pid } of (yield* pool.stats).workers) if (Option.isSome(pid)) seen.add(pid.value)
            if ((yield* killWorker(pool, random, ({ state }) => state !== "starting")) !== undefined) killedNow++
          }
        })
        // It goes on while the scope closes.
        const killer = yield* Effect.forkDetach(killing)
        yield* moment(random)
        switch (how) {
          case "drain":
            yield* bound(pool.shutdown())
            break
          case "drain twice":
            yield* bound(Effect.all([pool.shutdown(), pool.shutdown()], { concurrency: 2 }))
            break
          case "given up":
            yield* bound(Effect.timeoutOption(pool.shutdown(), random.int(20)))
            break
          case "timeout":
            yield* bound(pool.shutdown({ timeout: random.int(50) }))
            break
          case "interrupt":
          case "kill":
            yield* bound(pool.shutdown({ mode: how }))
            break
          case "scope":
            break
          case "failing scope":
            return yield* Effect.fail("the scope fails")
        }
        if (how !== "scope" && how !== "given up") {
          const stats = yield* pool.stats
          yield* demand(
            stats.workers.length === 0 && stats.queued === 0,
            `a pool that was shut down (${how}) has ${JSON.stringify(stats)}`
          )
          lost = stats.lost
        }
        yield* Fiber.join(killer)
      }))
      yield* Effect.catchIf(closing, (error) => error === "the scope fails", () => Effect.void).pipe(
        within("60 seconds", `the end of a scope with a pool (${how})`)
      )
      for (const fiber of fibers) {
        yield* Fiber.join(fiber).pipe(within("10 seconds", `the end of each task after ${how}`))
      }
      killed += killedNow
      const isAllowed = (ending: Ending) =>
        ending === "succeeded" || ending === "lost" || ending === "poisonous" || !isDrained && ending === "closed"
      yield* demand(told.every(isAllowed), `${how}: tasks ended with ${[...new Set(told)].join()}`)
      yield* demand(lost <= killedNow, `${how}: ${lost} tasks lost by ${killedNow} deaths`)
      yield* eventually(
        `the end of every worker after ${how}`,
        Effect.sync(() => ![...seen].some(isRunning)),
        "5 seconds"
      )
    }
    yield* account.settle
    return `${rounds} pools shut down, ${killed} workers killed meanwhile: ${account.text}`
  })

/** Every operation is interrupted at random moments, in one pool. */
export const interruptions = ({ random, tasks: times }: Sizes) =>
  Effect.gen(function*() {
    const account = yield* makeAccount
    const pool: Pool = yield* Mp.Pool.make({
      name: "Storm",
      size: 3,
      gracePeriod: "20 seconds",
      targets: [note, dawdle, count, pidOf]
    })
    const before = (yield* pool.broadcast(pidOf)).toSorted()
    const counts = new Map<string, number>()
    const operations: Record<string, () => Effect.Effect<unknown, unknown>> = {
      run: () => {
        const [payload] = account.take(1, false)
        return Effect.onExit(
          pool.run(dawdle, { note: payload!, milliseconds: random.int(4) }, { priority: random.int(2) }),
          (exit) => Effect.sync(() => account.endedBy([payload!], exit))
        )
      },
      submit: () => {
        const [payload] = account.take(1, false)
        return Effect.gen(function*() {
          const task = yield* Effect.uninterruptible(
            pool.submit(dawdle, { note: payload!, milliseconds: random.int(4) })
          )
          yield* Effect.exit(moment(random)).pipe(
            Effect.onExit(() => task.cancel),
            Effect.onExit(() => Effect.map(task.await, (exit) => account.endedBy([payload!], exit)))
          )
        })
      },
      // Whoever cancels is interrupted too.
      cancel: () => {
        const [payload] = account.take(1, false)
        return Effect.gen(function*() {
          const task = yield* Effect.uninterruptible(
            pool.submit(dawdle, { note: payload!, milliseconds: random.int(4) })
          )
          yield* Effect.onExit(task.cancel, () => Effect.map(task.await, (exit) => account.endedBy([payload!], exit)))
        })
      },
      map: () => {
        const payloads = account.take(1 + random.int(100), false)
        const chunkSize = random.chance(0.5) ? 1 : 1 + random.int(20)
        return Effect.onExit(
          pool.map(note, payloads, { chunkSize }),
          (exit) => Effect.sync(() => account.endedBy(payloads, exit))
        )
      },
      imap: () => {
        const payloads = account.take(1 + random.int(50), false)
        const chunkSize = 1 + random.int(3)
        return Effect.onExit(
          Stream.runCollect(pool.imap(note, payloads, { chunkSize })),
          (exit) => Effect.sync(() => account.endedBy(payloads, exit))
        )
      },
      "imap, not all": () => {
        const payloads = account.take(10 + random.int(50), false)
        return Effect.onExit(
          Stream.runCollect(Stream.take(pool.imapUnordered(note, payloads), random.int(10))),
          () => Effect.sync(() => payloads.forEach((payload) => account.ended(payload, "unknown")))
        )
      },
      runStream: () => Stream.runDrain(pool.runStream(count, 1 + random.int(40))),
      "runStream, not all": () =>
        Stream.runDrain(Stream.take(pool.runStream(count, 1 + random.int(40)), 1 + random.int(20))),
      broadcast: () => pool.broadcast(pidOf)
    }
    const names = Object.keys(operations)
    const one = Effect.gen(function*() {
      const name = random.pick(names)
      const operation = operations[name]!()
      const fiber = yield* Effect.forkChild(
        random.chance(0.3) ? Effect.timeoutOption(operation, random.int(20)) : operation,
        { startImmediately: random.chance(0.8) }
      )
      yield* moment(random)
      if (random.chance(0.3)) yield* Effect.sleep(random.int(20))
      yield* Fiber.interrupt(fiber).pipe(bounded("60 seconds", `the end of ${name} after its interruption`, pool))
      const exit = yield* Fiber.await(fiber)
      const ending = endingOf(exit)
      if (ending !== "succeeded" && ending !== "interrupted") {
        account.problem(`${name} ended with ${Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "success"}`)
      }
      counts.set(String(ending), (counts.get(String(ending)) ?? 0) + 1)
    })
    yield* Effect.forEach(Array.from({ length: times }), () => Effect.andThen(moment(random), one), {
      concurrency: 40,
      discard: true
    })
    account.forget()
    yield* isWhole(pool, account)
    const { lost } = yield* pool.stats
    yield* account.settle
    // Every task listens, so none costs a worker.
    yield* demand(lost === 0, `${lost} tasks were lost`)
    const after = (yield* pool.broadcast(pidOf)).toSorted()
    yield* demand(before.join() === after.join(), `a worker was killed: ${before.join()} became ${after.join()}`)
    return `${times} operations: ${
      Array.from(counts, ([ending, n]) => `${n} ${ending}`).join(", ")
    }; tasks: ${account.text}`
  })

/** Whoever owns a pool is killed: its workers end, also those that hear nothing. */
export const owners = ({ kills, random }: Sizes) =>
  Effect.gen(function*() {
    let slowest = 0
    for (let round = 0; round < kills; round++) {
      yield* Effect.scoped(Effect.gen(function*() {
        const pids = yield* Mp.Queue.make({ item: Schema.Int })
        const owner = yield* Mp.Process.spawn(poolOwner, { pids })
        const workers: Array<number> = []
        for (let i = 0; i < 4; i++) {
          workers.push(yield* pids.get().pipe(within("60 seconds", "the workers of a pool in a child")))
        }
        yield* Effect.sleep(random.int(100))
        const begin = performance.now()
        yield* owner.kill
        yield* Effect.exit(owner.join())
        yield* eventually("the end of the workers", Effect.sync(() => !workers.some(isRunning)))
        slowest = Math.max(slowest, performance.now() - begin)
      }))
    }
    // Two seconds are promised; a machine that is busy with other tests gets some more.
    const promised = process.env["VITEST"] === undefined ? 2000 : 4000
    yield* demand(slowest < promised, `a worker outlived the owner of its pool by ${Math.round(slowest)} ms`)
    return `${kills} owners killed; the last of their workers was gone after ${Math.round(slowest)} ms`
  })

// ---------------------------------------------------------------------------------------------- all of them

const env = (name: string, byDefault: number) => Number(process.env[name] ?? byDefault)

/** All of them, or those with `POOLS` in their names; prints what was counted. */
export const pools = (random: Random) =>
  Effect.gen(function*() {
    const kills = env("KILLS", 500)
    const tasks = env("TASKS", 200_000)
    const part = (n: number) => Math.max(1, Math.ceil(n * kills / 500))
    const share = (n: number) => Math.max(1, Math.ceil(n * tasks / 200_000))
    const faults: Record<string, [Fault, kills: number, tasks: number]> = {
      deaths: [deaths, kills, tasks],
      runaways: [runaways, part(60), share(20_000)],
      hogs: [hogs, part(10), share(5_000)],
      starts: [starts, part(50), share(5_000)],
      recycling: [recycling, part(60), share(600)],
      shutdowns: [shutdowns, part(96), share(9_600)],
      interruptions: [interruptions, 0, env("STORMS", 2_000)],
      owners: [owners, part(10), 0]
    }
    for (const [name, [fault, kills, tasks]] of Object.entries(faults)) {
      if (!name.includes(process.env["POOLS"] ?? "")) continue
      const begin = performance.now()
      const text = yield* Effect.scoped(fault({ kills, tasks, random: random.fork() }))
      console.log(`pools: ${name}: ${text}; ${Math.round((performance.now() - begin) / 100) / 10} s`)
    }
  })
