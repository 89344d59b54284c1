/** The process that finds the files. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Stream } from "effect"
import * as Mp from "effect-multiprocessing"
import { Names, Reports } from "./channels.ts"
import { Request, type Unreadable, walk } from "./files.ts"

export const walker = Mp.Target.make(
  "walker",
  { module: import.meta.url, payload: Request, inherits: [Names, Reports.right] },
  Effect.fnUntraced(
    function*(request) {
      const names = yield* Names
      const reports = yield* Reports.right
      const unreadable: Array<Unreadable> = []
      let files = 0
      yield* walk(request, (path) => unreadable.push(path)).pipe(
        Stream.tap(() => Effect.sync(() => files++)),
        Stream.onEnd(Effect.suspend(() => reports.send({ _tag: "Walked", files, unreadable }))),
        // The walk runs ahead of the queue, so that the parent soon knows how much there is to do.
        Stream.buffer({ capacity: "unbounded" }),
        Stream.runForEach((name) => names.put(name))
      )
      // The counters take what is left, and then end.
      yield* names.shutdown()
    },
    Effect.orDie,
    Effect.provide(NodeServices.layer)
  )
)
