/**
 * Which module a specifier with the name of a package stands for, such as `effect/Schema`, for packages of which it is known. Node finds it by
 * reading the exports of the package, with code that each process compiles anew.
 *
 * It is known for packages that give each of their modules the name of its file, as those in the bundle do: the build looks whether that is so.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"

/** Where a package is, and where in it its modules are: URLs of directories. */
export interface Place {
  readonly root: string
  readonly modules: string
}

/** The parts of a specifier: the name of a package, and what follows it. */
export const parse = (specifier: string): { readonly name: string; readonly rest: string } => {
  const end = specifier.indexOf("/", specifier.startsWith("@") ? specifier.indexOf("/") + 1 : 0)
  return end < 0
    ? { name: specifier, rest: "" }
    : { name: specifier.slice(0, end), rest: specifier.slice(end + 1) }
}

/** The file of a module by its name in the package; none if it has none. */
export const fileOf = (rest: string): string | undefined => {
  if (rest === "") return "index.js"
  return `/${rest}`.includes("/internal/") || `/${rest}`.endsWith("/index") ? undefined : `${rest}.js`
}

/** The name of the package that a directory is, if it is one. */
const nameOf = (directory: string): { readonly name: unknown } | undefined => {
  const file = path.join(directory, "package.json")
  return fs.existsSync(file) ? { name: JSON.parse(fs.readFileSync(file, "utf8")).name } : undefined
}

/**
 * Where a module in a directory finds a package, as Node's documentation has it: in its own package, if that has the name, or else in the nearest
 * directory `node_modules` that has the package, perhaps by a link. None if there is none. Throws where a package is described by no JSON.
 */
export const rootOf = (name: string, directory: string): string | undefined => {
  let scope: { readonly name: unknown } | undefined
  let found: string | undefined
  for (let at = directory;; at = path.dirname(at)) {
    if (scope === undefined) {
      // A directory of packages is in none of them.
      scope = path.basename(at) === "node_modules" ? { name: undefined } : nameOf(at)
      if (scope?.name === name) return at
    }
    if (found === undefined) {
      const there = path.join(at, "node_modules", name)
      if (fs.statSync(there, { throwIfNoEntry: false })?.isDirectory() === true) found = there
    }
    if ((found !== undefined && scope !== undefined) || at === path.dirname(at)) return found
  }
}

/**
 * The URL of what a module asks for, if it is in one of the packages, and the module finds this package and not another one of its name. Who
 * finds a package behind a symbolic link has to ask Node.
 */
export const makeFinder = (places: ReadonlyMap<string, Place>, isModule: (url: string) => boolean) => {
  const roots = new Map<string, string | undefined>()
  const find = (name: string, directory: string): string | undefined => {
    const key = `${name} ${directory}`
    if (!roots.has(key)) roots.set(key, rootOf(name, directory))
    return roots.get(key)
  }
  return (specifier: string, from: string): string | undefined => {
    const { name, rest } = parse(specifier)
    const place = places.get(name)
    const file = fileOf(rest)
    if (place === undefined || file === undefined) return undefined
    const url = `${place.modules}${file}`
    try {
      const root = isModule(url) ? find(name, path.dirname(fileURLToPath(from))) : undefined
      return root !== undefined && root === path.resolve(fileURLToPath(place.root)) ? url : undefined
    } catch {
      // What asks is no file, or its package is described by no JSON. Node says it better.
      return undefined
    }
  }
}
