import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, References, Schema, Scope } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import * as Mp from "../src/index.ts"
import { double } from "./fixtures/process/double.ts"
import { Reports } from "./fixtures/process/reports.ts"
import { sleeper } from "./fixtures/process/sleeper.ts"
import { endless, half } from "./fixtures/process/warm/counts.ts"
import { loaded } from "./fixtures/process/warm/loaded.ts"
import { childrenSuite } from "./suites/children.ts"
import { processSuite } from "./suites/processes.ts"
import { captureLogs, pidOf, reported } from "./support/inProcesses.ts"
import {
  childrenOf,
  commandOf,
  isRunning,
  leavesNothingBehind,
  processesOf,
  runProgram,
  startProgram,
  temporaryDirectory,
  untilGone
} from "./support/processes.ts"
import { spawners } from "./support/spawners.ts"
import { eventually, within } from "./support/waiting.ts"

leavesNothingBehind()

processSuite(...spawners.warm)
childrenSuite(...spawners.warm)

const fixture = (file: string) => new URL(`./fixtures/process/${file}`, import.meta.url)
const program = (file: string) => fixture(`programs/${file}`)

type Services = Mp.Hub.Hub | Mp.Spawner.Spawner | Reports

/** The body of a test with spares of its own, and what was logged meanwhile. */
const withSpares =
  (options: Mp.Spawner.WarmOptions) =>
  <A, E>(body: (lines: ReadonlyArray<string>) => Effect.Effect<A, E, Services | Scope.Scope>) =>
  (): Effect.Effect<A, E> => {
    const logs = captureLogs()
    return body(logs.lines).pipe(
      Effect.scoped,
      Effect.provide(
        Reports.layer.pipe(Layer.provideMerge(Layer.merge(Mp.Hub.layer, Mp.Spawner.layerWarm(options))))
      ),
      Effect.provideService(References.MinimumLogLevel, "Debug"),
      Effect.provide(logs.layer),
      within("50 seconds", "the end of the test")
    )
  }

/** All that this process has started, but its guards: spares, and what they have become. */
const children = () => childrenOf(process.pid).filter((pid) => !commandOf(pid).startsWith("/bin/sh"))

const ready = (lines: ReadonlyArray<string>, spares: number) =>
  eventually(
    `${spares} spares that are ready`,
    Effect.sync(() => lines.filter((line) => line.endsWith("is ready")).length >= spares),
    "40 seconds"
  )

/** Sets a variable of the environment until the end of the scope. */
const environment = (name: string, value: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      process.env[name] = value
    }),
    () =>
      Effect.sync(() => {
        delete process.env[name]
      })
  )

const warnings = (lines: ReadonlyArray<string>) => lines.filter((line) => line.startsWith("WARN"))

describe("a spare", () => {
  it.live(
    "becomes the next process; another one is started behind the back of the caller",
    withSpares({ preload: [fixture("sleeper.ts")] })((lines) =>
      Effect.gen(function*() {
        for (let n = 1; n <= 3; n++) {
          yield* ready(lines, n)
          const spares = children()
          assert.strictEqual(spares.length, 1)
          const process = yield* Mp.Process.spawn(sleeper)
          assert.strictEqual(yield* pidOf(process), spares[0])
          assert.deepStrictEqual(yield* Mp.activeChildren, [process])
          yield* reported("running")
          yield* process.interrupt
          yield* process.sentinel
          yield* reported("interrupted")
        }
        assert.deepStrictEqual(warnings(lines), [])
      })
    )
  )

  it.live(
    "is none of the active children, and there are as many as were asked for",
    withSpares({ spares: 3 })((lines) =>
      Effect.gen(function*() {
        yield* ready(lines, 3)
        assert.strictEqual(children().length, 3)
        assert.deepStrictEqual(yield* Mp.activeChildren, [])
      })
    )
  )

  it.live(
    "that is not ready yet is waited for, and who asks for more gets fresh processes",
    withSpares({ preload: [fixture("sleeper.ts")] })(() =>
      Effect.gen(function*() {
        const [spare] = children()
        const processes = yield* Effect.all(
          Array.from({ length: 3 }, () => Mp.Process.spawn(sleeper, undefined, { daemon: true })),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(yield* pidOf(processes[0]!), spare)
        for (const _ of processes) yield* reported("running")
      })
    )
  )

  it.live(
    "BOOT-12 has imported its modules, in their order, by the URLs that its parent gave",
    withSpares({ preload: [fixture("warm/first.ts"), fileURLToPath(fixture("warm/loaded.ts"))] })(() =>
      Effect.gen(function*() {
        const { argv, beforehand, first } = yield* Mp.Process.run(loaded)
        assert.deepStrictEqual({ beforehand, first }, { beforehand: true, first: "first" })
        assert.deepStrictEqual(argv, [fileURLToPath(fixture("warm/loaded.ts"))])
      })
    )
  )

  it.live(
    "imports any other module when it is used",
    withSpares({})((lines) =>
      Effect.gen(function*() {
        yield* ready(lines, 1)
        const { argv, beforehand } = yield* Mp.Process.run(loaded)
        assert.isFalse(beforehand)
        assert.deepStrictEqual(argv, [fileURLToPath(fixture("warm/loaded.ts"))])
      })
    )
  )

  it.live(
    "has the environment of the moment in which it was started",
    withSpares({})((lines) =>
      Effect.gen(function*() {
        yield* environment("MOOD", "good")
        assert.isUndefined((yield* Mp.Process.run(loaded)).mood)
        yield* ready(lines, 2)
        assert.strictEqual((yield* Mp.Process.run(loaded)).mood, "good")
      })
    )
  )

  it.live(
    "is not for a process with a piped standard stream",
    withSpares({ preload: [fixture("sleeper.ts")] })((lines) =>
      Effect.gen(function*() {
        yield* ready(lines, 1)
        const spares = children()
        const process = yield* Mp.Process.spawn(sleeper, undefined, { stdout: "pipe", daemon: true })
        assert.notInclude(spares, yield* pidOf(process))
        assert.isTrue(spares.every(isRunning))
      })
    )
  )

  it.live(
    "that does not answer is killed, and a fresh process takes its place",
    withSpares({})((lines) =>
      Effect.gen(function*() {
        yield* ready(lines, 1)
        const [spare] = children()
        process.kill(spare!, "SIGSTOP")
        assert.strictEqual(yield* Mp.Process.run(double, 21), 42)
        assert.isFalse(isRunning(spare!))
      })
    )
  )

  it.live(
    "that somebody kills is replaced",
    withSpares({})((lines) =>
      Effect.gen(function*() {
        yield* ready(lines, 1)
        const before = children()
        process.kill(before[0]!, "SIGKILL")
        yield* ready(lines, 2)
        assert.notDeepEqual(children(), before)
        assert.strictEqual(yield* Mp.Process.run(double, 21), 42)
        assert.deepStrictEqual(warnings(lines), [])
      })
    )
  )

  it.live(
    "that was told what to be, and then was not, is replaced, and nobody is warned",
    withSpares({ preload: [fixture("warm/counts.ts")] })((lines) =>
      Effect.gen(function*() {
        for (let n = 1; n <= 6; n++) {
          yield* ready(lines, n)
          const [spare] = children()
          const error = yield* Effect.flip(Mp.Process.run(half, "two" as never))
          assert.strictEqual((error as Mp.SpawnError).reason, "InvalidPayload")
          yield* untilGone([spare!])
        }
        assert.strictEqual(yield* Mp.Process.run(half, 4), 2)
        assert.deepStrictEqual(warnings(lines), [])
      })
    )
  )

  it.live(
    "does not import a module for a process that never comes to be",
    Effect.fnUntraced(function*() {
      const directory = yield* temporaryDirectory
      const evaluations = path.join(directory, "evaluations")
      yield* environment("EVALUATIONS", evaluations)
      yield* withSpares({})((lines) =>
        Effect.gen(function*() {
          yield* ready(lines, 1)
          yield* Effect.flip(Mp.Process.run(half, "two" as never))
          assert.isFalse(fs.existsSync(evaluations))
          assert.strictEqual(yield* Mp.Process.run(half, 4), 2)
          assert.strictEqual(fs.readFileSync(evaluations, "utf8"), "x")
        })
      )()
    })
  )

  it.live(
    "leaves nothing behind when the start of its process is interrupted while the payload is encoded",
    withSpares({ preload: [fixture("warm/counts.ts")] })((lines) =>
      Effect.gen(function*() {
        yield* ready(lines, 1)
        const [spare] = children()
        const process = yield* Mp.Process.make(endless, "")
        const starting = yield* Effect.forkChild(process.start, { startImmediately: true })
        yield* Fiber.interrupt(starting)
        assert.isFalse(isRunning(spare!))
        assert.deepStrictEqual(yield* Mp.activeChildren, [])
        assert.strictEqual(yield* Mp.Process.run(half, 4), 2)
        assert.deepStrictEqual(warnings(lines), [])
      })
    )
  )

  it.live(
    "leaves nothing behind when the start of its process is interrupted while it still imports",
    withSpares({ preload: [fixture("broken/slow.ts")] })(() =>
      Effect.gen(function*() {
        const [spare] = children()
        const process = yield* Mp.Process.make(double, 1)
        const starting = yield* Effect.forkChild(process.start, { startImmediately: true })
        yield* Fiber.interrupt(starting)
        assert.isFalse(isRunning(spare!))
        assert.deepStrictEqual(yield* Mp.activeChildren, [])
      })
    )
  )
})

describe("processes are started fresh, and a warning says why, once", () => {
  it.live(
    "when a module that should be imported beforehand fails",
    withSpares({ spares: 2, preload: [fixture("broken/throws.ts")] })((lines) =>
      Effect.gen(function*() {
        assert.strictEqual(yield* Mp.Process.run(double, 21), 42)
        yield* eventually("the end of the spares", Effect.sync(() => children().length === 0))
        assert.strictEqual(yield* Mp.Process.run(double, 22), 44)
        const [warning, ...others] = warnings(lines)
        assert.match(warning!, /^WARN No process is kept ready any more: .* this module\s+refuses/s)
        assert.deepStrictEqual(others, [])
      })
    )
  )

  it.live(
    "when one spare after the other ends",
    Effect.fnUntraced(function*() {
      const directory = yield* temporaryDirectory
      const evaluations = path.join(directory, "evaluations")
      yield* environment("EVALUATIONS", evaluations)
      yield* withSpares({ preload: [fixture("warm/dies.ts")] })((lines) =>
        Effect.gen(function*() {
          yield* eventually("a warning", Effect.sync(() => warnings(lines).length > 0), "40 seconds")
          assert.strictEqual(fs.readFileSync(evaluations, "utf8"), "xxxx")
          assert.strictEqual(yield* Mp.Process.run(double, 21), 42)
          assert.strictEqual(fs.readFileSync(evaluations, "utf8"), "xxxx")
          assert.match(warnings(lines)[0]!, /one after the other ended while it waited.*exit code 7/s)
          assert.strictEqual(warnings(lines).length, 1)
        })
      )()
    })
  )
})

describe("the options of the spares", () => {
  it.live(
    "BOOT-03 are modules by URL or absolute path, and a number; all else is a mistake that the layer tells",
    () =>
      Effect.gen(function*() {
        const problem = Effect.fnUntraced(function*(options: Mp.Spawner.WarmOptions) {
          const exit = yield* Effect.exit(Effect.scoped(Layer.build(Mp.Spawner.layerWarm(options))))
          const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
          assert.instanceOf(error, Mp.InvalidArgument)
          return (error as Mp.InvalidArgument).message
        })
        assert.strictEqual(
          yield* problem({ preload: ["./tasks.ts"] }),
          "Spawner: layerWarm: preload has \"./tasks.ts\". Give URLs, such as import.meta.url, or absolute paths"
        )
        // @ts-expect-error a number is no module
        assert.match(yield* problem({ preload: [import.meta.url, 1] }), /preload has "1"/)
        assert.match(yield* problem({ spares: -1 }), /spares is -1/)
        assert.match(yield* problem({ spares: 0.5 }), /spares is 0.5/)
        assert.deepStrictEqual(children(), [])
      })
  )

  it.live(
    "may be no spares at all",
    withSpares({ spares: 0 })(() =>
      Effect.gen(function*() {
        assert.deepStrictEqual(children(), [])
        assert.strictEqual(yield* Mp.Process.run(double, 21), 42)
      })
    )
  )
})

describe("spares end", () => {
  it.live(
    "with their layer, also those that do not listen",
    Effect.fnUntraced(function*() {
      const scope = yield* Scope.make()
      for (const preload of [[], [fixture("broken/slow.ts")], [fixture("broken/spinning.ts")]]) {
        yield* Layer.buildWithScope(Mp.Spawner.layerWarm({ preload, spares: 2 }), scope)
      }
      const spares = children()
      assert.strictEqual(spares.length, 6)
      yield* Scope.close(scope, Exit.void).pipe(within("20 seconds", "the end of the layers"))
      assert.deepStrictEqual(spares.filter(isRunning), [])
    })
  )

  it.live.each(["SIGKILL", "exit"])(
    "with their process: %s",
    Effect.fnUntraced(function*(death: string) {
      const directory = yield* temporaryDirectory
      const main = yield* startProgram(program("spares.ts"), {
        args: [death === "exit" ? "exit" : "wait"],
        env: { TMPDIR: directory }
      })
      const [, json] = yield* main.line(/^ready (.*)$/).pipe(within("20 seconds", "the spares"))
      const { children } = Schema.decodeUnknownSync(
        Schema.fromJsonString(Schema.Struct({ children: Schema.Array(Schema.Int) }))
      )(json)
      assert.strictEqual(children.length, 2)
      if (death === "SIGKILL") yield* main.signal("SIGKILL")
      const { code } = yield* main.finished.pipe(within("10 seconds", "the end of the main program and its spares"))
      assert.strictEqual(code, death === "exit" ? 3 : null)
      yield* untilGone(children)
      yield* eventually("the end of the guard", Effect.sync(() => processesOf(directory).length === 0))
    })
  )

  it.live(
    "with a process that has nothing else to do: they do not keep it alive",
    Effect.fnUntraced(function*() {
      const { code, stderr } = yield* runProgram(program("spares.ts"), { args: ["leave"] })
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
    })
  )
})

describe("a program whose spares import it", () => {
  it.live(
    "BOOT-05 has children and grandchildren, and nobody writes anything that it was not told to",
    Effect.fnUntraced(function*() {
      const { code, stderr, stdout } = yield* runProgram(program("preloads.ts"))
      assert.deepStrictEqual({ code, stdout, stderr }, { code: 0, stdout: "ok\n", stderr: "" })
    })
  )
})
