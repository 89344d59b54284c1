import { assert, describe, it } from "@effect/vitest"
import { Effect, References, Stream } from "effect"
import * as Mp from "../src/index.ts"
import { logs, spans } from "./fixtures/process/logs.ts"
import { inProcesses } from "./support/inProcesses.ts"
import { leavesNothingBehind } from "./support/processes.ts"

leavesNothingBehind()

describe("the log lines of a child", () => {
  const linesOf = (options: Mp.Process.Options) =>
    Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(logs, undefined, { ...options, stdout: "pipe" })
      const text = yield* Stream.mkString(Stream.decodeText(process.stdout))
      yield* process.join()
      return text.trim().split("\n")
    })

  it.live(
    "MISC-03 carry the name of the process, and what the logs of its parent are annotated with",
    inProcesses(Effect.gen(function*() {
      const lines = yield* Effect.annotateLogs(linesOf({ name: "the worker" }), { request: 7, user: "ä" })
      const text = lines.join("\n")
      assert.include(text, "an error")
      assert.include(text, "an info")
      assert.notInclude(text, "a debug")
      assert.include(text, "the worker")
      assert.match(text, /request\W+7/)
      assert.match(text, /user\W+ä/)
    }))
  )

  it.live(
    "MISC-03 have the log level of the parent",
    inProcesses(Effect.gen(function*() {
      const all = yield* linesOf({}).pipe(Effect.provideService(References.MinimumLogLevel, "Debug"))
      assert.include(all.join("\n"), "a debug")
      const few = yield* linesOf({}).pipe(Effect.provideService(References.MinimumLogLevel, "Error"))
      assert.include(few.join("\n"), "an error")
      assert.notInclude(few.join("\n"), "an info")
    }))
  )
})

describe("the spans of a child", () => {
  it.live(
    "continue the trace of the parent",
    inProcesses(Effect.gen(function*() {
      const [parent, seen] = yield* Effect.all([Effect.currentSpan, Mp.Process.run(spans)]).pipe(
        Effect.withSpan("the parent's work")
      )
      const { sampled, spanId, traceId } = parent
      assert.deepStrictEqual(seen.parent, { sampled, spanId, traceId })
      assert.strictEqual(seen.own.traceId, traceId)
      assert.notStrictEqual(seen.own.spanId, spanId)
      assert.deepStrictEqual(seen.ownParent, { sampled, spanId, traceId })
    }))
  )

  it.live(
    "are not sampled when those of the parent are not",
    inProcesses(Effect.gen(function*() {
      const seen = yield* Effect.withSpan(Mp.Process.run(spans), "the parent's work", { sampled: false })
      assert.isFalse(seen.parent!.sampled)
      assert.isFalse(seen.own.sampled)
    }))
  )

  it.live(
    "begin a trace where the parent has none",
    inProcesses(Effect.gen(function*() {
      const seen = yield* Mp.Process.run(spans)
      assert.isNull(seen.parent)
      assert.isNull(seen.ownParent)
    }))
  )
})
