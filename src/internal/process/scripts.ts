/**
 * Modules that lie in several scripts, of which each is run as late as possible. A script finds the modules of the others by number, and has
 * something in their place that has them run when it is touched, until they are there.
 */
import { type Exports, untilTouched } from "./barrel.ts"

/** What a script gives when it has been run. */
export interface Script {
  /** By number: a module of this script, or which script has it. None for what is in no script; only the first one knows the others. */
  readonly modules: ReadonlyArray<(() => Exports) | number | undefined>
  /** Gives it the modules of the others that are run as a whole, again and again. */
  readonly link: (get: (number: number) => Exports) => void
}

/**
 * Runs the first script, and then each when it is needed. What runs one has it find others: `module:` and a number is a module, `later:` and a
 * number a function that gives one, for those that are run on their own.
 */
export const load = <First extends Script>(
  run: (place: number, find: (name: string) => unknown) => Script
): { readonly first: First; readonly exportsOf: (number: number) => Exports } => {
  const scripts: Array<Script | undefined> = []
  const runScript = (place: number): Script => {
    const script = scripts[place] = run(place, find)
    for (const other of scripts) other?.link(get)
    return script
  }
  const scriptOf = (number: number): number | undefined => {
    const there = scripts[0]?.modules[number]
    return typeof there === "function" ? 0 : there
  }
  const exportsOf = (number: number): Exports => {
    const place = scriptOf(number)!
    return ((scripts[place] ?? runScript(place)).modules[number] as () => Exports)()
  }
  const get = (number: number): Exports =>
    scripts[scriptOf(number) ?? -1] === undefined ? untilTouched(() => exportsOf(number)) : exportsOf(number)
  const later = (number: number) => {
    let all: Exports | undefined
    return () => all ??= exportsOf(number)
  }
  const find = (name: string) => {
    const [kind, number] = name.split(":")
    return kind === "module" ? get(Number(number)) : kind === "later" ? later(Number(number)) : undefined
  }
  return { first: runScript(0) as First, exportsOf }
}
