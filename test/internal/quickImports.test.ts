import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import type { ResolveHookContext } from "node:module"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { privateDirectory } from "../../src/internal/process/codeCache.ts"
import { makeResolver, obstacle } from "../../src/internal/process/quickImports.ts"
import { leavesNothingBehind, runProgram, temporaryDirectory } from "../support/processes.ts"

leavesNothingBehind()

const program = (file: string) => new URL(`../fixtures/process/programs/${file}`, import.meta.url)

/** A resolver over a package of some files, and the specifiers for which it asked Node. */
const overPackage = (name: string) =>
  Effect.map(temporaryDirectory, (directory) => {
    const root = path.join(fs.realpathSync(directory), "node_modules", name)
    fs.mkdirSync(path.join(root, "sub"), { recursive: true })
    for (const file of ["a.js", "b.js", "c.js", "c.json", "sub/d.js", "sub/e.js"]) {
      fs.writeFileSync(path.join(root, file), "")
    }
    const asked: Array<string> = []
    const resolver = makeResolver()
    const resolve = (specifier: string, from = "a.js", context: Partial<ResolveHookContext> = {}) => {
      const parentURL = pathToFileURL(path.join(root, from)).href
      return resolver(
        specifier,
        { conditions: ["node", "import"], importAttributes: {}, parentURL, ...context },
        (specifier) => {
          asked.push(specifier)
          const file = path.join(root, path.dirname(from), specifier.split("?")[0]!)
          if (specifier.startsWith(".") && !fs.existsSync(file)) throw new Error("there is none")
          return specifier.startsWith(".")
            ? { url: pathToFileURL(fs.realpathSync(file)).href, format: "module" }
            : { url: `file:///${specifier}` }
        }
      )
    }
    return { root, asked, resolve, url: (file: string) => pathToFileURL(path.join(root, file)).href }
  })

describe("the quick way to resolve", () => {
  it.live("gives for every import of Effect and of this library what Node gives, and asks Node for few of them", () =>
    Effect.gen(function*() {
      const { stderr, stdout } = yield* runProgram(program("resolves.ts"))
      assert.strictEqual(stderr, "")
      const { all, asked, different } = JSON.parse(stdout) as Record<"all" | "asked" | "different", number>
      assert.strictEqual(different, 0)
      assert.isAbove(all, 1500)
      assert.isBelow(asked, all / 4)
    }))

  it.live(
    "asks Node once about a directory",
    Effect.fnUntraced(function*() {
      const { asked, resolve, url } = yield* overPackage("effect")
      for (const file of ["b.js", "c.js", "b.js"]) {
        const { format, url: answer } = resolve(`./${file}`)
        assert.deepStrictEqual([answer, format], [url(file), "module"])
      }
      for (const file of ["sub/d.js", "sub/e.js"]) assert.strictEqual(resolve(`./${file}`).url, url(file))
      assert.strictEqual(resolve("../b.js", "sub/d.js").url, url("b.js"))
      assert.deepStrictEqual(asked, ["./b.js", "./sub/d.js"])
    })
  )

  it.live(
    "leaves to Node what is missing, a symbolic link, or no module",
    Effect.fnUntraced(function*() {
      const { asked, resolve, root, url } = yield* overPackage("effect")
      resolve("./b.js")
      fs.symlinkSync("c.js", path.join(root, "link.js"))
      assert.strictEqual(resolve("./link.js").url, url("c.js"))
      assert.throws(() => resolve("./none.js"))
      resolve("./c.json", "a.js", { importAttributes: { type: "json" } })
      resolve("./c.js?again")
      resolve("./c.js", "a.js", { conditions: ["node", "require"] })
      assert.deepStrictEqual(asked, ["./b.js", "./link.js", "./none.js", "./c.json", "./c.js?again", "./c.js"])
    })
  )

  it.live(
    "leaves to Node a directory that is a symbolic link",
    Effect.fnUntraced(function*() {
      const { asked, resolve, root, url } = yield* overPackage("effect")
      fs.symlinkSync("sub", path.join(root, "linked"))
      assert.strictEqual(resolve("./linked/d.js").url, url("sub/d.js"))
      assert.strictEqual(resolve("./linked/e.js").url, url("sub/e.js"))
      assert.deepStrictEqual(asked, ["./linked/d.js", "./linked/e.js"])
    })
  )

  it.live(
    "knows a file by its URL, if no symbolic link leads to it",
    Effect.fnUntraced(function*() {
      const { asked, resolve, root, url } = yield* overPackage("effect")
      fs.symlinkSync("sub", path.join(root, "linked"))
      fs.symlinkSync("c.js", path.join(root, "link.js"))
      assert.deepStrictEqual(resolve(url("sub/d.js")), { url: url("sub/d.js"), shortCircuit: true })
      assert.strictEqual(resolve(`${url("b.js")}?again`).url, `${url("b.js")}?again`)
      assert.deepStrictEqual(asked, [])
      const left = ["linked/d.js", "link.js", "sub", "none.js", "sub%2Fd.js"].map(url)
      for (const specifier of left) resolve(specifier)
      assert.deepStrictEqual(asked, left)
    })
  )

  it.live(
    "leaves to Node what other packages and programs import",
    Effect.fnUntraced(function*() {
      for (const name of ["other", "effect/node_modules/other", "@other/effect"]) {
        const { asked, resolve } = yield* overPackage(name)
        for (let i = 0; i < 2; i++) resolve("./b.js")
        assert.deepStrictEqual(asked, ["./b.js", "./b.js"])
      }
    })
  )
})

describe("the quick way is not taken", () => {
  it("where modules that are imported beforehand may have hooks of their own", () => {
    for (
      const flags of [
        ["--import", "./hooks.mjs"],
        ["--import=./hooks.mjs"],
        ["-r", "./hooks.cjs"],
        ["--require=./hooks.cjs"],
        ["--loader", "./hooks.mjs"],
        ["--no-warnings", "--experimental-loader=./hooks.mjs"]
      ]
    ) {
      assert.match(obstacle(flags) ?? "", /hooks of their own/)
      assert.match(obstacle([], flags.join(" ")) ?? "", /hooks of their own/)
    }
    assert.isUndefined(obstacle(["--conditions=x", "--no-warnings"], "--max-old-space-size=100"))
  })

  it("but it is where the program says that it wants it itself", () => {
    const flags = ["--import", "effect-multiprocessing/register"]
    assert.isUndefined(obstacle(flags))
    assert.isUndefined(obstacle([], `--no-warnings ${flags.join(" ")} --use-system-ca`))
    assert.isDefined(obstacle([...flags, "--import", "./hooks.mjs"]))
    assert.isDefined(obstacle(flags, "--require ./hooks.cjs"))
  })
})

describe("a child", () => {
  const run = (directory: string, ...args: ReadonlyArray<string>) =>
    runProgram(program("imports.ts"), {
      args,
      env: { TMPDIR: directory, NODE_COMPILE_CACHE: undefined as never }
    })

  it.live(
    "has one instance of Effect, and the compile cache of its user, and so has its child",
    Effect.fnUntraced(function*() {
      const directory = yield* temporaryDirectory
      for (let i = 0; i < 2; i++) {
        const { stdout } = yield* run(directory)
        for (const [one, cache] of JSON.parse(stdout) as Array<[boolean, string]>) {
          assert.isTrue(one)
          assert.isTrue(cache.startsWith(path.join(directory, "effect-multiprocessing-")), cache)
        }
      }
      assert.deepStrictEqual(fs.readdirSync(directory).length, 1)
    })
  )

  it.live(
    "imports as Node does where the quick way is switched off, and so does its child; the layer says so",
    Effect.fnUntraced(function*() {
      const directory = yield* temporaryDirectory
      const { stdout } = yield* run(directory, "plain")
      assert.match(stdout, /DEBUG.*Children import as Node does, and not in the quick way: it is switched off/)
      assert.include(stdout, JSON.stringify([[true, "none"], [true, "none"]]))
      assert.deepStrictEqual(fs.readdirSync(directory), [])
    })
  )

  it.live(
    "imports as Node does where the directory can't be made",
    Effect.fnUntraced(function*() {
      const directory = yield* temporaryDirectory
      const name = path.basename(privateDirectory(directory)!)
      fs.rmdirSync(path.join(directory, name))
      fs.writeFileSync(path.join(directory, name), "")
      const { stdout } = yield* run(directory)
      assert.strictEqual(stdout.trim(), JSON.stringify([[true, "none"], [true, "none"]]))
    })
  )
})
