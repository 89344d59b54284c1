/** What the workers of the pools under test run. They start again and again, so this imports no more than it needs. */
import * as Mp from "effect-multiprocessing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { openSync, writeSync } from "node:fs"
import { join } from "node:path"

const Note = Schema.Struct({ n: Schema.Int, journal: Schema.String })
export type Note = typeof Note.Type

const descriptors = new Map<string, number>()
const line = Buffer.alloc(4)

/** In one step, and behind what is there. */
const write = (journal: string, entry: number): void => {
  let descriptor = descriptors.get(journal)
  if (descriptor === undefined) descriptors.set(journal, descriptor = openSync(join(journal, `${process.pid}`), "a"))
  line.writeUInt32LE(entry)
  writeSync(descriptor, line)
}

const begin = ({ journal, n }: Note) => write(journal, n * 2)
const end = ({ journal, n }: Note): number => {
  write(journal, n * 2 + 1)
  return n * 2
}

const spinFor = (milliseconds: number): void => {
  const until = performance.now() + milliseconds
  while (performance.now() < until);
}

/** Mostly nothing to wait for; some take a moment, with the processor or without. */
const work = (n: number): Effect.Effect<void> => {
  const kind = Math.imul(n, 0x9e37_79b1) >>> 24
  if (kind < 4) return Effect.sleep(1)
  if (kind < 8) return Effect.yieldNow
  return kind < 16 ? Effect.sync(() => spinFor(0.5)) : Effect.void
}

/** Gives twice its number. */
export const note = Mp.Target.make(
  "note",
  { module: import.meta.url, payload: Note, success: Schema.Int },
  (payload) =>
    Effect.suspend(() => {
      begin(payload)
      return Effect.map(work(payload.n), () => end(payload))
    })
)

/** Takes its time, and can be interrupted. */
export const dawdle = Mp.Target.make(
  "dawdle",
  { module: import.meta.url, payload: Schema.Struct({ note: Note, milliseconds: Schema.Int }), success: Schema.Int },
  ({ milliseconds, note }) =>
    Effect.suspend(() => {
      begin(note)
      return Effect.map(Effect.sleep(milliseconds), () => end(note))
    })
)

/** Hears nothing for so long. */
export const spin = Mp.Target.make(
  "spin",
  { module: import.meta.url, payload: Schema.Struct({ milliseconds: Schema.Number }) },
  ({ milliseconds }) => Effect.sync(() => spinFor(milliseconds))
)

/** Takes memory without end. */
export const hog = Mp.Target.make("hog", { module: import.meta.url }, () =>
  Effect.sync(() => {
    const hoard: Array<Array<number>> = []
    for (;;) hoard.push(Array.from({ length: 1000 }, (_, i) => i + 0.5))
  }))

export const pidOf = Mp.Target.make(
  "pidOf",
  { module: import.meta.url, success: Schema.Int },
  () => Effect.sync(() => process.pid)
)

/** So many values, with breaks. */
export const count = Mp.StreamTarget.make(
  "count",
  { module: import.meta.url, payload: Schema.Int, success: Schema.Int },
  (length) =>
    Stream.mapEffect(
      Stream.range(0, length - 1),
      (i) => i % 8 === 7 ? Effect.as(Effect.sleep(1), i) : Effect.succeed(i)
    )
)

class Ground extends Context.Service<Ground, number>()("fault/Ground") {}

/** Needs a while before it is ready, and to end. */
export const slowWorker = Mp.Pool.worker(
  "slowWorker",
  { module: import.meta.url },
  Layer.effect(Ground)(Effect.acquireRelease(Effect.as(Effect.sleep(60), 1), () => Effect.sleep(10)))
)

/** Owns a pool whose workers are in a synchronous loop, or idle; tells their pids, and waits to be killed. */
export const poolOwner = Mp.Target.make(
  "poolOwner",
  { module: import.meta.url, payload: Schema.Struct({ pids: Mp.Queue.handle(Schema.Int) }) },
  Effect.fnUntraced(function*({ pids }) {
    const pool = yield* Mp.Pool.make({ name: "Owned", size: 4, targets: [spin] })
    for (let i = 0; i < 2; i++) yield* pool.submit(spin, { milliseconds: Infinity })
    for (const { pid } of (yield* pool.stats).workers) yield* pids.put(Option.getOrThrow(pid))
    return yield* Effect.never
  }, Effect.orDie)
)
