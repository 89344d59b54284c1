/**
 * Runs the examples one after the other, each as a program of its own: all, or those that are named.
 *
 *     node examples/main.ts [name of an example ...]
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, Path, Runtime, Schema, Stdio } from "effect"
import { ChildProcess } from "effect/process"

const examples = [
  "named-processes",
  "subclass",
  "pipe",
  "pipe-writers",
  "producer-consumer",
  "word-frequency",
  "mandelbrot",
  "log-report",
  "resilient-crawl"
]

/** There is nothing to add to the message, so no stack is printed. */
class Failed extends Schema.TaggedError<Failed>()("Failed", { message: Schema.String, exitCode: Schema.Int }) {
  override readonly [Runtime.errorReported] = false
  override get [Runtime.errorExitCode]() {
    return this.exitCode
  }
}

const run = Effect.fnUntraced(function*(example: string) {
  const path = yield* Path.Path
  const file = yield* path.fromFileUrl(new URL(`${example}/main.ts`, import.meta.url))
  yield* Console.log(`\n=== ${example}`)
  const { exitCode } = yield* ChildProcess.make(process.execPath, [...process.execArgv, file], {
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
    // It stays in the group of the terminal, so that Ctrl-C reaches it, too.
    detached: false,
    forceKillAfter: "10 seconds"
  })
  const code = yield* exitCode
  // What went wrong, the example has said; this program ends as it did.
  if (code !== 0) {
    return yield* Effect.fail(new Failed({ message: `${example} ended with exit code ${code}`, exitCode: code }))
  }
}, Effect.scoped)

const program = Effect.gen(function*() {
  const named = yield* (yield* Stdio.Stdio).args
  const unknown = named.find((name) => !examples.includes(name))
  if (unknown !== undefined) {
    const message = `There is no example "${unknown}". There are: ${examples.join(", ")}`
    return yield* Effect.fail(new Failed({ message, exitCode: 1 }))
  }
  yield* Effect.forEach(named.length === 0 ? examples : named, run, { discard: true })
}).pipe(
  Effect.tapErrorTag("Failed", ({ message }) => Console.error(message)),
  Effect.provide(NodeServices.layer)
)

NodeRuntime.runMain(program)
