/** Two writers and one reader on a one-way pipe. The reader ends when nobody holds the writing end any more. */
import { Console, Effect, Layer, Schema } from "effect"
import * as Mp from "effect-multiprocessing"

/** `left` only receives, `right` only sends. */
class Messages extends Mp.Pipe.Service<Messages>()("examples/Messages", { message: Schema.String, duplex: false }) {}

export const pipeIn = Mp.Target.make(
  "pipeIn",
  { module: import.meta.url, payload: Schema.String, inherits: [Messages.right] },
  Effect.fnUntraced(function*(log) {
    const pipe = yield* Messages.right
    for (let i = 0; i < 3; i++) yield* pipe.send(`data:${i},log:${log}`)
    yield* pipe.close
  }, Effect.orDie)
)

export const pipeOut = Mp.Target.make(
  "pipeOut",
  { module: import.meta.url, inherits: [Messages.left] },
  Effect.fnUntraced(function*() {
    const pipe = yield* Messages.left
    yield* pipe.recv().pipe(
      Effect.flatMap((message) => Console.log(`msg ${message}`)),
      Effect.forever,
      Effect.catchTag("EndOfFile", () => Console.log("end"))
    )
  }, Effect.orDie)
)

const program = Effect.gen(function*() {
  const pipe = yield* Messages.right
  yield* Effect.forEach(["a", "b"], (log) => Mp.Process.spawn(pipeIn, log), { concurrency: "unbounded", discard: true })
  // This process is a writer too, and would keep the reader waiting.
  yield* pipe.close
  yield* Mp.Process.spawn(pipeOut)
  // The scope joins all three.
})

Mp.runMain(program.pipe(Effect.scoped, Effect.provide(Messages.layer.pipe(Layer.provideMerge(Mp.layer)))))
