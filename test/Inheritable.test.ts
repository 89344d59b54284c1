import { assert, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { Settings } from "./fixtures/process/settings.ts"

const value = { retries: 3, since: new Date("2020-02-20T20:20:20.020Z"), tags: new Set(["a", "b"]) }

it("a value has a tag and a layer", () => {
  assert.strictEqual(Settings.key, "test/Settings")
  assert.isTrue(Layer.isLayer(Settings.layer(value)))
  assert.deepStrictEqual(Effect.runSync(Effect.serviceOption(Settings)), Option.none())
})
