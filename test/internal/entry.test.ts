import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Mp from "../../src/index.ts"
import { rests } from "../fixtures/process/rests.ts"

describe("a child that first has nothing to do", () => {
  it.live("collects what its start has left, when it has rested for half a second", () =>
    Effect.gen(function*() {
      const age = yield* Mp.Process.run(rests).pipe(Effect.timeout("30 seconds"))
      assert.isAbove(age, 500)
    }).pipe(Effect.scoped, Effect.provide(Mp.layer)))
})
