/**
 * A report on the lines of large text files: a stream through a pool, of which only some pieces are in memory at a time.
 *
 *     node examples/log-report/main.ts [path of a directory or a file]
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import {
  Array,
  Console,
  Duration,
  Effect,
  FileSystem,
  Layer,
  Order,
  Path,
  Runtime,
  Schema,
  Stdio,
  Stream
} from "effect"
import * as Mp from "effect-multiprocessing"
import { reasonOf, type Request, walk } from "../word-frequency/files.ts"
import { analyse, type Findings, peakMemory, words } from "./analyse.ts"
import { piecesOf } from "./pieces.ts"

const usage = "node examples/log-report/main.ts [path of a directory or a file]"

/** The message is all that the user needs. */
class UsageError extends Schema.TaggedError<UsageError>()("UsageError", { message: Schema.String }) {
  override readonly [Runtime.errorReported] = false
}

const requested: Effect.Effect<Request, UsageError, FileSystem.FileSystem | Path.Path | Stdio.Stdio> = Effect.gen(
  function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const [given, ...more] = yield* (yield* Stdio.Stdio).args
    if (more.length > 0) return yield* Effect.fail(new UsageError({ message: `Give one path: ${usage}` }))
    const root = given ?? (yield* Effect.orDie(path.fromFileUrl(new URL("../../node_modules", import.meta.url))))
    const { type } = yield* Effect.mapError(
      fs.stat(root),
      (error) => new UsageError({ message: `Can't read "${root}": ${reasonOf(error)}. Give another path: ${usage}` })
    )
    return { root, extensions: type === "File" ? [] : [".log", ".txt", ".md", ".ts", ".js", ".mjs", ".cjs"] }
  }
)

/** All that is kept, however many lines there are. */
class Report {
  files = 0
  unreadable = 0
  lines = 0
  characters = 0
  longest = { file: "", length: 0 }
  readonly mentions = new Map<string, number>(words.map((word) => [word, 0]))
  readonly hosts = new Map<string, number>()
  add({ characters, file, hosts, lines, longest, mentions }: Findings) {
    this.lines += lines
    this.characters += characters
    if (longest > this.longest.length) this.longest = { file, length: longest }
    for (const [word, count] of mentions) this.mentions.set(word, this.mentions.get(word)! + count)
    for (const [host, count] of hosts) this.hosts.set(host, (this.hosts.get(host) ?? 0) + count)
  }
}

const grouped = (n: number) => n.toLocaleString("en")
const row = (count: number, text: string) => Console.log(`${grouped(count).padStart(12)}  ${text}`)
const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`

const byFrequency = Order.combine(
  Order.mapInput(Order.flip(Order.Number), ([, count]: readonly [string, number]) => count),
  Order.mapInput(Order.String, ([host]: readonly [string, number]) => host)
)

const print = Effect.fnUntraced(function*(report: Report) {
  yield* row(report.files, "files")
  if (report.unreadable > 0) yield* row(report.unreadable, "files or directories could not be read")
  yield* row(report.lines, "lines")
  yield* row(report.characters, "characters")
  for (const [word, count] of report.mentions) yield* row(count, `lines with "${word}"`)
  yield* row(report.hosts.size, "hosts are linked to, most often")
  for (const [host, count] of Array.sort(report.hosts, byFrequency).slice(0, 5)) yield* row(count, host)
  yield* row(report.longest.length, `characters in the longest line: ${report.longest.file}`)
})

const program = Effect.gen(function*() {
  const request = yield* requested
  const pool = yield* Mp.Pool.make({ name: "report", targets: [analyse, peakMemory] })
  const progress = yield* Mp.Progress.make({ label: "pieces" })
  yield* Console.log(`Reading ${request.root} with ${pool.size} workers`)

  const report = new Report()
  const pieces = walk(request, () => report.unreadable++).pipe(
    Stream.flatMap((file) =>
      piecesOf(file).pipe(
        Stream.onStart(Effect.sync(() => report.files++)),
        Stream.catch(() => Stream.drain(Stream.sync(() => report.unreadable++)))
      ), { concurrency: 4 })
  )
  // Files are read only as fast as the workers are: two chunks for each of them are under way.
  const run = pieces.pipe(
    pool.stream(analyse, { chunkSize: 8, unordered: true, progress }),
    Stream.runForEach((findings) => Effect.sync(() => report.add(findings)))
  )
  const [time] = yield* Effect.timed(Effect.scoped(Effect.andThen(Mp.Progress.bar(progress), run)))

  yield* print(report)
  const rate = report.characters / Duration.toSeconds(time)
  yield* Console.log(`${Duration.toSeconds(time).toFixed(2)} s, ${megabytes(rate)} a second`)
  const workers = yield* pool.broadcast(peakMemory)
  const here = process.resourceUsage().maxRSS * 1024
  yield* Console.log(`Peak memory: ${megabytes(here)} here, ${workers.map(megabytes).join(" and ")} in the workers`)
}).pipe(Effect.scoped, Effect.tapErrorTag("UsageError", ({ message }) => Console.error(message)))

Mp.runMain(program.pipe(Effect.provide(Mp.layer.pipe(Layer.provideMerge(NodeServices.layer)))))
