/**
 * `npm run test:soak`: full load on everything for `MINUTES` (10), with a look at every process each `SECONDS` (10). Exit code 1 if memory,
 * descriptors, temporary files or processes grow.
 *
 * Memory grows if the heap after a collection rises by more than half a MiB a minute in the second half, and by more than 1 MiB in all of it;
 * or if the median of the resident memory in the last fifth is above that of the second fifth by 15 % and 10 MiB. Therefore the young
 * generation is kept small (`--max-semi-space-size`): V8 lets it grow to 100 MiB, in a process that does little only after many minutes.
 */
import { Effect, Layer, Schema, Stream } from "effect"
import * as Mp from "effect-multiprocessing"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Bounded, brief, Calls, Echo, heapUsed, Jobs, loaded, OneWay, type Role, Samples, sizes } from "./load.ts"

const minutes = Number(process.env["MINUTES"] ?? 10)
const seconds = Number(process.env["SECONDS"] ?? 10)

class Grown extends Schema.TaggedError<Grown>()("Grown", { message: Schema.String }) {}

// Everything that the library makes in the temporary directory is made here, also by children.
const temporary = mkdtempSync(join(tmpdir(), "soak-"))
process.env["TMPDIR"] = temporary
process.on("exit", () => rmSync(temporary, { recursive: true, force: true }))

const MiB = 1024 * 1024

// ---------------------------------------------------------------------------------------------- samples

/** One number over time; times in minutes since the beginning. */
class Series {
  readonly points: Array<readonly [time: number, value: number]> = []

  add(time: number, value: number): void {
    this.points.push([time, value])
  }
  private part(from: number, to: number) {
    return this.points.filter(([time]) => time >= from * minutes && time <= to * minutes).map(([, value]) => value)
  }
  median(from: number, to: number): number {
    const values = this.part(from, to).sort((a, b) => a - b)
    return values[Math.floor(values.length / 2)] ?? Number.NaN
  }
  get last(): number {
    return this.points.at(-1)?.[1] ?? Number.NaN
  }
  get max(): number {
    return Math.max(...this.points.map(([, value]) => value))
  }
  /** After a minute, or a fifth of the time if that is less. */
  get warm(): number {
    const warmUp = Math.min(1, minutes / 5)
    return this.points.find(([time]) => time >= warmUp)?.[1] ?? Number.NaN
  }
  /** A minute, by linear regression over the second half. */
  get slope(): number {
    const points = this.points.filter(([time]) => time >= minutes / 2)
    const n = points.length
    if (n < 3) return 0
    const mean = (i: 0 | 1) => points.reduce((sum, point) => sum + point[i], 0) / n
    const [t, v] = [mean(0), mean(1)]
    const above = points.reduce((sum, [time, value]) => sum + (time - t) * (value - v), 0)
    return above / points.reduce((sum, [time]) => sum + (time - t) ** 2, 0)
  }
}

interface Watched {
  readonly name: string
  readonly rss: Series
  readonly heap: Series
  readonly descriptors: Series
  operations: number
}

/** `undefined` for a process that has just ended. */
const rssOf = (pid: number): number | undefined => {
  try {
    const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))
    return match === null ? undefined : Number(match[1]) * 1024
  } catch {
    return undefined
  }
}

const descriptorsOf = (pid: number): number | undefined => {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return undefined
  }
}

/** This process and all below it. */
const tree = (): Array<number> => {
  const parents = new Map<number, number>()
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
      parents.set(Number(pid), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]))
    } catch {
      // It has ended.
    }
  }
  const found = [process.pid]
  for (const parent of found) for (const [pid, its] of parents) if (its === parent) found.push(pid)
  return found
}

// ---------------------------------------------------------------------------------------------- load

/** The time begins when every process has started. */
const clock = { begin: 0 }
const time = () => (performance.now() - clock.begin) / 60_000
const watched = new Map<number, Watched>()
const watch = (pid: number, name: string) => {
  const it: Watched = { name, rss: new Series(), heap: new Series(), descriptors: new Series(), operations: 0 }
  watched.set(pid, it)
  return it
}
const tmpFiles = new Series()
const processes = new Series()
const done: Record<string, number> = {}
const counted = <A, E, R>(what: string, effect: Effect.Effect<A, E, R>) =>
  Effect.map(effect, () => {
    done[what] = (done[what] ?? 0) + 1
  })

const roles: ReadonlyArray<Role> = [
  "producer",
  "producer",
  "consumer",
  "consumer",
  "worker",
  "echo",
  "sender",
  "answerer"
]

const start = Effect.forEach(roles, (role, i) =>
  Effect.gen(function*() {
    const process = yield* Mp.Process.spawn(loaded, { role, seconds }, {
      daemon: true,
      name: `${role} ${i + 1}`,
      gracePeriod: 500
    })
    const pid = yield* process.pid
    if (pid._tag === "Some") watch(pid.value, process.name)
    return process
  }))

/** What this process does itself. */
const work = Effect.gen(function*() {
  const jobs = yield* Jobs
  const echo = yield* Echo.left
  const oneWay = yield* OneWay.left
  const calls = yield* Calls
  let n = 0
  const batch = Effect.gen(function*() {
    for (let i = 0; i < 100; i++) yield* jobs.put(i)
    yield* jobs.join({ timeout: "1 minute" })
  })
  const trip = Effect.gen(function*() {
    const message = new Uint8Array(sizes[n++ % sizes.length]!)
    yield* echo.send(message)
    const answer = yield* echo.recv({ timeout: "1 minute" })
    if (answer.length !== message.length) return yield* Effect.die("another message came back")
  })
  const call = Effect.scoped(Effect.gen(function*() {
    const [mine, theirs] = yield* Mp.Pipe.make({ message: Schema.Int })
    yield* calls.put({ n, answer: theirs })
    yield* theirs.close
    yield* mine.recv({ timeout: "1 minute" })
    // The one that answered has closed its end, and there is no other.
    yield* Effect.flip(mine.recv({ timeout: "1 minute" }))
  })).pipe(Effect.catch((unexpected) => Effect.die(unexpected)))
  const life = Effect.suspend(() => Mp.Process.run(brief, n))
  yield* Effect.all([
    Effect.forever(counted("hundreds of jobs, joined", batch)),
    Effect.forever(counted("round trips", trip)),
    Effect.forever(counted("ends in messages", call)),
    Effect.forever(counted("processes", life)),
    Effect.forever(counted("one way messages", oneWay.recv()))
  ], { concurrency: "unbounded", discard: true })
})

const look = Effect.gen(function*() {
  const now = time()
  watched.get(process.pid)!.heap.add(now, heapUsed())
  for (const [pid, { descriptors, rss }] of watched) {
    const [bytes, open] = [rssOf(pid), descriptorsOf(pid)]
    if (bytes === undefined || open === undefined) return yield* Effect.die(`${watched.get(pid)!.name} has ended`)
    rss.add(now, bytes)
    descriptors.add(now, open)
  }
  tmpFiles.add(now, readdirSync(temporary, { recursive: true }).length)
  processes.add(now, tree().length)
})

const listen = Effect.gen(function*() {
  const samples = yield* Samples
  yield* Stream.runForEach(samples.stream, ({ heap, operations, pid }) =>
    Effect.sync(() => {
      const it = watched.get(pid)
      if (it === undefined) return
      it.heap.add(time(), heap)
      it.operations = operations
    }))
})

// ---------------------------------------------------------------------------------------------- judgement

const inMiB = (bytes: number) => (bytes / MiB).toFixed(1)

const judge = (): Array<string> => {
  const grown: Array<string> = []
  const more = (what: string, series: Series, factor: number, constant: number) => {
    const [before, after] = [series.median(0.2, 0.4), series.median(0.8, 1)]
    if (!(after <= before * factor + constant)) grown.push(`${what}: ${before} before, ${after} at the end`)
  }
  for (const { descriptors, heap, name, rss } of watched.values()) {
    more(`resident memory of ${name}`, rss, 1.15, 10 * MiB)
    more(`descriptors of ${name}`, descriptors, 1, 5)
    // Without collections the heap says nothing.
    if (globalThis.gc === undefined) continue
    const growth = heap.median(0.8, 1) - heap.median(0.5, 0.7)
    if (heap.slope > 0.5 * MiB && growth > MiB) {
      grown.push(`heap of ${name}: ${inMiB(heap.slope)} MiB a minute`)
    }
    if (heap.points.length < 3) grown.push(`${name} has told nothing of its heap`)
  }
  more("temporary files", tmpFiles, 1, 3)
  more("processes", processes, 1, 3)
  return grown
}

const report = () => {
  console.table(
    Object.fromEntries(Array.from(watched, ([pid, { descriptors, heap, name, operations, rss }]) => [name, {
      pid,
      operations,
      "RSS warm": inMiB(rss.warm),
      "RSS end": inMiB(rss.last),
      "RSS max": inMiB(rss.max),
      "RSS MiB/min": inMiB(rss.slope),
      "heap warm": inMiB(heap.warm),
      "heap end": inMiB(heap.last),
      "heap MiB/min": inMiB(heap.slope),
      "descriptors": `${descriptors.warm} to ${descriptors.last}`
    }]))
  )
  console.log(Object.entries(done).map(([what, n]) => `${n} ${what}`).join(", "))
  console.log(
    `processes: ${processes.warm} to ${processes.last}; temporary files: ${tmpFiles.warm} to ${tmpFiles.last}` +
      (globalThis.gc === undefined ? "; heaps are not judged without --expose-gc" : "")
  )
}

const program = Effect.gen(function*() {
  yield* Effect.scoped(Effect.gen(function*() {
    watch(process.pid, "main")
    const children = yield* start
    clock.begin = performance.now()
    yield* Effect.forkScoped(listen)
    const looking = Effect.forever(Effect.andThen(look, Effect.sleep(seconds * 1000)))
    yield* Effect.raceAllFirst([
      Effect.sleep(minutes * 60_000),
      work,
      looking,
      // None of them ends by itself.
      ...children.map((child) => Effect.andThen(child.join(), Effect.die(`${child.name} has ended`)))
    ])
    yield* look
  }))
  report()
  const grown = judge()
  if (grown.length > 0) return yield* new Grown({ message: grown.join("; ") })
})

Mp.runMain(program.pipe(
  Effect.provide(
    Layer.mergeAll(Bounded.layer, Jobs.layer, Echo.layer, OneWay.layer, Calls.layer, Samples.layer).pipe(
      Layer.provideMerge(Mp.layer)
    )
  ),
  Effect.andThen(Effect.suspend(() => {
    // The cache of compiled code is there to stay.
    const left = readdirSync(temporary).filter((name) => !name.startsWith("effect-multiprocessing-"))
    return left.length === 0 ? Effect.void : new Grown({ message: `left behind: ${left.join(", ")}` })
  }))
))
