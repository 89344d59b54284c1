import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import { defects } from "./defects.ts"

describe("the defects that the simulation must find", () => {
  for (const { defect, file, find } of defects) {
    it(`can be made: ${defect}`, () => {
      const text = fs.readFileSync(new URL(`../../${file}`, import.meta.url), "utf8")
      assert.strictEqual(text.split(find).length, 2, "its place is there, and only once")
    })
  }
})
