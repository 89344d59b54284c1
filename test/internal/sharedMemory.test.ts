import { afterAll, assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as path from "node:path"
import { make } from "../../src/internal/transport/sharedMemory.ts"

const directories: Array<string> = []
const problems: Array<unknown> = []
const shared = make({
  onDirectory: (directory) => void directories.push(directory),
  onUnavailable: (problem) => void problems.push(problem)
})

afterAll(() => {
  for (const directory of directories) fs.rmSync(directory, { recursive: true, force: true })
})

const size = 100_000

describe.skipIf(!shared.isAvailable())("shared memory", () => {
  it("is the same for whoever opens it by its name, and goes on without the name", () => {
    const segment = shared.create(size)!
    assert.strictEqual(segment.memory.byteLength, size)
    const opened = shared.open(segment.name, size)!
    segment.unlink()
    new Uint8Array(segment.memory).fill(7)
    assert.isTrue(new Uint8Array(opened.memory).every((byte) => byte === 7))
    segment.release()
    opened.release()
    assert.deepStrictEqual(problems, [])
  })

  it("is all there from the beginning, and empty", () => {
    const segment = shared.create(size)!
    assert.isAtLeast(fs.statSync(segment.name).blocks * 512, size)
    assert.isTrue(new Uint8Array(segment.memory).every((byte) => byte === 0))
    segment.unlink()
    segment.release()
  })

  it("is opened by nobody who expects another size", () => {
    const segment = shared.create(size)!
    assert.isUndefined(shared.open(segment.name, size + 1))
    assert.match(String(problems.pop()), /another size/)
    segment.unlink()
    segment.release()
  })

  it("takes no more than a tenth of what is free, and leaves nothing behind if that is not enough", () => {
    const directory = path.dirname(shared.create(size)!.name)
    const { bavail, bsize } = fs.statfsSync(directory)
    const before = fs.readdirSync(directory)
    assert.isUndefined(shared.create(Math.ceil(bavail * bsize / 5)))
    assert.deepStrictEqual(fs.readdirSync(directory), before)
    assert.deepStrictEqual(problems, [])
  })

  const hasLargePages = fs.existsSync("/sys/kernel/mm/transparent_hugepage/enabled")

  it.skipIf(!hasLargePages)("has long blocks of this process in large pages", () => {
    const mebibyte = 1024 * 1024
    /** Mappings for which that is so. */
    const marked = () => fs.readFileSync("/proc/self/smaps", "latin1").match(/^VmFlags:.* hg\b/gm)?.length ?? 0
    const before = marked()
    const memory = shared.allocateLong(64 * mebibyte, Buffer.allocUnsafeSlow)
    assert.strictEqual(marked(), before + 1)
    assert.isTrue(memory.fill(7).every((byte) => byte === 7))
    for (const size of [0, 1, mebibyte, 8 * mebibyte]) {
      assert.strictEqual(shared.allocateLong(size, Buffer.allocUnsafeSlow).length, size)
    }
    assert.deepStrictEqual(problems, [])
  })
})
