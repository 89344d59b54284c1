import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { privateDirectory } from "../../src/internal/process/codeCache.ts"
import { leavesNothingBehind, runProgram, temporaryDirectory } from "../support/processes.ts"

leavesNothingBehind()

const program = new URL("../fixtures/process/programs/codeCache.ts", import.meta.url)

const script = (text: string, id = "id") =>
  `/*! ${id} */
  (function (exports, require, __import, __url) {
    exports.text = ${JSON.stringify(text)}
    exports.name = __url
    exports.builtin = typeof require("node:fs").statSync
  })`

/** A directory with a script, another one for code, and a process that runs the script. */
const setUp = Effect.gen(function*() {
  const directory = yield* temporaryDirectory
  const file = path.join(directory, "script.js")
  const url = pathToFileURL(file).href
  const kept = path.join(directory, "kept")
  fs.mkdirSync(kept)
  fs.writeFileSync(file, script("first"))
  const run = (id = "id", into = kept) =>
    Effect.map(runProgram(program, { args: [url, id, into] }), ({ code, stderr, stdout }) => {
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
      return JSON.parse(stdout) as { readonly text: string; readonly name: string; readonly builtin: string }
    })
  return { file, kept, run, files: () => fs.readdirSync(kept) }
})

describe("a script whose code is kept", () => {
  it.live(
    "is run, and leaves one file for the next process",
    Effect.fnUntraced(function*() {
      const { file, files, kept, run } = yield* setUp
      assert.deepStrictEqual(yield* run(), { text: "first", name: pathToFileURL(file).href, builtin: "function" })
      const [name, ...others] = files()
      assert.match(name!, /^id-script-v\d.*\.code$/)
      assert.deepStrictEqual(others, [])
      const { mode, mtimeMs } = fs.statSync(path.join(kept, name!))
      assert.strictEqual(mode & 0o777, 0o600)
      assert.strictEqual((yield* run()).text, "first")
      // It was used: nobody has written it again.
      assert.strictEqual(fs.statSync(path.join(kept, name!)).mtimeMs, mtimeMs)
    })
  )

  it.live(
    "is compiled again if what was kept is damaged, or of another script, and kept anew",
    Effect.fnUntraced(function*() {
      const { file, files, kept, run } = yield* setUp
      yield* run()
      const code = path.join(kept, files()[0]!)
      for (const damage of [Buffer.alloc(0), Buffer.from("no code"), fs.readFileSync(code).subarray(0, 100)]) {
        fs.writeFileSync(code, damage)
        assert.strictEqual((yield* run()).text, "first")
        assert.isAbove(fs.statSync(code).size, 200)
      }
      fs.writeFileSync(file, script("a text of another length"))
      assert.strictEqual((yield* run()).text, "a text of another length")
      fs.writeFileSync(file, script("of another version", "other"))
      assert.strictEqual((yield* run("other")).text, "of another version")
      assert.strictEqual(files().length, 2)
    })
  )

  it.live(
    "is kept by one process of many, and by the next one if that was killed meanwhile",
    Effect.fnUntraced(function*() {
      const { files, kept, run } = yield* setUp
      yield* Effect.all(Array.from({ length: 4 }, () => run()), { concurrency: "unbounded" })
      const [code, ...others] = files()
      assert.deepStrictEqual(others, [])
      fs.rmSync(path.join(kept, code!))
      const draft = path.join(kept, `${code}.draft`)
      fs.writeFileSync(draft, "half")
      yield* run()
      assert.deepStrictEqual(files(), [`${code}.draft`])
      fs.utimesSync(draft, 0, 0)
      yield* run()
      assert.deepStrictEqual(files(), [code])
    })
  )

  it.live(
    "is refused if it is not the one that is meant, as when a package has been replaced",
    Effect.fnUntraced(function*() {
      const { file, files, kept } = yield* setUp
      const { code, stderr } = yield* runProgram(program, { args: [pathToFileURL(file).href, "other", kept] })
      assert.strictEqual(code, 1)
      assert.include(stderr, `${file} has been replaced while this process was running. Start it again.`)
      assert.deepStrictEqual(files(), [])
    })
  )

  it.live(
    "is kept with those that were written last, of which there are 64",
    Effect.fnUntraced(function*() {
      const { files, kept, run } = yield* setUp
      for (let i = 0; i < 70; i++) {
        const file = path.join(kept, `${i}.code`)
        fs.writeFileSync(file, "")
        fs.utimesSync(file, i, i)
      }
      fs.writeFileSync(path.join(kept, "of somebody else"), "")
      yield* run()
      const left = files()
      assert.strictEqual(left.filter((name) => name.endsWith(".code")).length, 64)
      assert.isTrue(left.some((name) => name.startsWith("id-")))
      assert.deepStrictEqual(["6.code", "7.code", "of somebody else"].map((name) => left.includes(name)), [
        false,
        true,
        true
      ])
    })
  )

  it.live(
    "is run where nothing can be kept",
    Effect.fnUntraced(function*() {
      const { files, kept, run } = yield* setUp
      assert.strictEqual((yield* run("id", path.join(kept, "none"))).text, "first")
      assert.strictEqual((yield* run("id", "")).text, "first")
      assert.deepStrictEqual(files(), [])
    })
  )
})

describe("the directory for compiled code", () => {
  it.live(
    "belongs to its user alone",
    Effect.fnUntraced(function*() {
      const parent = yield* temporaryDirectory
      const directory = privateDirectory(parent)!
      assert.strictEqual(fs.statSync(directory).mode & 0o777, 0o700)
      assert.strictEqual(privateDirectory(parent), directory)
    })
  )

  it.live(
    "is not used if others may write to it, if it is a link, or if it can't be made",
    Effect.fnUntraced(function*() {
      const parent = yield* temporaryDirectory
      const directory = privateDirectory(parent)!
      fs.chmodSync(directory, 0o770)
      assert.isUndefined(privateDirectory(parent))
      fs.rmdirSync(directory)
      const elsewhere = path.join(parent, "elsewhere")
      fs.mkdirSync(elsewhere, { mode: 0o700 })
      fs.symlinkSync(elsewhere, directory)
      assert.isUndefined(privateDirectory(parent))
      fs.rmSync(directory)
      fs.writeFileSync(directory, "")
      assert.isUndefined(privateDirectory(parent))
      assert.isUndefined(privateDirectory(path.join(parent, "none")))
    })
  )
})
