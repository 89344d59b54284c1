import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { fileURLToPath } from "node:url"
import type { Exports } from "../../src/internal/process/barrel.ts"
import * as Scripts from "../../src/internal/process/scripts.ts"
import { leavesNothingBehind, runProgram, temporaryDirectory } from "../support/processes.ts"

leavesNothingBehind()

/**
 * Five scripts: modules 0 and 1, which uses 2, in the first one; 2, which uses 0, in the second one; 3, which uses 2, in the third one; 4 in
 * none; 5, which uses 2 while it is run, in the fourth one; 6 and 7 in the fifth one, each run on its own, and found by 1.
 */
const setUp = () => {
  const ran: Array<number> = []
  const alone: Array<number> = []
  const scripts = [
    (get: (number: number) => Exports, later: (number: number) => () => Exports) => {
      let two = get(2)
      const six = later(6)
      const modules = [{ name: "zero" }, {
        name: "one",
        ofTwo: (key: string) => two[key],
        ofSix: (key: string) => six()[key],
        isTwo: (other: unknown) => two === other
      }] as const
      return {
        modules: [() => modules[0], () => modules[1], 1, 2, undefined, 3, 4, 4],
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
    },
    (_: unknown, later: (number: number) => () => Exports) => {
      const six = later(6)
      const runAlone = (number: number, exports: () => Exports) => {
        let made: Exports | undefined
        return () => made ??= (alone.push(number), exports())
      }
      const modules: Array<(() => Exports) | undefined> = []
      modules[6] = runAlone(6, () => ({ name: "six" }))
      modules[7] = runAlone(7, () => ({ name: "seven", ofSix: () => six()["name"] }))
      return { modules, link: () => {} }
    }
  ]
  const { exportsOf } = Scripts.load((place, find) => {
    ran.push(place)
    return scripts[place]!(
      (number) => find(`module:${number}`) as Exports,
      (number) => find(`later:${number}`) as () => Exports
    )
  })
  return { ran, alone, exportsOf: (number: number) => exportsOf(number) as any }
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

  it("that are run on their own are not run with their script, but when somebody has something of them", () => {
    const { alone, exportsOf, ran } = setUp()
    const one = exportsOf(1)
    const seven = exportsOf(7)
    assert.deepStrictEqual(ran, [0, 4])
    assert.deepStrictEqual(alone, [7])
    assert.strictEqual(seven.ofSix(), "six")
    assert.strictEqual(one.ofSix("name"), "six")
    assert.deepStrictEqual(ran, [0, 4])
    assert.deepStrictEqual(alone, [7, 6])
  })

  it.live(
    "of the build export what their files export, in many orders, and one value wherever Node has one",
    Effect.fnUntraced(function*() {
      const program = fileURLToPath(new URL("../fixtures/process/programs/scripts.ts", import.meta.url))
      const { stderr, stdout } = yield* runProgram(program, { args: [yield* temporaryDirectory] })
      assert.strictEqual(stderr, "")
      const { alone, count, differences } = JSON.parse(stdout)
      assert.deepStrictEqual(differences, [])
      assert.isAbove(count, 300)
      assert.isAbove(alone, 150)
    }),
    60_000
  )
})
