import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { findPackageJSON } from "node:module"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { fileOf, makeFinder, parse } from "../../src/internal/process/packageNames.ts"
import { temporaryDirectory } from "../support/processes.ts"

describe("a specifier", () => {
  it("is the name of a package, and of a module in it", () => {
    assert.deepStrictEqual(parse("effect"), { name: "effect", rest: "" })
    assert.deepStrictEqual(parse("effect/schema/Parser"), { name: "effect", rest: "schema/Parser" })
    assert.deepStrictEqual(parse("@effect/platform-node"), { name: "@effect/platform-node", rest: "" })
    assert.deepStrictEqual(parse("@effect/platform-node/NodeRuntime"), {
      name: "@effect/platform-node",
      rest: "NodeRuntime"
    })
    assert.deepStrictEqual(parse("@effect"), { name: "@effect", rest: "" })
  })

  it("stands for the file of this name, unless that is no public one", () => {
    assert.deepStrictEqual(["", "Effect", "schema/Parser"].map(fileOf), ["index.js", "Effect.js", "schema/Parser.js"])
    for (const rest of ["index", "schema/index", "internal/effect", "schema/internal/ast"]) {
      assert.isUndefined(fileOf(rest))
    }
  })
})

/**
 * A program in a directory, and what finds modules for it in a package `lib` that is known: its root, with the modules `index` and `A`. Files
 * are written by their names.
 */
const setUp = Effect.fnUntraced(function*(files: Readonly<Record<string, string>>) {
  const directory = fs.realpathSync(yield* temporaryDirectory)
  const url = (file: string) => pathToFileURL(path.join(directory, file)).href
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(directory, name)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, text)
  }
  const root = url("node_modules/lib/")
  const modules = `${root}dist/`
  const known = new Set([`${modules}index.js`, `${modules}A.js`])
  const find = makeFinder(new Map([["lib", { root, modules }]]), (url) => known.has(url))
  return { directory, find, modules, url }
})

const lib = { "node_modules/lib/package.json": `{"name":"lib","exports":{"./*":"./dist/*.js"}}` }

describe("a module in a package that is known", () => {
  it.live(
    "is found by who has the package in a directory above, as Node finds it",
    Effect.fnUntraced(function*() {
      const { directory, find, modules, url } = yield* setUp({
        ...lib,
        "package.json": `{"name":"program"}`,
        "src/deep/main.ts": "",
        "node_modules/other/package.json": `{"name":"other"}`,
        "node_modules/other/index.js": ""
      })
      for (const from of ["main.ts", "src/deep/main.ts", "node_modules/other/index.js"].map(url)) {
        assert.strictEqual(find("lib", from), `${modules}index.js`)
        assert.strictEqual(find("lib/A", from), `${modules}A.js`)
        assert.strictEqual(findPackageJSON("lib", from), path.join(directory, "node_modules/lib/package.json"))
      }
      // It asks for what is not known, or has no name.
      for (const specifier of ["lib/B", "lib/index", "lib/../lib/A", "lib/A.js", "libx", "constructor", "./A.js"]) {
        assert.isUndefined(find(specifier, url("main.ts")))
      }
    })
  )

  it.live(
    "is left to Node where another package of this name is nearer",
    Effect.fnUntraced(function*() {
      const { directory, find, url } = yield* setUp({
        ...lib,
        "node_modules/user/node_modules/lib/package.json": `{"name":"lib"}`,
        "node_modules/user/index.js": "",
        "fork/package.json": `{"name":"lib","exports":"./index.js"}`,
        "fork/src/index.js": ""
      })
      const froms = ["node_modules/user/index.js", "fork/src/index.js"].map(url)
      for (const from of froms) assert.isUndefined(find("lib", from))
      assert.deepStrictEqual(froms.map((from) => findPackageJSON("lib", from)), [
        path.join(directory, "node_modules/user/node_modules/lib/package.json"),
        path.join(directory, "fork/package.json")
      ])
    })
  )

  it.live(
    "is found by the package itself, by its name",
    Effect.fnUntraced(function*() {
      const { find, modules, url } = yield* setUp({ ...lib, "node_modules/lib/test/a.js": "" })
      assert.strictEqual(find("lib/A", url("node_modules/lib/test/a.js")), `${modules}A.js`)
    })
  )

  it.live(
    "is left to Node where it is behind a symbolic link, or nowhere, or where what asks is no file",
    Effect.fnUntraced(function*() {
      const { directory, find, url } = yield* setUp({ ...lib, "linked/main.ts": "", "broken/package.json": "{" })
      fs.mkdirSync(path.join(directory, "linked/node_modules"))
      fs.symlinkSync(path.join(directory, "node_modules/lib"), path.join(directory, "linked/node_modules/lib"))
      const froms = [url("linked/main.ts"), url("broken/main.ts"), "file:///main.ts", "data:text/javascript,0"]
      for (const from of froms) assert.isUndefined(find("lib", from))
    })
  )
})
