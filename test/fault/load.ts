/** What the processes of the soak test run: everything, without end, as fast as they can. */
import { Effect, Schema } from "effect"
import * as Mp from "effect-multiprocessing"

export class Bounded extends Mp.Queue.Service<Bounded>()("soak/Bounded", { item: Schema.Int, maxsize: 100 }) {}

export class Jobs extends Mp.JoinableQueue.Service<Jobs>()("soak/Jobs", { item: Schema.Int }) {}

export class Echo extends Mp.Pipe.Service<Echo>()("soak/Echo", { message: Schema.Uint8Array }) {}

export class OneWay extends Mp.Pipe.Service<OneWay>()("soak/OneWay", { message: Schema.Uint8Array, duplex: false }) {}

/** Each with an end on which to answer. */
export class Calls extends Mp.Queue.Service<Calls>()("soak/Calls", {
  item: Schema.Struct({ n: Schema.Int, answer: Mp.Connection.handle({ send: Schema.Int, receive: Schema.Int }) }),
  maxsize: 10
}) {}

const Sample = Schema.Struct({
  pid: Schema.Int,
  /** After a collection of garbage, if the program may ask for one (`--expose-gc`). */
  heap: Schema.Int,
  /** Since it began. */
  operations: Schema.Int
})

export class Samples extends Mp.Queue.Service<Samples>()("soak/Samples", { item: Sample }) {}

/** From 1 byte to 64 KiB. */
export const sizes = [1, 64 * 1024, 100, 1024]

/** Tells now and then of its memory. */
const sampling = (seconds: number, operations: () => number) =>
  Effect.gen(function*() {
    const samples = yield* Samples
    return yield* Effect.forever(Effect.gen(function*() {
      yield* Effect.sleep(seconds * 1000)
      yield* samples.put({ pid: process.pid, heap: heapUsed(), operations: operations() })
    }))
  })

export const heapUsed = (): number => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const roles = {
  producer: Effect.gen(function*() {
    const queue = yield* Bounded
    let n = 0
    return Effect.suspend(() => queue.put(n++))
  }),
  consumer: Effect.gen(function*() {
    const queue = yield* Bounded
    return Effect.suspend(() => queue.get({ timeout: 1000 }))
  }),
  worker: Effect.gen(function*() {
    const jobs = yield* Jobs
    return Effect.andThen(jobs.get(), jobs.taskDone)
  }),
  echo: Effect.gen(function*() {
    const end = yield* Echo.right
    return Effect.flatMap(end.recv(), (message) => end.send(message))
  }),
  sender: Effect.gen(function*() {
    const end = yield* OneWay.right
    let n = 0
    return Effect.suspend(() => end.send(new Uint8Array(sizes[n++ % sizes.length]!)))
  }),
  answerer: Effect.gen(function*() {
    const calls = yield* Calls
    return Effect.gen(function*() {
      const { answer, n } = yield* calls.get()
      // Whoever asked may be interrupted at the end of the test.
      yield* Effect.catchTag(answer.send(n), "BrokenPipe", () => Effect.void)
      yield* answer.close
    })
  })
} satisfies Record<string, Effect.Effect<Effect.Effect<unknown, unknown>, unknown, unknown>>

export type Role = keyof typeof roles

export const everyRole = Object.keys(roles) as ReadonlyArray<Role>

export const loaded = Mp.Target.make(
  "loaded",
  {
    module: import.meta.url,
    payload: Schema.Struct({ role: Schema.Literals(everyRole), seconds: Schema.Number }),
    inherits: [Bounded, Jobs, Echo.right, OneWay.right, Calls, Samples]
  },
  Effect.fnUntraced(function*({ role, seconds }) {
    let operations = 0
    const step: Effect.Effect<unknown, unknown> = yield* roles[role]
    yield* Effect.forkScoped(sampling(seconds, () => operations))
    return yield* Effect.forever(Effect.map(step, () => {
      operations++
    }))
  }, Effect.orDie)
)

/** Uses a queue, and ends. */
export const brief = Mp.Target.make(
  "brief",
  { module: import.meta.url, payload: Schema.Int, success: Schema.Int, inherits: [Jobs] },
  Effect.fnUntraced(function*(n) {
    yield* Jobs.use((jobs) => jobs.put(n))
    return n
  }, Effect.orDie)
)
