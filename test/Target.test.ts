import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { pathToFileURL } from "node:url"
import * as Mp from "../src/index.ts"
import { brief } from "./fixtures/process/brief.ts"
import { double } from "./fixtures/process/double.ts"
import { echo, type Message } from "./fixtures/process/echo.ts"
import { count, counts } from "./fixtures/process/moduleState.ts"
import { inProcesses } from "./support/inProcesses.ts"
import { leavesNothingBehind } from "./support/processes.ts"

leavesNothingBehind()

const message = (bytes: number): typeof Message.Type => ({
  text: "größe \u{1F980} \0 end",
  numbers: [0, -0.5, 1e300, Number.MAX_SAFE_INTEGER],
  at: new Date("2024-02-29T12:00:00.001Z"),
  bytes: new Uint8Array(bytes).fill(7),
  nested: Option.some({ big: 12345678901234567890n })
})

describe("a target", () => {
  it("shows its name and its module", () => {
    const module = pathToFileURL("/tasks/tasks.ts").href
    const target = Mp.Target.make("work", { module }, () => Effect.void)
    assert.strictEqual(target.name, "work")
    assert.strictEqual(target.module, module)
    assert.deepStrictEqual(JSON.parse(JSON.stringify(target)), { _id: "Target", name: "work", module })
    assert.isTrue(Mp.Target.isTarget(target))
    assert.isFalse(Mp.Target.isTarget({ name: "work", module }))
  })

  it("takes its module as a URL, as the text of one, and as an absolute path", () => {
    const make = (module: string | URL) => Mp.Target.make("work", { module }, () => Effect.void).module
    const href = pathToFileURL("/ta sks/täsks.ts").href
    assert.strictEqual(make(new URL(href)), href)
    assert.strictEqual(make(href), href)
    assert.strictEqual(make("/ta sks/täsks.ts"), href)
  })

  it("does not run when it is defined", () => {
    let runs = 0
    Mp.Target.make("work", { module: import.meta.url }, () => Effect.sync(() => runs++))
    assert.strictEqual(runs, 0)
  })
})

describe("a payload and a success", () => {
  it.live(
    "PROC-08 cross by their schemas: dates, bytes, options, numbers of every size",
    inProcesses(Effect.gen(function*() {
      assert.deepStrictEqual(yield* Mp.Process.run(echo, message(3)), message(3))
    }))
  )

  it.live(
    "may be large",
    inProcesses(Effect.gen(function*() {
      const large = message(16 * 1024 * 1024)
      const returned = yield* Mp.Process.run(echo, large)
      assert.isTrue(Buffer.from(returned.bytes).equals(large.bytes))
    }))
  )

  it.live(
    "BOOT-19 are taken at the start: what the parent changes later the child does not see",
    inProcesses(Effect.gen(function*() {
      const changing = message(3)
      const process = yield* Mp.Process.make(echo, changing)
      changing.bytes.fill(8)
      yield* process.start
      changing.bytes.fill(9)
      assert.deepStrictEqual((yield* process.join()).bytes, new Uint8Array(3).fill(8))
    }))
  )

  it.live(
    "may be left out",
    inProcesses(Effect.gen(function*() {
      assert.isUndefined(yield* Mp.Process.run(brief))
    }))
  )
})

describe("the module of a target", () => {
  it.live(
    "BOOT-19 is imported anew by each child: its variables are not those of the parent",
    inProcesses(Effect.gen(function*() {
      assert.deepStrictEqual([count(), count()], [1, 2])
      assert.deepStrictEqual(yield* Effect.all([Mp.Process.run(counts), Mp.Process.run(counts)]), [1, 1])
      assert.strictEqual(count(), 3)
    }))
  )

  it.live(
    "may be used by many processes at a time",
    inProcesses(Effect.gen(function*() {
      const doubles = yield* Effect.forEach([1, 2, 3, 4], (n) => Mp.Process.run(double, n), { concurrency: 2 })
      assert.deepStrictEqual(doubles, [2, 4, 6, 8])
    }))
  )
})

it("a payload is required by the type unless it may be undefined", () => {
  const optional = Mp.Target.make(
    "optional",
    { module: import.meta.url, payload: Schema.UndefinedOr(Schema.Number) },
    () => Effect.void
  )
  assert.isTrue(Effect.isEffect(Mp.Process.run(optional, undefined)))
})
