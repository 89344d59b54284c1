import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { CurrentGuard, layer } from "../../src/internal/process/guard.ts"
import {
  childrenOf,
  commandOf,
  isRunning,
  killIfRunning,
  leavesNothingBehind,
  temporaryDirectory,
  untilGone
} from "../support/processes.ts"
import { eventually } from "../support/waiting.ts"

leavesNothingBehind()

/** A process that does nothing for a long time. It is a child of the test, so its number is not given to another one. */
const someProcess = Effect.acquireRelease(
  Effect.sync((): ChildProcess => spawn("sleep", ["600"], { stdio: "ignore" })),
  (child) => Effect.sync(() => child.kill("SIGKILL"))
).pipe(Effect.map((child) => child.pid!))

/** Directories as the library names them, with a file inside, and one of another name. */
const someDirectories = Effect.map(temporaryDirectory, (parent) => {
  const make = (name: string) => {
    const directory = path.join(parent, name)
    fs.mkdirSync(directory)
    fs.writeFileSync(path.join(directory, "hub"), "")
    return directory
  }
  return {
    own: make("effect-mp-123456"),
    strange: make("effect-mp-a 'b' $(c) \"d\" \\e"),
    other: make("somebody-else")
  }
})

/** The shells that this process has started. */
const guards = () => childrenOf(process.pid).filter((pid) => commandOf(pid).startsWith("/bin/sh -c"))

/** Opens a guard, and gives what closes it, as the death of this process would. */
const makeGuard = Effect.gen(function*() {
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  const guard = yield* Effect.map(
    Layer.buildWithScope(layer, scope),
    (context) => Effect.provideContext(CurrentGuard, context)
  )
  return { ...yield* guard, end: Scope.close(scope, Exit.void) }
})

describe("a guard", () => {
  it.live(
    "starts nothing before there is something to watch",
    Effect.fnUntraced(function*() {
      const guard = yield* makeGuard
      assert.deepStrictEqual(guards(), [])
      yield* guard.end
    })
  )

  it.live(
    "kills the processes and removes the directories that it watches, when its pipe ends",
    Effect.fnUntraced(function*() {
      const pid = yield* someProcess
      const { other, own, strange } = yield* someDirectories
      const guard = yield* makeGuard
      yield* guard.watchProcess(pid)
      for (const directory of [own, strange, other]) yield* guard.watchDirectory(directory)
      assert.strictEqual(guards().length, 1)
      yield* guard.end
      yield* untilGone([pid])
      assert.deepStrictEqual([own, strange, other].map(fs.existsSync), [false, false, true])
      assert.deepStrictEqual(guards(), [])
    })
  )

  it.live(
    "leaves alone what it watches no more, and what has ended",
    Effect.fnUntraced(function*() {
      const [ended, unwatched, watched] = yield* Effect.all([someProcess, someProcess, someProcess])
      const { own, strange } = yield* someDirectories
      const guard = yield* makeGuard
      for (const pid of [ended, unwatched, watched]) yield* guard.watchProcess(pid)
      yield* guard.watchDirectory(own)
      yield* guard.watchDirectory(strange)
      killIfRunning(ended)
      yield* guard.unwatchProcess(unwatched)
      yield* guard.unwatchDirectory(strange)
      yield* guard.end
      yield* untilGone([watched])
      assert.isTrue(isRunning(unwatched))
      assert.deepStrictEqual([own, strange].map(fs.existsSync), [false, true])
    })
  )

  it.live(
    "does not listen to the signals that a terminal or an operator sends to all processes",
    Effect.fnUntraced(function*() {
      const pid = yield* someProcess
      const guard = yield* makeGuard
      yield* guard.watchProcess(pid)
      const [shell] = guards()
      const ignored = () => /SigIgn:\s*([0-9a-f]+)/.exec(fs.readFileSync(`/proc/${shell}/status`, "utf8"))![1]!
      // HUP, INT, QUIT, PIPE and TERM.
      const bits = [1, 2, 3, 13, 15].reduce((bits, signal) => bits | 1n << BigInt(signal - 1), 0n)
      yield* eventually("the traps of the guard", Effect.sync(() => (BigInt(`0x${ignored()}`) & bits) === bits))
      for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.kill(shell!, signal)
      assert.isTrue(isRunning(shell!))
      yield* guard.end
      yield* untilGone([pid])
    })
  )

  it.live(
    "is replaced when it is killed, and the next one knows what to watch",
    Effect.fnUntraced(function*() {
      const [early, late] = yield* Effect.all([someProcess, someProcess])
      const { own } = yield* someDirectories
      const guard = yield* makeGuard
      yield* guard.watchProcess(early)
      yield* guard.watchDirectory(own)
      const [shell] = guards()
      process.kill(shell!, "SIGKILL")
      yield* guard.watchProcess(late)
      yield* eventually("another guard", Effect.sync(() => guards().some((pid) => pid !== shell)))
      yield* guard.end
      yield* untilGone([early, late])
      assert.isFalse(fs.existsSync(own))
    })
  )
})
