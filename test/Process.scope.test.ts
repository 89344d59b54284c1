import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Scope } from "effect"
import * as Mp from "../src/index.ts"
import { Disobeyed, obedient } from "./fixtures/process/obedient.ts"
import { dies, exits, signalsItself, succeeds } from "./fixtures/process/outcomes.ts"
import { sleeper } from "./fixtures/process/sleeper.ts"
import { spinner } from "./fixtures/process/spinner.ts"
import { stubborn } from "./fixtures/process/stubborn.ts"
import { captureLogs, command, inProcesses, nothingReported, pidOf, reported } from "./support/inProcesses.ts"
import { isRunning, leavesNothingBehind } from "./support/processes.ts"
import { within } from "./support/waiting.ts"

leavesNothingBehind()

/** The process as its JSON shows it, when its scope is closed and it answers no questions. */
const shown = (process: Mp.Process.Any): { readonly state: string; readonly exitCode: number | string } =>
  JSON.parse(JSON.stringify(process))

const closed = (scope: Scope.Closeable, exit: Exit.Exit<unknown, unknown>) =>
  Scope.close(scope, exit).pipe(within("15 seconds", "the end of the scope"))

describe("a scope that succeeds", () => {
  it.live(
    "PROC-40 joins its processes",
    inProcesses(Effect.gen(function*() {
      const scope = yield* Scope.make()
      const process = yield* Scope.provide(Mp.Process.spawn(obedient), scope)
      const closing = yield* Effect.forkChild(closed(scope, Exit.void), { startImmediately: true })
      assert.instanceOf(yield* Effect.flip(process.join({ timeout: "200 millis" })), Mp.TimedOut)
      assert.isUndefined(closing.pollUnsafe())
      yield* command("end")
      yield* Fiber.join(closing)
      assert.deepInclude(shown(process), { state: "closed", exitCode: 0 })
    }))
  )

  it.live(
    "PROC-40 stops its daemonic processes, and their finalizers run",
    inProcesses(Effect.gen(function*() {
      const scope = yield* Scope.make()
      const process = yield* Scope.provide(Mp.Process.spawn(sleeper, undefined, { daemon: true }), scope)
      yield* reported("running")
      yield* closed(scope, Exit.void)
      yield* reported("interrupted")
      assert.deepInclude(shown(process), { state: "closed", exitCode: 1 })
    }))
  )
})

describe("a scope that fails or is interrupted", () => {
  it.live(
    "stops its processes, and their finalizers run",
    inProcesses(Effect.gen(function*() {
      const scope = yield* Scope.make()
      const process = yield* Scope.provide(Mp.Process.spawn(sleeper), scope)
      yield* reported("running")
      yield* closed(scope, Exit.fail("an error"))
      yield* reported("interrupted")
      assert.deepInclude(shown(process), { state: "closed", exitCode: 1 })
    }))
  )

  it.live(
    "stops its processes when the fiber is interrupted that uses it",
    inProcesses(Effect.gen(function*() {
      const running = yield* Effect.forkChild(
        Effect.scoped(Effect.andThen(Mp.Process.spawn(sleeper), Effect.never)),
        { startImmediately: true }
      )
      yield* reported("running")
      const [process] = yield* Mp.activeChildren
      yield* Fiber.interrupt(running)
      yield* reported("interrupted")
      assert.deepInclude(shown(process!), { state: "closed", exitCode: 1 })
    }))
  )

  it.live(
    "stops its processes when it is interrupted while it joins them",
    inProcesses(Effect.gen(function*() {
      const closing = yield* Effect.forkChild(Effect.scoped(Mp.Process.spawn(sleeper)), { startImmediately: true })
      yield* reported("running")
      yield* Fiber.interrupt(closing)
      yield* reported("interrupted")
    }))
  )
})

describe("a process that does not let itself be stopped", () => {
  it.live(
    "is killed when the grace period and then a second for SIGTERM have passed",
    inProcesses(Effect.gen(function*() {
      const scope = yield* Scope.make()
      const options = { gracePeriod: "200 millis", daemon: true } as const
      const processes = yield* Effect.all([
        Mp.Process.spawn(stubborn, undefined, options),
        Mp.Process.spawn(spinner, undefined, options)
      ]).pipe(Scope.provide(scope))
      yield* reported("running")
      yield* reported("running")
      yield* command("spin")
      yield* reported("spinning")
      yield* closed(scope, Exit.void)
      assert.deepStrictEqual(processes.map((process) => shown(process).exitCode), ["-SIGKILL", "-SIGKILL"])
    }))
  )

  const gracePeriod = 1000
  /** How long one takes: the grace period, then a second for SIGTERM. A busy machine may take more, but not as much as all would. */
  const one = gracePeriod + 1000

  /** How long an effect takes, in milliseconds. */
  const timeOf = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
    const before = yield* Clock.currentTimeMillis
    yield* within("30 seconds", "the end of the scope")(effect)
    return (yield* Clock.currentTimeMillis) - before
  })

  it.live(
    "costs its scope one grace period, also when there are ten",
    inProcesses(Effect.gen(function*() {
      const scope = yield* Scope.make()
      const processes = yield* Effect.forEach(
        Array.from({ length: 10 }),
        () => Mp.Process.spawn(spinner, undefined, { gracePeriod }),
        { concurrency: 3 }
      ).pipe(Scope.provide(scope))
      for (const _ of processes) yield* reported("running")
      for (const _ of processes) yield* command("spin")
      for (const _ of processes) yield* reported("spinning")
      const time = yield* timeOf(Scope.close(scope, Exit.fail("an error")))
      assert.isAtLeast(time, gracePeriod)
      assert.isBelow(time, 8 * one)
      assert.deepStrictEqual([...new Set(processes.map((process) => shown(process).exitCode))], ["-SIGKILL"])
    }))
  )

  it.live(
    "costs its scope one grace period, also when there are several and the scope is interrupted while it joins them",
    inProcesses(Effect.gen(function*() {
      const closing = yield* Effect.forkChild(
        Effect.scoped(Effect.all(
          Array.from({ length: 4 }, () => Mp.Process.spawn(stubborn, undefined, { gracePeriod })),
          { concurrency: 2 }
        )),
        { startImmediately: true }
      )
      for (let i = 0; i < 4; i++) yield* reported("running")
      assert.isBelow(yield* timeOf(Fiber.interrupt(closing)), 3.5 * one)
    }))
  )
})

describe("a failure that nobody joins", () => {
  it.live(
    "PROC-35 is logged once, with the name of the process and the stack of the child, when the scope closes",
    () => {
      const logs = captureLogs()
      return inProcesses(
        Effect.gen(function*() {
          yield* Effect.scoped(Effect.gen(function*() {
            const process = yield* Mp.Process.spawn(dies, undefined, { name: "the worker" })
            yield* process.sentinel
            assert.deepStrictEqual(logs.lines, [])
          }))
          assert.strictEqual(logs.lines.length, 1)
          assert.match(logs.lines[0]!, /^ERROR the worker failed, and nobody joined it WrongNumber: 41 is wrong\n/)
          assert.include(logs.lines[0], "outcomes.ts")
        }).pipe(Effect.provide(logs.layer))
      )()
    }
  )

  it.live(
    "is logged of every process: daemonic, in a scope that failed, ended by a signal that nobody here has sent",
    () => {
      const logs = captureLogs()
      return inProcesses(
        Effect.gen(function*() {
          const scope = yield* Scope.make()
          const processes = yield* Effect.all([
            Mp.Process.spawn(dies, undefined, { name: "a", daemon: true }),
            Mp.Process.spawn(exits, 3, { name: "b" }),
            Mp.Process.spawn(signalsItself, "SIGKILL", { name: "c" })
          ], { concurrency: 2 }).pipe(Scope.provide(scope))
          yield* Effect.forEach(processes, (process) => process.sentinel)
          yield* closed(scope, Exit.fail("another error"))
          assert.deepStrictEqual(logs.lines.map((line) => line.slice(0, 31)).toSorted(), [
            "ERROR a failed, and nobody join",
            "ERROR b failed, and nobody join",
            "ERROR c failed, and nobody join"
          ])
        }).pipe(Effect.provide(logs.layer))
      )()
    }
  )

  it.live(
    "is not logged when there is none: it was joined, the process succeeded, was stopped by this one, or never started",
    () => {
      const logs = captureLogs()
      return inProcesses(
        Effect.gen(function*() {
          yield* Effect.scoped(Effect.gen(function*() {
            const [failing, killed, terminated] = yield* Effect.all([
              Mp.Process.spawn(exits, 3),
              Mp.Process.spawn(sleeper),
              Mp.Process.spawn(sleeper),
              Mp.Process.spawn(succeeds),
              Mp.Process.spawn(sleeper, undefined, { daemon: true })
            ], { concurrency: 2 })
            yield* Effect.flip(failing.join())
            yield* killed.kill
            yield* terminated.terminate
            const missing = Mp.Target.make("work", { module: "file:///nowhere.ts" }, () => Effect.void)
            yield* Effect.flip(Mp.Process.spawn(missing))
          }))
          assert.deepStrictEqual(logs.lines, [])
        }).pipe(Effect.provide(logs.layer))
      )()
    }
  )
})

describe("Process.run", () => {
  /** Runs while the first of the two is still running, and gives the pid of its process. */
  const pidWhileRunning = Effect.gen(function*() {
    yield* reported("running")
    const [process] = yield* Mp.activeChildren
    return yield* pidOf(process!)
  })

  it.live(
    "leaves no process when it loses a race",
    inProcesses(Effect.gen(function*() {
      const pid = yield* Effect.raceFirst(Effect.andThen(Mp.Process.run(sleeper), Effect.never), pidWhileRunning)
      assert.isFalse(isRunning(pid))
      yield* reported("interrupted")
      assert.deepStrictEqual(yield* Mp.activeChildren, [])
    }))
  )

  it.live(
    "leaves no process when it times out, however far it came",
    inProcesses(Effect.gen(function*() {
      for (const timeout of [1, 50, 1000]) {
        const error = yield* Effect.flip(
          Mp.Process.run(stubborn, undefined, { gracePeriod: 0 }).pipe(Effect.timeout(timeout))
        )
        assert.strictEqual(error._tag, "TimeoutError")
        assert.deepStrictEqual(yield* Mp.activeChildren, [])
      }
    }))
  )

  it.live(
    "can be retried: each attempt is a process of its own",
    inProcesses(Effect.gen(function*() {
      yield* Effect.forEach(["fail", "fail", "done"], command)
      assert.strictEqual(yield* Effect.retry(Mp.Process.run(obedient), { times: 2 }), "done")
      yield* Effect.forEach(["fail", "fail"], command)
      const error = yield* Effect.flip(Effect.retry(Mp.Process.run(obedient), { times: 1 }))
      assert.instanceOf(error, Disobeyed)
      assert.deepStrictEqual(yield* Mp.activeChildren, [])
    }))
  )

  it.live(
    "stops the others when one of several at a time fails",
    inProcesses(Effect.gen(function*() {
      const several = Effect.all([
        Effect.andThen(Mp.Process.run(sleeper), Effect.never),
        Mp.Process.run(obedient)
      ], { concurrency: "unbounded" })
      const running = yield* Effect.forkChild(Effect.flip(several))
      const pid = yield* pidWhileRunning
      yield* command("fail")
      assert.instanceOf(yield* Fiber.join(running), Disobeyed)
      assert.isFalse(isRunning(pid))
      yield* reported("interrupted")
      yield* nothingReported
      assert.deepStrictEqual(yield* Mp.activeChildren, [])
    }))
  )
})
