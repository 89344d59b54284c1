import type * as Mp from "effect-multiprocessing"
import { expect, test } from "tstyche"

test("the package resolves to its sources", () => {
  expect<typeof Mp>().type.toBeAssignableTo<object>()
})
