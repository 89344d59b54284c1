import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { expectedLines, findBlocks, firstMissing, makeWorkspace, type Workspace } from "./support/docs.ts"

const timeout = 180_000
const blocks = await findBlocks()

describe("the rules for results", () => {
  it("reads the text of every result comment", () => {
    assert.deepStrictEqual(expectedLines("a() // => 1\n// => two\nb() // is 3\nconst c = \"//=> 4\""), ["1", "two"])
  })

  it("looks for whole lines in their order, and lets others stand between", () => {
    assert.isUndefined(firstMissing(["1", "2"], "1\nother\n 2 \n"))
    assert.strictEqual(firstMissing(["2", "1"], "1\n2\n"), "1")
    assert.strictEqual(firstMissing(["1", "1"], "1\n2\n"), "1")
    assert.strictEqual(firstMissing(["1"], "10\n"), "1")
  })
})

describe.concurrent("the documentation", () => {
  let workspace: Workspace

  beforeAll(async () => {
    workspace = await makeWorkspace(blocks)
  }, timeout)

  afterAll(() => workspace?.remove())

  for (const block of blocks) {
    it(`${block.file}:${block.line} ${block.title}`, { timeout }, async ({ expect }) => {
      expect(workspace.diagnosticsOf(block)).toBe("")
      if (!block.runs) return
      const { code, signal, stderr, stdout } = await workspace.run(block)
      const output = `\n--- stdout\n${stdout}\n--- stderr\n${stderr}`
      expect(signal ?? code, `it must end with exit code 0${output}`).toBe(0)
      const missing = firstMissing(expectedLines(block.code), stdout)
      expect(missing, `this line is missing in the output, or stands before the ones above it${output}`).toBe(undefined)
    })
  }
})
