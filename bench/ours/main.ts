/** `node bench/ours/main.ts CASE COUNT ring|socket`: this library. */
import { Effect, Layer } from "effect"
import * as Mp from "effect-multiprocessing"
import { type Measurement, print } from "../work.ts"
import { idle } from "./idle.ts"
import { pipes } from "./pipes.ts"
import { pools } from "./pools.ts"
import { queues } from "./queues.ts"
import { startCases } from "./starts.ts"

type Program = (count: number) => Effect.Effect<
  Measurement | { readonly skip: string },
  unknown,
  Effect.Services<ReturnType<(typeof queues)["queue-1-1"]>>
>
const programs: Readonly<Record<string, Program>> = { ...queues, ...pipes, ...pools, ...startCases, ...idle }

const [name = "", count = "", transport] = process.argv.slice(2)
const program = programs[name]
if (program === undefined) throw new Error(`No case ${name}`)

// Children follow the hub of their parent.
const layer = Mp.Spawner.layer.pipe(
  Layer.provideMerge(Mp.Hub.layer),
  Layer.provide(Layer.succeed(Mp.Hub.TransportOptions, { transport: transport === "socket" ? "socket" : "ring" }))
)
Mp.runMain(program(Number(count)).pipe(Effect.map(print), Effect.scoped, Effect.provide(layer)))
