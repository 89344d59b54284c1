/** The processes that read and count. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Effect, Stream } from "effect"
import * as Mp from "effect-multiprocessing"
import { Names, type Report, Reports } from "./channels.ts"
import { addFile, Tally } from "./tally.ts"

/** Large enough that the parent has little to merge, small enough to show progress. */
const isLarge = ({ files, unreadable, words }: Tally) => files + unreadable.length >= 100 || words.size >= 10_000

const takeReport = (tally: Tally): Report => {
  const { bytes, files, unreadable, words } = tally
  const report: Report = {
    _tag: "Counted",
    files,
    bytes,
    words: Array.from(words, ([word, count]) => ({ word, count })),
    unreadable: [...unreadable]
  }
  tally.clear()
  return report
}

export const counter = Mp.Target.make(
  "counter",
  { module: import.meta.url, inherits: [Names, Reports.right] },
  Effect.fnUntraced(
    function*() {
      const names = yield* Names
      const reports = yield* Reports.right
      const tally = new Tally()
      const send = Effect.suspend(() => reports.send(takeReport(tally)))
      yield* names.stream.pipe(
        // The next files are read while one is counted.
        Stream.mapEffect((name) => addFile(tally, name), { concurrency: 4, unordered: true }),
        Stream.runForEach(() => isLarge(tally) ? send : Effect.void)
      )
      // The stream has ended, because the queue was shut down.
      yield* send
    },
    Effect.orDie,
    Effect.provide(NodeFileSystem.layer)
  )
)
