/** What needs a program, or fresh processes, to be seen of pools. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as Mp from "../src/index.ts"
import { kept, returns } from "./fixtures/pool/releases.ts"
import { square } from "./fixtures/pool/square.ts"
import { collectGarbage } from "./support/garbage.ts"
import { inProcesses } from "./support/inProcesses.ts"
import { leavesNothingBehind, runProgram } from "./support/processes.ts"
import { eventually } from "./support/waiting.ts"

leavesNothingBehind()

const program = (file: string) => new URL(`./fixtures/pool/programs/${file}`, import.meta.url)

describe("a program with a pool", () => {
  it.live(
    "POOL-39 ends with 0 also if it has left the pool to itself",
    Effect.fnUntraced(function*() {
      const { code, stderr, stdout } = yield* runProgram(program("leaves.ts"))
      assert.deepStrictEqual({ code, stderr, stdout }, { code: 0, stderr: "", stdout: "[ 1, 4, 9 ]\n" })
    })
  )

  it.live(
    "PPES-02, PPES-06 that is over before its tasks are finishes them, and their output appears",
    Effect.fnUntraced(function*() {
      const { code, stderr, stdout } = yield* runProgram(program("pending.ts"), { args: ["inherit"] })
      assert.deepStrictEqual(
        { code, stderr, stdout },
        { code: 0, stderr: "to stderr\n", stdout: "first\nsecond\nthird" }
      )
    })
  )

  it.live(
    "has the output of its workers with their names before each line, if it wants so",
    Effect.fnUntraced(function*() {
      const { code, stderr, stdout } = yield* runProgram(program("pending.ts"), { args: ["tagged"] })
      assert.deepStrictEqual({ code, stderr, stdout }, {
        code: 0,
        stderr: "[Pool-Worker-1] to stderr\n",
        stdout: "[Pool-Worker-1] first\n[Pool-Worker-1] second\n[Pool-Worker-1] third\n"
      })
    })
  )

  it.live(
    "has no output of its workers, if it wants none",
    Effect.fnUntraced(function*() {
      const { code, stderr, stdout } = yield* runProgram(program("pending.ts"), { args: ["ignore"] })
      assert.deepStrictEqual({ code, stderr, stdout }, { code: 0, stderr: "", stdout: "" })
    })
  )
})

describe("a library with a pool inside", () => {
  it.live(
    "needs no guard in the program that uses it, whose module is run once",
    Effect.fnUntraced(function*() {
      const { code, stderr, stdout } = yield* runProgram(program("usesLibrary.ts"))
      assert.deepStrictEqual({ code, stderr, stdout }, { code: 0, stderr: "", stdout: "runs\n[ 1, 4, 9 ]\n" })
    })
  )

  it.live(
    "can be used in the tasks of a program that has a pool too, and one guard",
    Effect.fnUntraced(function*() {
      const { code, stderr, stdout } = yield* runProgram(program("usesLibraryInTasks.ts"))
      assert.deepStrictEqual({ code, stderr, stdout }, { code: 0, stderr: "", stdout: "[ 1, 4, 9 ] 14\n" })
    })
  )
})

describe("payloads and values", () => {
  const gone = (what: string, refs: ReadonlyArray<WeakRef<object>>) =>
    eventually(
      `the end of ${what}`,
      Effect.map(Effect.promise(collectGarbage), () => refs.every((ref) => ref.deref() === undefined))
    )

  it.live(
    "POOL-31, PPE-11 are not kept by the pool, nor by its workers, when the task is over",
    inProcesses(Effect.gen(function*() {
      const pool = yield* Mp.Pool.make({ size: 1 })
      const large = () => ({ bytes: new Uint8Array(1000) })
      const refs: Array<WeakRef<object>> = []
      const watched = <A extends object>(value: A): A => {
        refs.push(new WeakRef(value))
        return value
      }
      yield* Effect.suspend(() => Effect.map(pool.run(returns, watched(large())), watched))
      yield* Effect.suspend(() => Effect.map(pool.map(returns, [watched(large()), watched(large())]), watched))
      yield* Stream.runForEach(pool.imap(returns, [large(), large()]), (value) => Effect.sync(() => watched(value)))
      yield* gone("payloads and values", refs.splice(0))
      const task = yield* Effect.suspend(() => pool.submit(returns, watched(large())))
      yield* task.await
      yield* gone("the payload of a task that is still there", refs)
      yield* task.await
      yield* eventually("the end of the payloads in the worker", Effect.map(pool.run(kept), (count) => count === 0))
    }))
  )
})

describe("a target that a worker can't find", () => {
  const missing = (module: string, name = "work") => Mp.Target.make(name, { module }, () => Effect.void)
  const fixture = (file: string) => new URL(`./fixtures/process/broken/${file}`, import.meta.url).href

  const targets: ReadonlyArray<readonly [what: string, Mp.Target.Target<void, void, never, never>, string]> = [
    ["whose module is not there", missing("file:///nowhere.ts"), "ModuleNotFound"],
    ["whose module throws", missing(fixture("throws.ts")), "ModuleFailed"],
    ["that its module does not define", missing(fixture("empty.ts")), "TargetNotFound"]
  ]
  for (const [what, target, reason] of targets) {
    it.live(
      `${what} fails its tasks with SpawnError (${reason}), and the worker lives on`,
      inProcesses(Effect.gen(function*() {
        const pool = yield* Mp.Pool.make({ size: 1, targets: [target] })
        for (const effect of [pool.run(target), pool.forEach(target, [undefined, undefined])]) {
          const error = yield* Effect.flip(effect)
          assert.instanceOf(error, Mp.SpawnError)
          assert.strictEqual((error as Mp.SpawnError).reason, reason)
          assert.include(error.message, "work")
        }
        assert.strictEqual(yield* pool.run(square, 3), 9)
        assert.strictEqual((yield* pool.stats).lost, 0)
      }))
    )
  }
})
