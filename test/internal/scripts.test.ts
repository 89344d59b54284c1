import { assert, describe, it } from "@effect/vitest"
import type { Exports } from "../../src/internal/process/barrel.ts"
import * as Scripts from "../../src/internal/process/scripts.ts"

/**
 * Four scripts: modules 0 and 1, which uses 2, in the first one; 2, which uses 0, in the second one; 3, which uses 2, in the third one; 4 in
 * none; 5, which uses 2 while it is run, in the fourth one.
 */
const setUp = () => {
  const ran: Array<number> = []
  const scripts = [
    (get: (number: number) => Exports) => {
      let two = get(2)
      const modules = [{ name: "zero" }, {
        name: "one",
        ofTwo: (key: string) => two[key],
        isTwo: (other: unknown) => two === other
      }] as const
      return {
        modules: [() => modules[0], () => modules[1], 1, 2, undefined, 3],
        link: (get: (number: number) => Exports) => two = get(2)
      }
    },
    (get: (number: number) => Exports) => {
      const zero = get(0)
      const two = { name: "two", ofZero: zero["name"] }
      return { modules: [undefined, undefined, () => two], link: () => {} }
    },
    (get: (number: number) => Exports) => {
      let two = get(2)
      const three = { name: "three", ofTwo: () => two["name"] }
      return {
        modules: [undefined, undefined, undefined, () => three],
        link: (get: (number: number) => Exports) => two = get(2)
      }
    },
    (get: (number: number) => Exports) => {
      let two = get(2)
      const five = { name: two["name"], isTwo: (other: unknown) => two === other }
      return {
        modules: [undefined, undefined, undefined, undefined, undefined, () => five],
        link: (get: (number: number) => Exports) => two = get(2)
      }
    }
  ]
  const { exportsOf } = Scripts.load((place, get) => {
    ran.push(place)
    return scripts[place]!(get)
  })
  return { ran, exportsOf: (number: number) => exportsOf(number) as any }
}

describe("modules in several scripts", () => {
  it("are there when the first one has been run, if they are in it", () => {
    const { exportsOf, ran } = setUp()
    assert.strictEqual(exportsOf(0).name, "zero")
    assert.strictEqual(exportsOf(1).name, "one")
    assert.deepStrictEqual(ran, [0])
  })

  it("are run with their script, once, when one of another script touches them", () => {
    const { exportsOf, ran } = setUp()
    const one = exportsOf(1)
    assert.strictEqual(one.ofTwo("name"), "two")
    assert.deepStrictEqual(ran, [0, 1])
    // From then on it is the module itself.
    assert.isTrue(one.isTwo(exportsOf(2)))
    assert.strictEqual(one.ofTwo("ofZero"), "zero")
    assert.deepStrictEqual(ran, [0, 1])
  })

  it("are run with their script when somebody asks for them", () => {
    const { exportsOf, ran } = setUp()
    const three = exportsOf(3)
    assert.deepStrictEqual(ran, [0, 2])
    assert.strictEqual(three.ofTwo(), "two")
    assert.deepStrictEqual(ran, [0, 2, 1])
    assert.isTrue(exportsOf(1).isTwo(exportsOf(2)))
    assert.strictEqual(three.ofTwo(), "two")
  })

  it("are run with their script while another one is run that needs them at once", () => {
    const { exportsOf, ran } = setUp()
    const five = exportsOf(5)
    assert.deepStrictEqual(ran, [0, 3, 1])
    assert.strictEqual(five.name, "two")
    assert.isTrue(five.isTwo(exportsOf(2)))
    assert.isTrue(exportsOf(1).isTwo(exportsOf(2)))
  })
})
