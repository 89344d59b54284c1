import { assert, describe, it } from "@effect/vitest"
import { FrameMemory } from "../../src/internal/pool/frameMemory.ts"
import * as Frames from "../../src/internal/pool/frames.ts"
import { Random, seed, seedNote } from "../support/random.ts"

const span = { traceId: "0123456789abcdef0123456789abcdef", spanId: "0123456789abcdef", sampled: true }

describe("the frames of a pool", () => {
  it("are read as they were written, up to the largest number", () => {
    for (const number of [0, 1, 255, 256, 65_536, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
      const body = new Uint8Array([1, 2, 3])
      assert.deepStrictEqual(Frames.parse(Frames.toBytes(Frames.frame(Frames.Kind.Success, number, body))), {
        kind: Frames.Kind.Success,
        number,
        body
      })
    }
    assert.strictEqual(Frames.parse(Frames.toBytes(Frames.frame(Frames.Kind.Ready, 0))).body.length, 0)
  })

  it("hold a task with its target, its span and its payload, and its number can be read without the rest", () => {
    const random = new Random(seed)
    for (let i = 0; i < 500; i++) {
      const task: Frames.Task = {
        isSeries: random.chance(0.5),
        id: random.int(2 ** 32),
        target: random.int(2 ** 32),
        batch: random.int(2 ** 32),
        span: random.chance(0.5) ? span : undefined,
        payload: new Uint8Array(random.bytes(random.int(100)))
      }
      const bytes = Frames.task(task, new FrameMemory())
      const parsed = Frames.parseTask(bytes)
      assert.deepStrictEqual({ ...parsed, payload: new Uint8Array(parsed.payload) }, task, seedNote(random))
      assert.strictEqual(Frames.taskId(bytes), task.id, seedNote(random))
      assert.strictEqual(Frames.parse(bytes).number, task.id, seedNote(random))
    }
  })

  it("hold a span that is longer than 255 bytes", () => {
    const long = { ...span, traceId: "ä".repeat(5_000) }
    const payload = new Uint8Array([9])
    const task = { isSeries: false, id: 1, target: 2, batch: 3, span: long, payload }
    assert.deepStrictEqual(Frames.parseTask(Frames.task(task, new FrameMemory())), task)
  })

  it("keep the values before a failure apart from it", () => {
    for (const [values, exit] of [[[], []], [[1, 2], []], [[], [3]], [[1, 2, 3], [4, 5]]] as const) {
      const frame = Frames.failureAfter(7, new Uint8Array(values), new Uint8Array(exit))
      const { body, kind, number } = Frames.parse(Frames.toBytes(frame))
      assert.deepStrictEqual([kind, number], [Frames.Kind.FailureAfter, 7])
      const parsed = Frames.parseFailureAfter(body)
      assert.deepStrictEqual([Array.from(parsed.values), Array.from(parsed.exit)], [[...values], [...exit]])
    }
  })

  it("say where a target is, and what it inherits", () => {
    const load = {
      module: "file:///größe.ts",
      name: "the \"target\"",
      inherited: [new Uint8Array([]), new Uint8Array([0, 255, 128])]
    }
    const { body, kind, number } = Frames.parse(Frames.toBytes(Frames.load(3, load)))
    assert.deepStrictEqual([kind, number], [Frames.Kind.Load, 3])
    assert.deepStrictEqual(Frames.parseLoad(body), load)
  })

  it("say why a target can't be loaded, whatever was thrown", () => {
    const error = new TypeError("no such thing")
    const { body, kind } = Frames.parse(Frames.toBytes(Frames.cantLoad(1, error)))
    assert.strictEqual(kind, Frames.Kind.CantLoad)
    assert.deepStrictEqual(Frames.parseJson(body), {
      reason: "HandOverFailed",
      message: "no such thing",
      stack: error.stack
    })
    assert.deepStrictEqual(Frames.notLoaded("ModuleFailed", "just text"), {
      reason: "ModuleFailed",
      message: "just text",
      stack: ""
    })
  })
})
