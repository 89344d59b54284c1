/** Two ways to the same counts. */
import { Array, Effect, Option, Stream } from "effect"
import * as Mp from "effect-multiprocessing"
import { Names, Report, Reports } from "./channels.ts"
import { counter } from "./counter.ts"
import { type Request, type Unreadable, walk } from "./files.ts"
import * as Progress from "./progress.ts"
import { addFile, Tally } from "./tally.ts"
import { walker } from "./walker.ts"

/** In this process alone. Says nothing of what can't be read: the other way does. */
export const countAlone = Effect.fnUntraced(function*(request: Request) {
  const progress = yield* Progress.make("1 process")
  const tally = new Tally()
  const names = yield* Stream.runCollect(walk(request, (path) => tally.unreadable.push(path)))
  for (const name of names) {
    yield* addFile(tally, name)
    yield* progress.update(tally.files, Option.some(names.length))
  }
  return tally
}, Effect.scoped)

/** In several processes: one that walks, and `counters` that count. This one adds up. */
export const countTogether = Effect.fnUntraced(
  function*(request: Request, counters: number) {
    const progress = yield* Progress.make(`${counters} counting processes`)
    yield* progress.update(0, Option.none())
    const reports = yield* Reports.left
    const [starting, processes] = yield* Effect.timed(Effect.all([
      Mp.Process.spawn(walker, request, { name: "walker" }),
      ...Array.makeBy(counters, (i) => Mp.Process.spawn(counter, undefined, { name: `counter-${i}` }))
    ], { concurrency: "unbounded" }))
    // Now the reports end when the last of the processes does.
    yield* Effect.flatMap(Reports.right, (sender) => sender.close)

    const tally = new Tally()
    let expected = Option.none<number>()
    let done = 0
    const tell = ({ path, reason }: Unreadable) => progress.line(`${path}: ${reason}`)
    const add = Report.match({
      Walked: ({ files, unreadable }) => {
        expected = Option.some(files)
        return Effect.forEach(unreadable, tell, { discard: true })
      },
      Counted: ({ bytes, files, unreadable, words }) => {
        for (const { count, word } of words) tally.add(word, count)
        tally.files += files
        tally.bytes += bytes
        done += files + unreadable.length
        return Effect.forEach(unreadable, tell, { discard: true })
      }
    })
    yield* Effect.all([
      Stream.runForEach(
        reports.stream,
        (report) => Effect.andThen(add(report), Effect.suspend(() => progress.update(done, expected)))
      ),
      // A process that fails must not leave the others waiting for it.
      Effect.forEach(processes, (process) => process.join(), { concurrency: "unbounded", discard: true })
    ], { concurrency: "unbounded", discard: true })
    return { tally, starting }
  },
  Effect.scoped,
  Effect.provide([Names.layer, Reports.layer])
)
