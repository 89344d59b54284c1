import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Redacted } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as Mp from "../src/index.ts"
import { descriptors } from "./fixtures/process/descriptors.ts"
import { whoami } from "./fixtures/process/whoami.ts"
import { command, inProcesses, isInvalid, nextReport, reported } from "./support/inProcesses.ts"
import { leavesNothingBehind } from "./support/processes.ts"

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

it.live(
  "PROC-19 the number of processors is a whole number, and at least 1",
  Effect.fnUntraced(function*() {
    const count = yield* Mp.cpuCount
    assert.isTrue(Number.isInteger(count) && count >= 1)
  })
)
