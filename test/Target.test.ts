import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { pathToFileURL } from "node:url"
import * as Mp from "../src/index.ts"

describe("a target", () => {
  it("shows its name and its module", () => {
    const module = pathToFileURL("/tasks/tasks.ts").href
    const target = Mp.Target.make("work", { module }, () => Effect.void)
    assert.strictEqual(target.name, "work")
    assert.strictEqual(target.module, module)
    assert.deepStrictEqual(JSON.parse(JSON.stringify(target)), { _id: "Target", name: "work", module })
    assert.isTrue(Mp.Target.isTarget(target))
    assert.isFalse(Mp.Target.isTarget({ name: "work", module }))
  })

  it("takes its module as a URL, as the text of one, and as an absolute path", () => {
    const make = (module: string | URL) => Mp.Target.make("work", { module }, () => Effect.void).module
    const href = pathToFileURL("/ta sks/täsks.ts").href
    assert.strictEqual(make(new URL(href)), href)
    assert.strictEqual(make(href), href)
    assert.strictEqual(make("/ta sks/täsks.ts"), href)
  })

  it("does not run when it is defined", () => {
    let runs = 0
    Mp.Target.make("work", { module: import.meta.url }, () => Effect.sync(() => runs++))
    assert.strictEqual(runs, 0)
  })
})

it("a payload is required by the type unless it may be undefined", () => {
  const optional = Mp.Target.make(
    "optional",
    { module: import.meta.url, payload: Schema.UndefinedOr(Schema.Number) },
    () => Effect.void
  )
  assert.isTrue(Effect.isEffect(Mp.Process.run(optional, undefined)))
})
