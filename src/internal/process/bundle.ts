/**
 * One file instead of hundreds. A child that imports "effect" loads more than two hundred modules, and this library brings a hundred. They are
 * all in one file that is made when the library is built (`.ci/bundle.mjs`), together with a list of what each of them exports.
 *
 * In a child, each of these modules keeps its URL, and has instead of its text a few lines that export the same names from that file. So
 * there is one instance of each, whoever imports it, and in whatever way; modules of Effect that are not in the file find those that are.
 *
 * The file is right for the packages that it was made of, and for no others. So the parent looks whether those that are installed have the same
 * versions, and their files the same lengths; if not, children load them one by one.
 */
import * as fs from "node:fs"
import * as nodeModule from "node:module"
import * as path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

interface Bundled {
  /** The function in the file that gives its exports. */
  readonly as: string
  readonly names: ReadonlyArray<string>
  readonly size: number
}

/** What the file is made of. */
interface Manifest {
  readonly packages: Readonly<
    Record<string, { readonly version: string; readonly modules: Readonly<Record<string, Bundled>> }>
  >
  /** The modules of this library. They are as old as the file. */
  readonly own: Readonly<Record<string, Bundled>>
}

/** Where the packages are that the file was made of: URLs of directories, by name. */
export type Roots = Readonly<Record<string, string>>

const library = new URL("../..", import.meta.url)

export const fileUrl = new URL("bundle.js", library).href

const readManifest = (): Manifest => JSON.parse(fs.readFileSync(new URL("bundle.json", library), "utf8"))

/** The directory of a package, as it is found from a file. */
const rootOf = (name: string, from: string): string =>
  path.dirname(nodeModule.createRequire(from).resolve(`${name}/package.json`))

const isAsBundled = (root: string, { modules, version }: Manifest["packages"][string]): boolean =>
  JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")).version === version &&
  Object.entries(modules).every(([file, { size }]) => fs.statSync(path.join(root, file)).size === size)

/**
 * Where the packages are that the file was made of; `undefined` if these are not the ones that this library finds, or if there is no such
 * file, as where the library runs from its sources.
 */
export const find = (): Roots | undefined => {
  try {
    const { packages } = readManifest()
    const roots = new Map<string, string>()
    // Each is found from this library or from another one of them, and from everywhere the same.
    const visit = (from: string) => {
      for (const name of Object.keys(packages)) {
        let root: string
        try {
          root = rootOf(name, from)
        } catch {
          continue
        }
        const known = roots.get(name)
        if (known === root) continue
        if (known !== undefined) throw new Error(`there are several of ${name}`)
        roots.set(name, root)
        visit(path.join(root, "package.json"))
      }
    }
    visit(fileURLToPath(import.meta.url))
    const fits = Object.entries(packages).every(([name, bundled]) => isAsBundled(roots.get(name)!, bundled))
    return fits
      ? Object.fromEntries(Array.from(roots, ([name, root]) => [name, pathToFileURL(`${root}${path.sep}`).href]))
      : undefined
  } catch {
    return undefined
  }
}

/** What stands in a module instead of its own text. Names may be words that no variable can have. */
export const substitute = ({ as, names }: Pick<Bundled, "as" | "names">): string =>
  `import { ${as} as all } from ${JSON.stringify(fileUrl)}\n` +
  `const { ${names.map((name, i) => `${name}: _${i}`).join(", ")} } = all()\n` +
  `export { ${names.map((name, i) => `_${i} as ${name}`).join(", ")} }\n`

/** Loads what is in the file from there. None, if it has gone since it was found. */
export const makeLoader = (roots: Roots): nodeModule.LoadHookSync | undefined => {
  let manifest: Manifest
  try {
    manifest = readManifest()
  } catch {
    return undefined
  }
  const { own, packages } = manifest
  const bundled = new Map<string, Bundled>()
  const add = (root: string, modules: Readonly<Record<string, Bundled>>) => {
    for (const file of Object.keys(modules)) bundled.set(root + file, modules[file]!)
  }
  add(library.href, own)
  for (const [name, { modules }] of Object.entries(packages)) add(roots[name]!, modules)
  return (url, context, next) => {
    const found = bundled.get(url)
    return found === undefined
      ? next(url, context)
      : { format: "module", source: substitute(found), shortCircuit: true }
  }
}
