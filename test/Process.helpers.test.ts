/**
 * What stands where Python has a fork server: a guard that may be killed, and a channel that needs no key.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Mp from "../src/index.ts"
import { double } from "./fixtures/process/double.ts"
import { lingers } from "./fixtures/process/lingers.ts"
import { maps } from "./fixtures/process/maps.ts"
import { Reports } from "./fixtures/process/reports.ts"
import { childrenOf, commandOf, leavesNothingBehind } from "./support/processes.ts"
import { eventually, within } from "./support/waiting.ts"

const guards = () => childrenOf(process.pid).filter((pid) => commandOf(pid).startsWith("/bin/sh"))

const onLayer = <A, E>(effect: Effect.Effect<A, E, Mp.Hub.Hub | Mp.Spawner.Spawner | Reports>) => () =>
  effect.pipe(
    Effect.provide(Reports.layer.pipe(Layer.provideMerge(Mp.layer))),
    within("25 seconds", "the end of the test")
  )

describe("Where Python has helper processes", () => {
  leavesNothingBehind()

  // Of this file alone, as other tests make sockets too.
  const temporary = mkdtempSync(join(tmpdir(), "helpers-"))
  const before = process.env["TMPDIR"]
  beforeAll(() => {
    process.env["TMPDIR"] = temporary
  })
  afterAll(() => {
    if (before === undefined) delete process.env["TMPDIR"]
    else process.env["TMPDIR"] = before
    rmSync(temporary, { recursive: true, force: true })
  })

  it.live(
    "PROC-31 a killed guard disturbs no child that runs, and the next start brings a new one",
    onLayer(Effect.scoped(Effect.gen(function*() {
      const running = yield* Mp.Process.spawn(lingers)
      const reports = yield* Reports
      assert.strictEqual(yield* reports.get(), "here")
      const [guard] = guards()
      process.kill(guard!, "SIGKILL")
      yield* eventually("the guard is gone", Effect.sync(() => !guards().includes(guard!)))
      assert.strictEqual(yield* Mp.Process.run(double, 21), 42)
      assert.isAbove(guards().length, 0)
      yield* running.interrupt
      yield* Effect.exit(running.join())
      assert.deepStrictEqual(yield* running.exitCode, Option.some(1))
    })))
  )

  it.live(
    "PROC-32 a child is given what it runs over a channel between the two: to start one, nobody has to listen",
    onLayer(Effect.gen(function*() {
      const directories = () => readdirSync(tmpdir()).filter((name) => name.startsWith("effect-mp-"))
      const before = directories()
      assert.strictEqual(yield* Mp.Process.run(double, 1), 2)
      // The socket of a hub lies in such a directory.
      assert.deepStrictEqual(directories().filter((name) => !before.includes(name)), [])
    }))
  )

  it.live(
    "PROC-33 a child with another key is refused by the hub; with the right one everything works again",
    onLayer(Effect.scoped(Effect.gen(function*() {
      const current = yield* Mp.CurrentProcess
      const other = { ...current, authkey: Redacted.make(new Uint8Array(32)) }
      const refused = yield* Effect.exit(
        Effect.provideService(Mp.Process.run(lingers), Mp.CurrentProcess, other)
      )
      assert.strictEqual(refused._tag, "Failure")
      assert.include(String(refused), "HubLost")
      const welcome = yield* Mp.Process.spawn(lingers)
      const reports = yield* Reports
      assert.strictEqual(yield* reports.get(), "here")
      yield* welcome.interrupt
      yield* Effect.exit(welcome.join())
    })))
  )

  it.live(
    "PROC-44 a child maps seven numbers on four processes of its own",
    onLayer(Effect.gen(function*() {
      assert.deepStrictEqual(yield* Mp.Process.run(maps, [1, 2, 3, 4, 5, 6, 7]), [2, 4, 6, 8, 10, 12, 14])
    }))
  )
})
