/**
 * One script instead of hundreds of modules. A child that imports "effect" loads more than two hundred of them, and this library brings a
 * hundred. Most of them are in one script that is made when the library is built (`.ci/bundle.mjs`), and those that many do without in a few
 * others.
 *
 * In a child, each of these modules keeps its URL, and has instead of its text a few lines that export the same names from the script. So
 * there is one instance of each, whoever imports it, and in whatever way; modules of Effect that are not in the script find those that are.
 *
 * The script is right for the packages that it was made of, and for no others. So the parent looks whether those that are installed have the
 * same versions, and their files the same lengths; if not, children load them one by one.
 */
import * as fs from "node:fs"
import type * as nodeModule from "node:module"
import * as path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { asValues, type Exports, importsOf, makeBarrel } from "./barrel.ts"
import * as CodeCache from "./codeCache.ts"
import * as PackageNames from "./packageNames.ts"
import * as Scripts from "./scripts.ts"

/** What the script was made of. */
interface Manifest {
  /** A hash of the script. */
  readonly id: string
  readonly packages: Readonly<
    Record<string, { readonly version: string; readonly sizes: Readonly<Record<string, number>> }>
  >
}

/** A bundle that fits what is installed: its hash, and where the packages are, as URLs of directories, by name. */
export interface Bundle {
  readonly id: string
  readonly roots: Readonly<Record<string, string>>
}

const library = new URL("../..", import.meta.url)

/** The directory of a package, as it is found from a file; `undefined` if it is not. */
const rootOf = (name: string, from: string): string | undefined => {
  try {
    const found = PackageNames.rootOf(name, path.dirname(from))
    return found && fs.realpathSync(found)
  } catch {
    return undefined
  }
}

const isAsBundled = (root: string, { sizes, version }: Manifest["packages"][string]): boolean =>
  JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")).version === version &&
  Object.entries(sizes).every(([file, size]) => fs.statSync(`${root}/${file}`).size === size)

/**
 * The bundle, for children; `undefined` if it was made of other packages than those that this library finds, or if there is none, as where
 * the library runs from its sources.
 */
export const find = (): Bundle | undefined => {
  try {
    const { id, packages }: Manifest = JSON.parse(fs.readFileSync(new URL("internal/bundle.json", library), "utf8"))
    const roots = new Map<string, string>()
    // Each is found from this library or from another one of them, and from everywhere the same.
    const visit = (from: string) => {
      for (const name of Object.keys(packages)) {
        const root = rootOf(name, from)
        const known = roots.get(name)
        if (root === undefined || known === root) continue
        if (known !== undefined) throw new Error(`there are several of ${name}`)
        roots.set(name, root)
        visit(path.join(root, "package.json"))
      }
    }
    visit(fileURLToPath(import.meta.url))
    const fits = Object.entries(packages).every(([name, bundled]) => isAsBundled(roots.get(name)!, bundled))
    return fits
      ? { id, roots: Object.fromEntries(Array.from(roots, ([name, root]) => [name, `${pathToFileURL(root).href}/`])) }
      : undefined
  } catch {
    return undefined
  }
}

/** What the first script gives: it knows where all modules are. */
interface First extends Scripts.Script {
  /** The number of each module, by package and file; those of this library have no package. */
  readonly numbers: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** What a barrel exports under each name: a module, or a name of one. */
  readonly barrels: Readonly<Record<number, Readonly<Record<string, number | readonly [number, string]>>>>
  /** The modules of which more than functions may be in a script that few need. */
  readonly whole: ReadonlyArray<number>
}

/**
 * The names of the scripts. The first one has what nearly every child needs. The others are run when something of them is asked for, each as a
 * whole: what queues and pipes need, what pools need besides, and what else many do without. Of the last two each module is run on its own: the
 * halves of modules in the first one that nothing here uses, and what only the root of "effect" reaches.
 */
export const scripts = ["bundle", "bundle-hub", "bundle-pool", "bundle-late", "bundle-seldom", "bundle-rest"]

/**
 * Runs a script. Modules of Effect look at the stack of an error, to see what V8 writes there, and V8 looks for the lines of the whole script
 * for that, in 3 ms. What they look for are names; meanwhile stacks have nothing else.
 */
const withQuickStacks = <A>(run: () => A): A => {
  const { prepareStackTrace } = Error
  Error.prepareStackTrace = (_, sites) =>
    sites.map((site) => `    at ${site.getFunctionName()} [as ${site.getMethodName()}]`).join("\n")
  try {
    return run()
  } finally {
    if (prepareStackTrace === undefined) Reflect.deleteProperty(Error, "prepareStackTrace")
    else Error.prepareStackTrace = prepareStackTrace
  }
}

/** Where the lines that stand in for a module find its exports. */
const key = "effect-multiprocessing/bundle"
const place = `globalThis[Symbol.for(${JSON.stringify(key)})]`

/** The lines that export some names. Names may be words that no variable can have. */
const exporting = (names: ReadonlyArray<string>) => ({
  pattern: `{ ${names.map((name, i) => `${name}: _${i}`).join(", ")} }`,
  exports: `export { ${names.map((name, i) => `_${i} as ${name}`).join(", ")} }\n`,
  variables: names.map((_, i) => `_${i}`).join(", ")
})

/** How the modules in the scripts are found and loaded. */
export interface Hooks {
  /** The URL of a module in the scripts, by what another module asks for; none if it is not known there. */
  readonly find: (specifier: string, from: string) => string | undefined
  readonly load: nodeModule.LoadHookSync
}

/** Runs the first script, and others when they are needed. */
export const load = ({ id }: Bundle, directory: string | undefined) =>
  withQuickStacks(() =>
    Scripts.load<First>((place, find) =>
      CodeCache.run(
        new URL(`internal/${scripts[place]!}.js`, library).href,
        id,
        directory,
        (name) => find(name) ?? process.getBuiltinModule(name)
      ) as Scripts.Script
    )
  )

const makeScriptHooks = (bundle: Bundle, directory: string | undefined): Hooks => {
  const { roots } = bundle
  const { exportsOf, first: { barrels, numbers, whole } } = load(bundle, directory)
  const byUrl = new Map<string, number>()
  for (const [name, files] of Object.entries(numbers)) {
    const root = name === "" ? library.href : roots[name]!
    for (const file of Object.keys(files)) byUrl.set(root + file, files[file]!)
  }
  const barrelsByNumber = new Map(
    Object.entries(barrels).map(([number, names]) => [
      Number(number),
      makeBarrel(Object.keys(names), (name) => {
        const origin = names[name]!
        return typeof origin === "number"
          ? { lazy: () => exportsOf(origin) }
          : { value: exportsOf(origin[0])[origin[1]] }
      })
    ])
  )
  const barrelsByName = [
    ["effect", barrelsByNumber.get(numbers["effect"]!["dist/index.js"]!)!],
    ["effect-multiprocessing", barrelsByNumber.get(numbers[""]!["index.js"]!)!]
  ] as const
  ;(globalThis as Record<symbol, unknown>)[Symbol.for(key)] = {
    valuesOf: (number: number) => whole.includes(number) ? exportsOf(number) : asValues(exportsOf(number)),
    barrel: (number: number, assign: (all: Exports) => void) => barrelsByNumber.get(number)!.use(assign)
  }
  const places = new Map<string, PackageNames.Place>([
    ["effect-multiprocessing", { root: new URL("..", library).href, modules: library.href }]
  ])
  for (const [name, root] of Object.entries(roots)) places.set(name, { root, modules: `${root}dist/` })
  const loadModule: nodeModule.LoadHookSync = (url, context, next) => {
    const number = byUrl.get(url)
    if (number === undefined) {
      const loaded = next(url, context)
      if (loaded.source) {
        const text = typeof loaded.source === "string"
          ? loaded.source
          : Buffer.from(loaded.source as Uint8Array).toString()
        const imported = importsOf(text)
        for (const [name, barrel] of barrelsByName) barrel.want(imported(name))
      }
      return loaded
    }
    const names = barrels[number]
    if (names === undefined) {
      const { exports, pattern } = exporting(Object.keys(exportsOf(number)))
      return module(`const ${pattern} = ${place}.valuesOf(${number})\n${exports}`)
    }
    const { exports, pattern, variables } = exporting(Object.keys(names))
    return module(`let ${variables}\n${place}.barrel(${number}, (all) => { (${pattern} = all) })\n${exports}`)
  }
  return { find: PackageNames.makeFinder(places, (url) => byUrl.has(url)), load: loadModule }
}

const module = (source: string) => ({ format: "module" as const, source, shortCircuit: true })

/** Leaves all to Node. */
const none: Hooks = { find: () => undefined, load: (url, context, next) => next(url, context) }

/**
 * Finds and loads what is in the scripts, or leaves that to Node if they have gone since they were found. Code that was compiled is kept in the
 * directory. The first script is run when the first module is loaded, which is that of the program.
 */
export const makeHooks = (bundle: Bundle, directory: string | undefined): Hooks => {
  let hooks: Hooks | undefined
  return {
    find: (specifier, from) => hooks?.find(specifier, from),
    load: (url, context, next) => {
      if (hooks === undefined) {
        try {
          hooks = makeScriptHooks(bundle, directory)
        } catch {
          hooks = none
        }
      }
      return hooks.load(url, context, next)
    }
  }
}
