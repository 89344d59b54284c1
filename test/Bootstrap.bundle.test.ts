import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { type OutputOptions, rolldown } from "rolldown"
import { leavesNothingBehind, runProgram, temporaryDirectory } from "./support/processes.ts"

leavesNothingBehind()

const input = fileURLToPath(new URL("./fixtures/process/programs/bundled.ts", import.meta.url))

/** One file with the program, the library and Effect. */
const bundle = (file: string, options: OutputOptions) =>
  Effect.promise(async () => {
    const bundled = await rolldown({ input, platform: "node", logLevel: "silent" })
    await bundled.write({ file, format: "esm", codeSplitting: false, ...options })
    await bundled.close()
  })

describe("BOOT-13 a program that was bundled into one file finds its targets in the bundle, also in threads", () => {
  const variants: Record<string, OutputOptions> = {
    "as it is": {},
    "minified": { minify: true },
    "with names kept": { minify: true, keepNames: true }
  }

  it.live.each(Object.keys(variants))(
    "%s",
    Effect.fnUntraced(function*(variant: string) {
      const directory = yield* temporaryDirectory
      const file = path.join(directory, "program.mjs")
      yield* bundle(file, variants[variant]!)
      // A stranger that happens to have the name of a file of the library.
      for (const name of ["child.js", "child.ts", "child.mjs"]) {
        fs.writeFileSync(path.join(directory, name), "throw new Error(\"a stranger\")")
      }
      for (const args of [[], ["threads"]]) {
        const { code, stderr, stdout } = yield* runProgram(file, { args })
        assert.deepStrictEqual({ code, stdout, stderr }, {
          code: 0,
          stdout: "12\ntwice 3\ntrue refused: no\n",
          stderr: ""
        })
      }
    }),
    60_000
  )
})
