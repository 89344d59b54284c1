/** Children that wait for an item that does not come. */
import { Effect, Option, Schema } from "effect"
import * as Mp from "effect-multiprocessing"
import * as Procfs from "../procfs.ts"
import type { Measurement } from "../work.ts"

const Payload = Schema.Struct({ ready: Mp.Queue.handle(Schema.Int), never: Mp.Queue.handle(Schema.Int) })

export const waiter = Mp.Target.make(
  "waiter",
  { module: import.meta.url, payload: Payload },
  Effect.fnUntraced(function*({ never, ready }) {
    yield* ready.put(1)
    yield* never.get()
  }, Effect.orDie)
)

/** Starts children that wait, and gives their numbers. */
const waiters = Effect.fnUntraced(function*(count: number) {
  const ready = yield* Mp.Queue.make({ item: Schema.Int })
  const never = yield* Mp.Queue.make({ item: Schema.Int })
  const pids: Array<number> = []
  for (let i = 0; i < count; i++) {
    const process = yield* Mp.Process.spawn(waiter, { ready, never }, { daemon: true })
    pids.push(Option.getOrThrow(yield* process.pid))
    yield* ready.get()
  }
  // They come to rest.
  yield* Effect.sleep("2 seconds")
  return pids
})

const cpu = Effect.fnUntraced(function*(seconds: number) {
  if (!Procfs.available) return { skip: "only Linux tells" }
  const pids = yield* waiters(10)
  const total = () => pids.reduce((sum, pid) => sum + Procfs.cpuOf(pid), 0)
  const before = total()
  yield* Effect.sleep(seconds * 1000)
  const measurement: Measurement = { seconds, count: 1, value: (total() - before) / seconds * 100 }
  return measurement
})

const memory = (figure: "resident" | "share") =>
  Effect.fnUntraced(function*() {
    if (!Procfs.available) return { skip: "only Linux tells" }
    const [pid] = yield* waiters(1)
    const measurement: Measurement = { seconds: 0, count: 1, value: Procfs.memory(pid!)[figure] }
    return measurement
  })

export const idle = {
  "idle-cpu": cpu,
  "idle-memory": memory("resident"),
  "idle-memory-share": memory("share")
}
