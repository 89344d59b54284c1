import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import {
  childrenOf,
  commandOf,
  isRunning,
  leavesNothingBehind,
  processesOf,
  type Program,
  startProgram,
  temporaryDirectory,
  untilGone
} from "../support/processes.ts"
import { eventually, within } from "../support/waiting.ts"

leavesNothingBehind()

const program = (file: string) => new URL(`../fixtures/process/programs/${file}`, import.meta.url)

interface Pids {
  readonly children: ReadonlyArray<number>
  readonly grandchildren: ReadonlyArray<number>
}

/** Two seconds are promised; a machine that is busy with other tests gets some more. */
const promised = "4 seconds"

/** Starts a main program, in a temporary directory of its own, and waits until all of its processes are there. */
const start = (file: string, ...args: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const directory = yield* temporaryDirectory
    yield* Effect.addFinalizer(() => untilGone(processesOf(directory), "10 millis").pipe(Effect.exit))
    const main = yield* startProgram(program(file), { args, env: { TMPDIR: directory } })
    const [, json] = yield* main.line(/^ready (.*)$/).pipe(within("40 seconds", "all of the processes"))
    const { children, grandchildren } = JSON.parse(json!) as Pids
    const pids = [...children, ...grandchildren]
    assert.isTrue(pids.every(isRunning))
    return { directory, main, pids }
  })

/** The end of the main program, and of all that write to its output. */
const endOf = (main: Program) =>
  main.finished.pipe(within("10 seconds", "the end of the main program and of its children"))

/** Nothing is left that the program had: no process, no guard, no directory. */
const nothingIsLeft = ({ directory, pids }: { readonly directory: string; readonly pids: ReadonlyArray<number> }) =>
  Effect.gen(function*() {
    yield* untilGone(pids, promised)
    yield* eventually(
      "the end of every guard",
      Effect.sync(() => processesOf(directory).length === 0),
      promised
    )
    assert.deepStrictEqual(fs.readdirSync(directory), [])
  })

describe("a main process that dies takes its children and grandchildren with it, also those in a synchronous loop", () => {
  it.live.each(["SIGKILL", "SIGTERM", "SIGINT"] as const)(
    "by %s",
    Effect.fnUntraced(function*(signal: NodeJS.Signals) {
      const started = yield* start("orphans.ts", "wait", "plain")
      assert.notDeepEqual(fs.readdirSync(started.directory), [])
      yield* started.main.signal(signal)
      const finished = yield* endOf(started.main)
      assert.strictEqual(finished.signal, signal)
      yield* nothingIsLeft(started)
    })
  )

  it.live.each([["process.exit", "exit", 3], ["an exception that nobody catches", "throw", 1]] as const)(
    "by %s",
    Effect.fnUntraced(function*([, death, code]: readonly [string, string, number]) {
      const started = yield* start("orphans.ts", death, "plain")
      const finished = yield* endOf(started.main)
      assert.strictEqual(finished.code, code)
      yield* nothingIsLeft(started)
    })
  )

  it.live(
    "by SIGKILL, while the children are importing their modules",
    Effect.fnUntraced(function*() {
      const started = yield* start("importing.ts")
      yield* started.main.signal("SIGKILL")
      const { stderr } = yield* endOf(started.main)
      yield* nothingIsLeft(started)
      assert.strictEqual(stderr, "")
    })
  )

  it.live(
    "by SIGKILL, after somebody has killed its guard",
    Effect.fnUntraced(function*() {
      const started = yield* start("orphans.ts", "wait", "plain")
      const guards = () => childrenOf(started.main.pid).filter((pid) => commandOf(pid).startsWith("/bin/sh"))
      const before = guards()
      assert.strictEqual(before.length, 1)
      process.kill(before[0]!, "SIGKILL")
      yield* eventually("another guard", Effect.sync(() => guards().some((pid) => !before.includes(pid))))
      // An answer comes after all that the main process had to tell the guard.
      yield* started.main.signal("SIGUSR2")
      yield* started.main.line(/^still here$/).pipe(within("10 seconds", "an answer of the main process"))
      yield* started.main.signal("SIGKILL")
      yield* endOf(started.main)
      yield* nothingIsLeft(started)
    })
  )
})

describe("a main program that is run by runMain stops its children before it ends", () => {
  it.live.each(["SIGTERM", "SIGINT"] as const)(
    "after %s, with exit code 130",
    Effect.fnUntraced(function*(signal: NodeJS.Signals) {
      const started = yield* start("orphans.ts", "wait", "runMain")
      yield* started.main.signal(signal)
      const finished = yield* started.main.finished.pipe(within("30 seconds", "the end of the main program"))
      assert.strictEqual(finished.code, 130)
      assert.deepStrictEqual(started.pids.filter(isRunning), [])
      assert.deepStrictEqual(fs.readdirSync(started.directory), [])
      yield* nothingIsLeft(started)
    })
  )
})
