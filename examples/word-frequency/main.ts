/**
 * The most frequent words of all the files below a directory, counted by as many processes as there are processors.
 *
 *     node examples/word-frequency/main.ts [path of a directory or a file]
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Array, Console, Duration, Effect, FileSystem, Layer, Order, Path, Runtime, Schema, Stdio } from "effect"
import * as Mp from "effect-multiprocessing"
import { countAlone, countTogether } from "./count.ts"
import { reasonOf, type Request } from "./files.ts"
import type { Tally } from "./tally.ts"

const usage = "node examples/word-frequency/main.ts [path of a directory or a file]"

const textExtensions = [
  ".txt .md .rst .html .xml .csv .json .yaml .yml .toml .css",
  ".ts .mts .cts .tsx .js .mjs .cjs .jsx .py .c .h .cpp .java .go .rs .rb .sh"
].join(" ").split(" ")

/** The arguments can't be used. The message is all that the user needs. */
class UsageError extends Schema.TaggedError<UsageError>()("UsageError", { message: Schema.String }) {
  override readonly [Runtime.errorReported] = false
}

class CountsDiffer extends Schema.TaggedError<CountsDiffer>()("CountsDiffer", {
  what: Schema.String,
  together: Schema.Int,
  alone: Schema.Int
}) {
  override get message() {
    return `Several processes counted ${this.together} ${this.what}, one process ${this.alone}. ` +
      `If files changed meanwhile, count again.`
  }
}

const requested: Effect.Effect<Request, UsageError, FileSystem.FileSystem | Path.Path | Stdio.Stdio> = Effect.gen(
  function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const [given, ...more] = yield* (yield* Stdio.Stdio).args
    if (more.length > 0) return yield* Effect.fail(new UsageError({ message: `Give one path: ${usage}` }))
    if (given === undefined) {
      const root = yield* Effect.orDie(path.fromFileUrl(new URL("../../node_modules", import.meta.url)))
      return { root, extensions: [".d.ts", ".md"] }
    }
    const fail = (reason: string) =>
      Effect.fail(new UsageError({ message: `Can't count in "${given}": ${reason}. Give another path: ${usage}` }))
    const { type } = yield* Effect.catch(fs.stat(given), (error) => fail(reasonOf(error)))
    switch (type) {
      case "Directory":
        return { root: given, extensions: textExtensions }
      case "File":
        return { root: given, extensions: [] }
      default:
        return yield* fail("it is neither a directory nor a file")
    }
  }
)

const compare = Effect.fnUntraced(function*(together: Tally, alone: Tally) {
  const same = (what: string, together: number, alone: number) =>
    together === alone ? Effect.void : Effect.fail(new CountsDiffer({ what, together, alone }))
  yield* same("files", together.files, alone.files)
  yield* same("bytes", together.bytes, alone.bytes)
  yield* same("different words", together.words.size, alone.words.size)
  for (const [word, count] of alone.words) yield* same(`times "${word}"`, together.words.get(word) ?? 0, count)
})

const grouped = (n: number) => n.toLocaleString("en")

// Where counts are equal the alphabet decides, so that every run prints the same.
const byFrequency = Order.combine(
  Order.mapInput(Order.flip(Order.Number), ([, count]: readonly [string, number]) => count),
  Order.mapInput(Order.String, ([word]: readonly [string, number]) => word)
)

const print = Effect.fnUntraced(function*({ bytes, files, words }: Tally) {
  for (const [word, count] of Array.sort(words, byFrequency).slice(0, 20)) {
    yield* Console.log(`${grouped(count).padStart(12)}  ${word}`)
  }
  yield* Console.log(`${grouped(files).padStart(12)}  files`)
  yield* Console.log(`${grouped(bytes).padStart(12)}  bytes`)
})

const seconds = (duration: Duration.Duration) => `${Duration.toSeconds(duration).toFixed(2)} s`

const program = Effect.gen(function*() {
  const request = yield* requested
  const counters = yield* Mp.cpuCount
  const what = request.extensions.length === 0 ? "" : `the ${request.extensions.join(" ")} files below `
  yield* Console.log(`Counting the words of ${what}${request.root}`)

  const [time, { starting, tally }] = yield* Effect.timed(countTogether(request, counters))
  yield* print(tally)
  yield* Console.log(`${counters} counting processes: ${seconds(time)}, of which ${seconds(starting)} to start them`)
  const [timeAlone, alone] = yield* Effect.timed(countAlone(request))
  yield* Console.log(`1 process: ${seconds(timeAlone)}`)
  yield* compare(tally, alone)
  yield* Console.log("Both give the same counts.")
}).pipe(Effect.tapErrorTag("UsageError", ({ message }) => Console.error(message)))

Mp.runMain(program.pipe(Effect.provide(Mp.layer.pipe(Layer.provideMerge(NodeServices.layer)))))
