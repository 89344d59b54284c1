import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Option, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as Mp from "../src/index.ts"
import { leavesNothingBehind, runProgram } from "./support/processes.ts"

leavesNothingBehind()

describe("a progress", () => {
  it.effect(
    "counts, and tells the rate and the time that is left",
    Effect.fnUntraced(function*() {
      const progress = yield* Mp.Progress.make()
      const first = yield* progress.snapshot
      assert.deepStrictEqual(
        [first.done, first.total, first.rate, first.remaining, first.isComplete],
        [0, Option.none(), 0, Option.none(), false]
      )
      yield* TestClock.adjust("2 seconds")
      yield* progress.advance()
      yield* progress.advance(5)
      assert.strictEqual((yield* progress.snapshot).rate, 3)
      assert.isTrue(Option.isNone((yield* progress.snapshot).remaining))
      yield* progress.setTotal(18)
      const { elapsed, isComplete, remaining } = yield* progress.snapshot
      assert.strictEqual(Duration.toMillis(elapsed), 2000)
      assert.strictEqual(Duration.toMillis(Option.getOrThrow(remaining)), 4000)
      assert.isFalse(isComplete)
      yield* progress.advance(13)
      const last = yield* progress.snapshot
      assert.isTrue(last.isComplete)
      assert.strictEqual(Duration.toMillis(Option.getOrThrow(last.remaining)), 0)
    })
  )

  it.effect(
    "comes as a stream: at once, then ten times a second if it has changed, and at its end, which ends it",
    Effect.fnUntraced(function*() {
      const progress = yield* Mp.Progress.make({ total: 3 })
      const fiber = yield* Effect.forkChild(Stream.runCollect(progress.changes), { startImmediately: true })
      yield* TestClock.adjust("250 millis")
      yield* progress.advance()
      yield* progress.advance()
      yield* TestClock.adjust("500 millis")
      yield* progress.advance()
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(Array.from(yield* Fiber.join(fiber), ({ done }) => done), [0, 2, 3])
    })
  )

  const snapshot = {
    done: 5,
    total: Option.some(20),
    elapsed: Duration.seconds(10),
    rate: 0.5,
    remaining: Option.some(Duration.seconds(30)),
    isComplete: false
  }
  it("is a line of text, with what is known", () => {
    assert.strictEqual(
      Mp.Progress.render("work", snapshot),
      "work [########......................]  25 % 5/20 0.5/s 00:30 left"
    )
    assert.strictEqual(
      Mp.Progress.render("", { ...snapshot, rate: 12.6, remaining: Option.some(Duration.hours(2)) }),
      "[########......................]  25 % 5/20 13/s 2:00:00 left"
    )
    assert.strictEqual(
      Mp.Progress.render("", { ...snapshot, done: 0, rate: 0, remaining: Option.none() }),
      "[..............................]   0 % 0/20 0.0/s"
    )
    assert.strictEqual(
      Mp.Progress.render("work", { ...snapshot, total: Option.none(), remaining: Option.none() }),
      "work 5 0.5/s 00:10"
    )
    for (const [done, total] of [[21, 20], [0, 0]] as const) {
      assert.include(
        Mp.Progress.render("", { ...snapshot, done, total: Option.some(total) }),
        `${"#".repeat(30)}] 100 %`
      )
    }
  })
})

describe("the bar of a progress", () => {
  const shown = (...args: ReadonlyArray<string>) =>
    Effect.map(
      runProgram(new URL("./fixtures/pool/programs/bar.ts", import.meta.url), { args }),
      ({ code, stderr }) => {
        assert.strictEqual(code, 0)
        return stderr
      }
    )

  it.live(
    "is shown on a terminal, in one line that fits, to the end, and then the next line begins",
    Effect.fnUntraced(function*() {
      const lines = (yield* shown("terminal")).split("\r\u001b[2K")
      assert.strictEqual(lines[0], "")
      assert.match(lines[1]!, /^work \[\.{30}\] {3}0 % 0\/2 /)
      assert.match(lines.at(-1)!, /^work \[#{30}\] 100 % 2\/2 .*\n$/)
      for (const line of lines) assert.isBelow(line.trimEnd().length, 60)
    })
  )

  it.live(
    "shows how far it came when its scope closes before the end",
    Effect.fnUntraced(function*() {
      assert.match((yield* shown("terminal", "fails")).split("\r\u001b[2K").at(-1)!, /^work .* 50 % 1\/2 .*\n$/)
    })
  )

  it.live(
    "is quiet where there is no terminal",
    Effect.fnUntraced(function*() {
      assert.strictEqual(yield* shown(), "")
    })
  )
})
