import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import { inheritedFlags } from "../../src/internal/process/freshProcess.ts"
import { entryFile } from "../../src/internal/process/ownFiles.ts"

describe("BOOT-09 a child inherits the flags of its parent", () => {
  it("that say how Node works, with their values, in their order", () => {
    for (
      const flags of [
        [],
        ["--conditions=development", "-C", "browser", "--conditions", "worker"],
        ["--import", "./loader.mjs", "--import=./other.mjs", "--loader", "./l.mjs", "--experimental-loader=./l.mjs"],
        ["-r", "./setup.cjs", "--require", "./setup.cjs", "--require=./setup.cjs"],
        ["--max-old-space-size=100", "--stack-size=2000", "--expose-gc", "--harmony"],
        ["--no-warnings", "--trace-warnings", "--enable-source-maps", "--experimental-transform-types"],
        ["--env-file=.env", "--env-file", ".env.local", "--title=x", "--use-system-ca"],
        ["--permission", "--allow-fs-read=*", "--allow-child-process"],
        ["--preserve-symlinks", "--preserve-symlinks-main"]
      ]
    ) assert.deepStrictEqual(inheritedFlags(flags), flags)
  })

  it("but not those that say what the parent runs", () => {
    for (
      const flags of [
        ["-e", "code()"],
        ["--eval", "code()"],
        ["--eval=code()"],
        ["-p", "code()"],
        ["-pe", "code()"],
        ["--print", "code()"],
        ["--print=code()"],
        ["-c"],
        ["--check"],
        ["-i"],
        ["--interactive"],
        ["--input-type=module"],
        ["--input-type", "module"],
        ["--test"],
        ["--test-only"],
        ["--test-reporter=spec"],
        ["--test-reporter", "spec"],
        ["--test-name-pattern", "x"],
        ["--watch"],
        ["--watch-path=./src"],
        ["--watch-path", "./src"],
        ["--watch-preserve-output"],
        ["--run", "build"]
      ]
    ) {
      assert.deepStrictEqual(inheritedFlags(["--no-warnings", ...flags, "--stack-size=2000"]), [
        "--no-warnings",
        "--stack-size=2000"
      ])
    }
  })

  it("and not the one by which a program imports quickly itself, as children do so anyway", () => {
    for (
      const flags of [
        ["--import", "effect-multiprocessing/register"],
        ["--import=effect-multiprocessing/register"],
        ["-r", "effect-multiprocessing/register"],
        ["--require", "./node_modules/effect-multiprocessing/dist/register.js"],
        ["--require=file:///project/node_modules/effect-multiprocessing/src/register.ts"]
      ]
    ) {
      assert.deepStrictEqual(inheritedFlags([...flags, "--import", "./other.mjs", ...flags]), [
        "--import",
        "./other.mjs"
      ])
      assert.deepStrictEqual(inheritedFlags(flags), [])
    }
    for (
      const flags of [
        ["--import", "my-effect-multiprocessing/register"],
        ["--import", "effect-multiprocessing/registers"],
        ["--import", "effect-multiprocessing", "register"]
      ]
    ) assert.deepStrictEqual(inheritedFlags(flags), flags)
  })

  it("and not those of a debugger, which could not listen twice at one place", () => {
    for (
      const flags of [
        ["--inspect"],
        ["--inspect=127.0.0.1:9229"],
        ["--inspect-brk"],
        ["--inspect-brk=9229"],
        ["--inspect-wait=9229"],
        ["--inspect-port=0"],
        ["--inspect-port", "9230"],
        ["--inspect-publish-uid=http"]
      ]
    ) assert.deepStrictEqual(inheritedFlags([...flags, "-C", "x"]), ["-C", "x"])
  })
})

it("a child starts with a file of the library, where the library is not bundled", () => {
  assert.match(entryFile ?? "", /internal\/process\/child\.ts$/)
  assert.isTrue(fs.existsSync(entryFile!))
})
