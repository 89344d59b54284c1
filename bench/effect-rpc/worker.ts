/** The child process of the arms of Effect's RPC. */
import { NodeRuntime, NodeWorkerRunner } from "@effect/platform-node"
import { type Cause, Effect, Layer, Queue } from "effect"
import { RpcServer } from "effect/rpc"
import { who } from "../node-pools/tasks.ts"
import { draw } from "../picture.ts"
import { bytes, cpuTime, record, sameBytes, small } from "../work.ts"
import { Work } from "./group.ts"

/** A queue that a fiber fills, item by item. */
const filled = Effect.fnUntraced(function*<A>(count: number, maxsize: number, make: (i: number) => A) {
  const queue = yield* maxsize > 0 ? Queue.bounded<A, Cause.Done>(maxsize) : Queue.unbounded<A, Cause.Done>()
  yield* Effect.forkScoped(Effect.gen(function*() {
    for (let i = 0; i < count; i++) yield* Queue.offer(queue, make(i))
    yield* Queue.end(queue)
  }))
  return queue
})

let total = 0

const mebibyte = bytes(2 ** 20)

const handlers = Work.toLayer({
  echo: ({ n }) => Effect.succeed(n),
  numbers: ({ count, maxsize }) => filled(count, maxsize, small),
  records: ({ count }) => filled(count, 0, record),
  blocks: ({ count, size }) => {
    const message = bytes(size)
    return filled(count, 1, () => message)
  },
  square: ({ n }) => Effect.succeed(n * n),
  band: ({ index, of }) => Effect.sync(() => draw([index, of])),
  echoBytes: ({ block }) =>
    sameBytes(block, mebibyte) === 1 ? Effect.succeed(block) : Effect.die("The bytes are not those that were sent"),
  who: () => Effect.sync(() => who().pid),
  put: ({ n }) =>
    Effect.sync(() => {
      total += n
    }),
  report: () =>
    Effect.sync(() => {
      const sum = total
      total = 0
      return { sum, cpu: cpuTime() }
    })
})

const server = RpcServer.layer(Work).pipe(
  Layer.provide(handlers),
  Layer.provide(RpcServer.layerProtocolWorkerRunner),
  Layer.provide(NodeWorkerRunner.layer)
)
NodeRuntime.runMain(Layer.launch(server))
