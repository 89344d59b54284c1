import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Redacted } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as Mp from "../src/index.ts"
import { descriptors } from "./fixtures/process/descriptors.ts"
import { name, names } from "./fixtures/process/names.ts"
import { nest } from "./fixtures/process/nest.ts"
import { watched } from "./fixtures/process/orphan.ts"
import { ownQueue } from "./fixtures/process/ownQueue.ts"
import { spawns } from "./fixtures/process/spawns.ts"
import { Paths, tree } from "./fixtures/process/tree.ts"
import { whoami } from "./fixtures/process/whoami.ts"
import { command, inProcesses, isInvalid, nextReport, reported } from "./support/inProcesses.ts"
import { isRunning, leavesNothingBehind, untilGone } from "./support/processes.ts"
import { within } from "./support/waiting.ts"

leavesNothingBehind()

describe("the main process", () => {
  it.live(
    "PROC-01 knows its name and pid, is not daemonic, has a key of 32 random bytes, and no parent",
    Effect.fnUntraced(function*() {
      const current = yield* Mp.CurrentProcess
      assert.strictEqual(current.name, "MainProcess")
      assert.strictEqual(current.pid, process.pid)
      assert.isFalse(current.daemon)
      assert.deepStrictEqual(current.parent, Option.none())
      const key = Redacted.value(current.authkey)
      assert.strictEqual(key.length, 32)
      assert.isAbove(new Set(key).size, 8)
      assert.strictEqual((yield* Mp.CurrentProcess).authkey, current.authkey)
    })
  )

  it.live(
    "PROC-01 can't be joined by itself",
    Effect.fnUntraced(function*() {
      const error = yield* isInvalid(Effect.flatMap(Mp.CurrentProcess, ({ join }) => join), "JoinSelf")
      assert.strictEqual(error.message, "MainProcess: join: a process can't wait for its own end.")
    })
  )
})

describe("a child", () => {
  it.live(
    "PROC-06 PROC-08 knows its name and pid, and those of its parent",
    inProcesses(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(whoami, undefined, { name: "the worker" })
      const self = yield* process.join()
      assert.strictEqual(self.name, "the worker")
      assert.deepStrictEqual(Option.some(self.pid), yield* process.pid)
      assert.strictEqual(self.osPid, self.pid)
      assert.strictEqual(self.osParent, globalThis.process.pid)
      assert.isFalse(self.daemon)
      assert.deepStrictEqual(
        self.parent,
        Option.some({ name: "MainProcess", pid: globalThis.process.pid, isAlive: true })
      )
      assert.strictEqual(self.joinSelf, "the worker: join: a process can't wait for its own end.")
      assert.strictEqual(self.children, 0)
    }))
  )

  it.live(
    "BOOT-20 has the key of its parent, and neither its arguments nor its environment show it",
    inProcesses(Effect.gen(function*() {
      const self = yield* Mp.Process.run(whoami)
      const key = Redacted.value((yield* Mp.CurrentProcess).authkey)
      assert.strictEqual(self.digest, createHash("sha256").update(key).digest("hex"))
      assert.strictEqual(self.authkeyAsText, "<redacted:authkey> \"<redacted:authkey>\"")
      const forms = ["hex", "base64", "base64url", "latin1"].map((encoding) =>
        Buffer.from(key).toString(encoding as BufferEncoding)
      )
      for (const form of forms) {
        for (const text of [self.commandLine, self.environment, JSON.stringify(self.argv)]) {
          assert.notInclude(text, form)
        }
        assert.notInclude(fs.readFileSync("/proc/self/environ", "latin1"), form)
      }
    }))
  )

  it.live(
    "PROC-37 is called Process-N, its children Process-N:M, and the numbers begin anew in each process",
    inProcesses(Effect.gen(function*() {
      const [first, second, third] = yield* Effect.all([
        Mp.Process.run(names),
        Mp.Process.run(name, undefined, { name: "the worker" }),
        Mp.Process.run(names, undefined, { name: "the other" })
      ], { concurrency: 2 })
      assert.deepStrictEqual(first, ["Process-1", "Process-1:1", "Process-1:2"])
      assert.strictEqual(second, "the worker")
      assert.deepStrictEqual(third, ["the other", "Process-3:1", "Process-3:2"])
    }))
  )

  it.live(
    "BOOT-17 can have children that have children, five generations deep, and nothing is left of them",
    inProcesses(Effect.gen(function*() {
      const generations = yield* Mp.Process.run(nest, 4)
      assert.deepStrictEqual(generations.map(({ name }) => name), [
        "Process-1",
        "Process-1:1",
        "Process-1:1:1",
        "Process-1:1:1:1",
        "Process-1:1:1:1:1"
      ])
      let parentPid = process.pid
      for (const generation of generations) {
        assert.strictEqual(generation.parentPid, parentPid)
        parentPid = generation.pid
      }
      yield* untilGone(generations.map(({ pid }) => pid), "1 second")
    }))
  )

  it.live(
    "PROC-05 may have children, unless it is daemonic",
    inProcesses(Effect.gen(function*() {
      assert.strictEqual(yield* Mp.Process.run(spawns), 8)
      const error = yield* isInvalid(Mp.Process.run(spawns, undefined, { daemon: true }), "DaemonicChild")
      assert.strictEqual(
        error.message,
        "Process-2:1: start: daemonic processes are not allowed to have children. " +
          "Start it from a process that is not daemonic."
      )
    }))
  )

  it.live(
    "PROC-43 can make a queue of its own and a daemonic child that fills it",
    inProcesses(Effect.gen(function*() {
      assert.deepStrictEqual(yield* Mp.Process.run(ownQueue), [1, 2, 3, 4])
    }))
  )

  it.live(
    "PROC-21 writes in its turn to a pipe that a whole tree of processes shares",
    inProcesses(
      Effect.gen(function*() {
        const paths = yield* Paths.left
        const process = yield* Mp.Process.spawn(tree, [])
        const received: Array<ReadonlyArray<number>> = []
        while (received.length < 7) {
          received.push(yield* paths.recv().pipe(within("15 seconds", `message ${received.length + 1} of 7`)))
        }
        assert.deepStrictEqual(received, [[], [0], [0, 0], [0, 1], [1], [1, 0], [1, 1]])
        yield* process.join()
        assert.isFalse(yield* paths.poll())
      }).pipe(Effect.provide(Paths.layer))
    )
  )

  it.live(
    "PROC-27 has nothing open that belongs to its siblings",
    inProcesses(Effect.gen(function*() {
      const count = 5
      const processes = yield* Effect.forEach(
        Array.from({ length: count }),
        () => Mp.Process.spawn(descriptors, undefined, { daemon: true }),
        { concurrency: 2 }
      )
      for (const _ of processes) yield* reported("running")
      for (const _ of processes) yield* command("look")
      const open: Array<string> = []
      for (const _ of processes) open.push(yield* nextReport)
      assert.deepStrictEqual(open, Array.from({ length: count }, () => open[0]!))
    }))
  )
})

describe("the parent of a process", () => {
  it.live(
    "PROC-07 is alive as long as it is, and can be waited for",
    inProcesses(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(watched)
      const watcher = Number((yield* nextReport).replace("watcher ", ""))
      yield* reported("alive: true")
      assert.isTrue(isRunning(watcher))
      yield* process.kill
      yield* reported("alive: false")
      yield* untilGone([watcher])
    }))
  )
})

it.live(
  "PROC-19 the number of processors is a whole number, and at least 1",
  Effect.fnUntraced(function*() {
    const count = yield* Mp.cpuCount
    assert.isTrue(Number.isInteger(count) && count >= 1)
  })
)
