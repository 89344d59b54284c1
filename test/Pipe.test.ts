import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Mp from "../src/index.ts"
import { Line, Reports } from "./fixtures/objects/objects.ts"
import { signalled } from "./fixtures/objects/signalled.ts"
import { pipeSuite, waitSuite } from "./suites/objects.ts"
import { withChildren } from "./support/children.ts"
import { pidOf } from "./support/inProcesses.ts"
import { leavesNothingBehind } from "./support/processes.ts"
import { layers } from "./support/sides.ts"

leavesNothingBehind()

for (const [name, layer] of layers) {
  pipeSuite(name, layer)
  waitSuite(name, layer)
}

describe("a pipe to another process", () => {
  it.live(
    "CONN-20 a signal that a child handles tears neither what it receives nor what it sends",
    withChildren(Layer.merge(Line.layer, Reports.layer))(Effect.gen(function*() {
      const left = yield* Line.left
      const reports = yield* Reports
      const child = yield* Mp.Process.spawn(signalled)
      const pid = yield* pidOf(child)
      yield* (yield* Line.right).close
      assert.strictEqual(yield* reports.get(), "receiving")
      process.kill(pid, "SIGUSR2")
      assert.strictEqual(yield* reports.get(), "handled")
      yield* left.send("1234")
      assert.strictEqual(yield* reports.get(), "sending")
      process.kill(pid, "SIGUSR2")
      assert.strictEqual(yield* reports.get(), "handled")
      for (const mark of [1, 2]) {
        const bytes = yield* left.recvBytes()
        assert.strictEqual(bytes.length, 12 * 1024 * 1024)
        assert.isTrue(bytes.every((byte) => byte === mark))
      }
      assert.strictEqual(yield* child.join(), "1234")
    }))
  )
})
