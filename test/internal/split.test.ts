import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const { coldOf, hotOf, split } = await import(new URL("../../.ci/split.mjs", import.meta.url).href)

/** Splits modules with these texts, of which `root.js` is used as it is, and gives what the halves of `one.js` have. */
const halvesOf = (
  texts: Record<string, string>,
  common: ReadonlyArray<string> = []
): { readonly cold: ReadonlyArray<string>; readonly texts: { readonly hot: string; readonly cold: string } } => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "split-"))
  try {
    const files = Object.entries(texts).map(([name, text]) => {
      const file = path.join(directory, name)
      fs.writeFileSync(file, text)
      return file
    })
    const isRoot = (file: string) => file.endsWith("root.js")
    const one = path.join(directory, "one.js")
    const { cold, texts: made } = split(files, {
      isCommon: (file: string, name: string) => file === one && common.includes(name),
      isRoot,
      isRun: () => true,
      mayBeSplit: (file: string) => !isRoot(file)
    })
    return { cold: cold.get(one) ?? [], texts: { hot: made.get(hotOf(one)) ?? "", cold: made.get(coldOf(one)) ?? "" } }
  } finally {
    fs.rmSync(directory, { recursive: true, force: true })
  }
}

describe("of a module, what nobody uses waits", () => {
  const root = "import { used } from './one.js'\nused()\n"

  it("and what is used, by whatever way, does not", () => {
    const one = "const inner = () => 1\nexport const used = () => inner()\nexport const other = () => 2\n" +
      "export function far() {}\nexport const near = () => 3\n"
    assert.deepStrictEqual(halvesOf({ "root.js": root, "one.js": one }).cold, ["other", "far", "near"])
    const all = "import * as One from './one.js'\nimport { far } from './two.js'\nOne.used(far, One.near)\n"
    const two = "export { far } from './one.js'\n"
    assert.deepStrictEqual(halvesOf({ "root.js": all, "one.js": one, "two.js": two }).cold, ["other"])
    const whole = "import * as One from './one.js'\nexport const names = Object.keys(One)\n"
    assert.deepStrictEqual(halvesOf({ "root.js": whole, "one.js": one }).cold, [])
    assert.deepStrictEqual(halvesOf({ "root.js": root, "one.js": one }, ["other"]).cold, ["far", "near"])
  })

  it("with what it has of the other half, and of other modules", () => {
    const { texts } = halvesOf({
      "root.js": root,
      "two.js": "export const two = () => 2\n",
      "one.js": "import { two } from './two.js'\nconst shared = () => 1\nexport const used = () => shared()\n" +
        "const helper = () => two()\nconst other = () => shared() + helper()\nexport { other as renamed }\n"
    })
    assert.match(texts.cold, /^import \{ shared \} from ".*one\.js";\n/)
    assert.match(texts.cold, /const helper[^]*const other[^]*export \{ other \};/)
    assert.notMatch(texts.cold, /const (used|shared)/)
    assert.match(texts.hot, /const shared[^]*const used[^]*export \{ used, shared \};/)
    assert.notMatch(texts.hot, /const (other|helper)/)
  })

  const later: Record<string, string> = {
    "a call that is not known to be pure": "export const other = make()\nfunction make() {}\n",
    "what is assigned to": "let count = 0\nexport const other = () => count++\n",
    "what reads a variable that may change":
      "let count = 0\nexport const set = (n) => { count = n }\nexport const other = () => count\n",
    "what reads one of another module": "import { count } from './two.js'\nexport const other = () => count\n",
    "a class with a block that is run": "export class other { static { globalThis.x = 1 } }\n",
    "several at a time": "export const other = () => 1, more = () => 2\n"
  }
  it.each(Object.keys(later))("but not %s", (what) => {
    const one = `export const used = () => {}\n${later[what]}`
    assert.notInclude(halvesOf({ "root.js": root, "one.js": one, "two.js": "export let count = 0\n" }).cold, "other")
  })

  it("as do calls that say that they are pure, classes and constants", () => {
    const one =
      "export const used = () => {}\nconst make = () => ({})\nexport const called = /*#__PURE__*/make(used)\n" +
      "export class Base {}\nexport const Made = class extends Base { static a = 1 }\nexport const table = { a: [used, 1] }\n"
    assert.deepStrictEqual(halvesOf({ "root.js": root, "one.js": one }).cold, ["called", "Base", "Made", "table"])
  })
})
