import { execFile } from "node:child_process"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import { promisify } from "node:util"
import { rolldown } from "rolldown"
import { afterAll, assert, beforeAll, describe, it } from "vitest"

const timeout = 120_000
const root = path.dirname(import.meta.dirname)

const run = async (cwd: string, file: string, ...args: ReadonlyArray<string>): Promise<string> => {
  try {
    return (await promisify(execFile)(file, args, { cwd, timeout })).stdout
  } catch (cause) {
    // The message has the standard error only, and tsc writes to the standard output.
    throw new Error(`${file} failed: ${(cause as { stdout?: string }).stdout}`, { cause })
  }
}

describe("the packed package, installed in a project of its own", () => {
  let directory: string
  let project: string

  beforeAll(async () => {
    directory = await fs.mkdtemp(path.join(os.tmpdir(), "effect-multiprocessing-package-"))
    project = path.join(directory, "project")
    await run(root, process.execPath, ".ci/prepare.mjs")
    await run(root, "npm", "pack", "--ignore-scripts", "--pack-destination", directory)
    const tarball = (await fs.readdir(directory)).find((name) => name.endsWith(".tgz"))
    assert.isDefined(tarball)
    await fs.cp(path.join(import.meta.dirname, "fixtures", "package"), project, { recursive: true })
    await fs.writeFile(path.join(project, "package.json"), JSON.stringify({ private: true, type: "module" }))
    await run(
      project,
      "npm",
      "install",
      path.join("..", tarball),
      "effect@4.1.0",
      "@effect/platform-node@4.1.0",
      "--prefer-offline",
      "--no-audit",
      "--no-fund"
    )
  }, timeout)

  afterAll(() => fs.rm(directory, { recursive: true, force: true }))

  it("runs from JavaScript", { timeout }, async () => {
    assert.strictEqual(await run(project, process.execPath, "main.js"), "42\n")
  })

  it("runs from TypeScript", { timeout }, async () => {
    assert.strictEqual(await run(project, process.execPath, "main.ts"), "42\n")
  })

  it("runs when it has been bundled with a program into one file", { timeout }, async () => {
    const bundled = await rolldown({ input: path.join(project, "main.js"), platform: "node", logLevel: "silent" })
    await bundled.write({ file: path.join(project, "one.mjs"), format: "esm", codeSplitting: false })
    await bundled.close()
    assert.strictEqual(await run(project, process.execPath, "one.mjs"), "42\n")
  })

  /** Where the program, a child and a child of that have their modules from: `true` for the one file. */
  const modules = async (flags: ReadonlyArray<string> = [], env: NodeJS.ProcessEnv = {}) => {
    const options = { cwd: project, timeout, env: { ...process.env, ...env } }
    const { stderr, stdout } = await promisify(execFile)(process.execPath, [...flags, "bundled.js"], options)
    // Where Node writes that something is experimental.
    assert.strictEqual(stderr, "")
    const answers = JSON.parse(stdout)
    for (const { isBundled: _, ...answer } of answers) {
      assert.deepStrictEqual(answer, {
        hasFileSystem: true,
        millis: 0,
        one: true,
        sameNames: true,
        samePlace: true,
        squared: 49,
        printed: "hi\n"
      })
    }
    return answers.map(({ isBundled }: { readonly isBundled: boolean }) => isBundled)
  }
  const register = ["--import", "effect-multiprocessing/register"]

  it("has children that load Effect and the library from one file, whose modules are those that others find", {
    timeout
  }, async () => {
    assert.deepStrictEqual(await modules(), [false, true, true])
  })

  it("loads from that file itself if it is told to, by a flag or in the environment", { timeout }, async () => {
    assert.deepStrictEqual(await modules(register), [true, true, true])
    assert.deepStrictEqual(await modules(["--require=effect-multiprocessing/register"]), [true, true, true])
    assert.deepStrictEqual(await modules([], { NODE_OPTIONS: register.join(" ") }), [true, true, true])
  })

  it("runs of the scripts what it uses", { timeout }, async () => {
    const kept = async (file: string) => {
      const place = await fs.mkdtemp(path.join(directory, "kept-"))
      const env = { ...process.env, NODE_COMPILE_CACHE: place }
      await promisify(execFile)(process.execPath, [...register, file], { cwd: project, timeout, env })
      const names = (await fs.readdir(place)).map((name) => /-(bundle.*?)-v.*\.code$/.exec(name)?.[1])
      return [...new Set(names)].filter((name) => name !== undefined).sort()
    }
    const all = ["bundle", "bundle-child", "bundle-register"]
    assert.deepStrictEqual(await kept("alone.js"), all)
    // It imports all of `Schema` by its path.
    assert.deepStrictEqual(await kept("main.js"), [...all, "bundle-hub", "bundle-seldom"].sort())
  })

  it("has children that load module by module where Node's flags bring in hooks", { timeout }, async () => {
    await fs.writeFile(path.join(project, "hooks.js"), "")
    assert.deepStrictEqual(await modules(["--import", "./hooks.js"]), [false, false, false])
    assert.deepStrictEqual(await modules([...register, "--import", "./hooks.js"]), [true, false, false])
  })

  for (
    const [what, file, change] of [
      ["has another version", "effect/package.json", (text: string) => text.replace("\"4.1.0\"", "\"4.1.1\"")],
      ["was changed", "effect/dist/Array.js", (text: string) => `${text}\n// changed`]
    ] as const
  ) {
    it(`has children that load module by module where an installed package ${what}`, { timeout }, async () => {
      const changed = path.join(project, "node_modules", file)
      const text = await fs.readFile(changed, "utf8")
      await fs.writeFile(changed, change(text))
      try {
        assert.deepStrictEqual(await modules(register), [false, false, false])
      } finally {
        await fs.writeFile(changed, text)
      }
    })
  }

  it("type checks", { timeout }, async () => {
    const tsc = path.join(root, "node_modules", "typescript", "bin", "tsc")
    assert.strictEqual(await run(project, process.execPath, tsc, "-p", "."), "")
  })
})
