import { assert, describe, it } from "@effect/vitest"
import { asValues, importsOf, makeBarrel } from "../../src/internal/process/barrel.ts"

describe("what the text of a module imports from a package", () => {
  const cases: Record<string, readonly [text: string, names: ReadonlyArray<string> | "all"]> = {
    "nothing, if it is not mentioned": ["import { A } from \"effect/Effect\"", []],
    "names": ["import { A, B as C, type D, type } from \"effect\"", ["A", "B", "D", "type"]],
    "names on several lines, with a comma at the end": ["import {\n  A,\n  B,\n} from 'effect'", ["A", "B"]],
    "types, which may be there when types have been stripped or not": ["import type { A } from \"effect\"", ["A"]],
    "names that are exported again": ["export { A as default } from \"effect\"", ["A"]],
    "names of several imports": ["import {A} from \"effect\"; import {B} from \"effect\"", ["A", "B"]],
    "names without white space, as bundlers write it": ["import{A,B as b}from\"effect\";", ["A", "B"]],
    "what is used of a namespace": ["import * as E from \"effect\"\nE.A.of(1); E\n  .B", ["A", "B"]],
    "what is used of a namespace whose name is part of others": [
      "import * as $E from \"effect\"\nconst $E2 = 1, a$E = x.$E\n$E.A",
      ["A"]
    ],
    "all, if a namespace is used as a whole": ["import * as E from \"effect\"\nf(E)", "all"],
    "all, if a namespace is exported again": ["import * as E from \"effect\"\nexport { E }", "all"],
    "all, if it is exported as a whole": ["export * from \"effect\"", "all"],
    "all, if it is imported while the program runs": ["const { A } = await import(\"effect\")", "all"],
    "all, if it is imported by a text with backticks": ["const { A } = await import(`effect`)", "all"],
    "all, if it is required": ["const { A } = require(\"effect\")", "all"],
    "all, if there is a default beside the names": ["import E, { A } from \"effect\"", "all"],
    "all, if it is mentioned in any other way": ["const name = \"effect\"\nimport { A } from \"effect\"", "all"],
    "what is exported again as a namespace: all": ["export * as E from \"effect\"", "all"],
    "names only, beside those of others": ["import { A } from \"effect\"; import { B } from \"effect/B\"", ["A"]],
    "names only, if a comment mentions it in backticks": ["// uses `effect`\nimport { A } from \"effect\"", ["A"]]
  }
  for (const [what, [text, expected]] of Object.entries(cases)) {
    it(what, () => {
      const names = importsOf(text)("effect")
      assert.deepStrictEqual(names === "all" ? names : [...names], expected)
    })
  }
})

describe("a module that exports others", () => {
  /** A barrel of two modules and a value of a third one, the exports that were given last, and the modules that have been run. */
  const make = () => {
    const ran: Array<string> = []
    const run = (name: string) => {
      ran.push(name)
      return Object.assign(Object.create(null), { name, [Symbol.iterator]: 1 }) as Record<string, unknown>
    }
    const modules: Record<string, Record<string, unknown>> = {}
    const barrel = makeBarrel(
      ["A", "B", "value"],
      (name) => name === "value" ? { value: 1 } : { lazy: () => modules[name] ??= run(name) }
    )
    const given: Array<Readonly<Record<string, unknown>>> = []
    return { barrel, ran, modules, given, use: () => barrel.use((all) => void given.push({ ...all })) }
  }

  it("runs none before something of it is touched, and then as often as once", () => {
    const { given, ran, use } = make()
    use()
    const { A, value } = given[0]!
    assert.deepStrictEqual([ran, value], [[], 1])
    for (let i = 0; i < 2; i++) assert.strictEqual((A as { name: string }).name, "A")
    assert.deepStrictEqual(ran, ["A"])
  })

  it("gives a module that was not wanted all the properties of a module", () => {
    const { given, modules, use } = make()
    use()
    const { A } = given[0]! as { readonly A: object }
    assert.deepStrictEqual(Object.keys(A), ["name"])
    assert.deepStrictEqual(Reflect.ownKeys(A), Reflect.ownKeys(modules["A"]!))
    assert.deepStrictEqual({ ...A }, { ...modules["A"] } as object)
    assert.isTrue("name" in A)
    assert.isFalse("other" in A)
    assert.isUndefined((A as { other?: unknown }).other)
    assert.isNull(Object.getPrototypeOf(A))
  })

  it("gives the modules themselves that were wanted before", () => {
    const { barrel, given, modules, ran, use } = make()
    barrel.want(["A", "unknown"])
    use()
    assert.strictEqual(given[0]!["A"], modules["A"])
    assert.deepStrictEqual(ran, ["A"])
  })

  it("gives what is wanted later to those who use it already, and nothing if nothing is new", () => {
    const { barrel, given, modules, ran, use } = make()
    use()
    barrel.want(["B"])
    barrel.want(["B", "unknown", "value"])
    assert.strictEqual(given.length, 2)
    assert.strictEqual(given[1]!["B"], modules["B"])
    barrel.want("all")
    assert.deepStrictEqual(ran, ["B", "A"])
    assert.strictEqual(given[2]!["A"], modules["A"])
  })
})

describe("exports with getters, for a module that can't have any", () => {
  it("are functions that call what a getter gives, and get it when they are called", () => {
    let got = 0
    const exports = {
      plain: 1,
      get twice() {
        got++
        return function(this: unknown, ...args: ReadonlyArray<unknown>) {
          return [this, ...args, ...args]
        }
      }
    }
    const { plain, twice } = asValues(exports)
    assert.strictEqual(plain, 1)
    assert.strictEqual(got, 0)
    assert.deepStrictEqual((twice as typeof exports.twice).call("it", 1, undefined), ["it", 1, undefined, 1, undefined])
    assert.strictEqual(got, 1)
  })
})
