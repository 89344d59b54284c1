/**
 * Makes the imports of a child cheaper. A child that imports "effect" resolves two thousand specifiers, for two hundred modules, and
 * compiles these; that is most of what its start costs. Most of it comes out of one file, where that is possible: see `bundle.ts`. The rest
 * is for the others.
 *
 * Compiled code is kept by Node's own compile cache. The specifiers inside of Effect's packages and of this library are nearly all
 * relative, with their suffix, to a file in a directory about which Node was asked before: the answer is the file beside it, in the format
 * of the others there. Only a file that is there and no symbolic link is answered so; all else, and all imports of users, are left to
 * Node. Nothing is remembered beyond this process, and the files themselves are always read, so that nothing can be out of date.
 */
import * as fs from "node:fs"
import * as nodeModule from "node:module"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import * as Bundle from "./bundle.ts"
import * as CodeCache from "./codeCache.ts"

const library = new URL("../..", import.meta.url).href

const modules = "/node_modules/"

/** Of this library or of Effect. */
const isOurs = (url: string): boolean => {
  if (url.startsWith(library)) return true
  const at = url.lastIndexOf(modules)
  return at >= 0 && url.startsWith("file:") && /^@?effect\//.test(url.slice(at + modules.length))
}

/** The name of a file beside the one that asks, or elsewhere in its package. The first regular expression of a process costs a millisecond. */
const isRelative = (specifier: string): boolean =>
  (specifier.startsWith("./") || specifier.startsWith("../")) && /^[\w./-]*\w\.(?:js|ts)$/.test(specifier)

const directoryOf = (url: string): string => url.slice(0, url.lastIndexOf("/") + 1)

/** A file of its own at this URL, of which something else may have to hold. */
const isPlainFile = (url: string, holds: (file: string) => boolean = () => true): boolean => {
  try {
    const file = fileURLToPath(url)
    return fs.lstatSync(file).isFile() && holds(file)
  } catch {
    return false
  }
}

/** A plain file to which no symbolic link leads. */
const isRealFile = (url: string): boolean => isPlainFile(url, (file) => fs.realpathSync.native(file) === file)

/** What a resolver answers. */
type Answer = ReturnType<nodeModule.ResolveHookSync>

/** The conditions under which Node imports if its user has named none. */
const ownConditions = new Set(["node", "import", "module-sync", "node-addons"])

/** Answers for Node, where the answer is known; `find` knows modules by what others ask for. */
export const makeResolver = (
  find: (specifier: string, from: string) => string | undefined = () => undefined
): nodeModule.ResolveHookSync => {
  /** By directory of the asker and specifier. */
  const answers = new Map<string, Answer>()
  /** By directory and suffix: the format that Node gave to a file there which it found where its name says. */
  const formats = new Map<string, Answer["format"]>()
  return (specifier, context, next) => {
    const { conditions, importAttributes, parentURL } = context
    if (parentURL === undefined) return next(specifier, context)
    // Not for `require`, nor for what is imported as something else than code.
    if (!conditions.includes("import") || Object.keys(importAttributes).length > 0) return next(specifier, context)
    if (!isOurs(parentURL)) {
      const isUsual = conditions.every((condition) => ownConditions.has(condition))
      const url = isUsual ? find(specifier, parentURL) : undefined
      return url === undefined ? next(specifier, context) : { url, format: "module", shortCircuit: true }
    }
    const key = `${directoryOf(parentURL)} ${specifier}`
    const known = answers.get(key)
    if (known !== undefined) return known
    let answer: Answer
    if (isRelative(specifier)) {
      const url = new URL(specifier, parentURL).href
      const place = directoryOf(url) + path.extname(url)
      const format = formats.get(place)
      if (format && isPlainFile(url)) answer = { url, format, shortCircuit: true }
      else {
        answer = { ...next(specifier, context), shortCircuit: true }
        if (answer.url === url) formats.set(place, answer.format)
      }
    } else if (specifier.startsWith("file:") && isRealFile(specifier)) {
      // The module of a target. Node would come to the same end with regular expressions, which take a millisecond to compile.
      answer = { url: new URL(specifier).href, shortCircuit: true }
    } else answer = { ...next(specifier, context), shortCircuit: true }
    answers.set(key, answer)
    return answer
  }
}

/** How a child imports: as Node does, the quick way, or that and much of it out of the bundle. */
export type Imports = "plain" | "quick" | { readonly bundled: Bundle.Bundle }

/** How a process that can import quickly does so, with a bundle if there is one. */
export const withBundle = (bundled: Bundle.Bundle | undefined): Exclude<Imports, "plain"> =>
  bundled === undefined ? "quick" : { bundled }

/** Node's user says where packages are. */
const isMapped = (): boolean =>
  [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" ").includes("package-map")

/** For a process that has imported nothing yet. Never fails. */
export const enable = (imports: Exclude<Imports, "plain">): void => {
  const directory = CodeCache.directory()
  // Node does by itself what its user has said.
  if (directory !== undefined && process.env["NODE_COMPILE_CACHE"] === undefined) {
    nodeModule.enableCompileCache(directory)
  }
  if (imports === "quick") return void nodeModule.registerHooks({ resolve: makeResolver() })
  const { find, load } = Bundle.makeHooks(imports.bundled, directory)
  nodeModule.registerHooks({ resolve: makeResolver(isMapped() ? undefined : find), load })
}

/** The flag of a program that wants its own imports to be quick, see `register.ts`; flags are divided by zeros. */
const registration =
  /(?:^|\0)(?:-r|--require|--import)[=\0](?:[^\0]*\/)?effect-multiprocessing\/(?:[^\0]*\/)?register(?:\.[jt]s)?(?=\0|$)/g

/** Flags without the one for what children do by themselves. */
export const withoutRegistration = (flags: ReadonlyArray<string>): ReadonlyArray<string> =>
  // A regular expression takes a tenth of a millisecond to compile.
  flags.some((flag) => flag.includes("register"))
    ? flags.join("\0").replaceAll(registration, "").split("\0").filter((flag) => flag !== "")
    : flags

/** Flags that import something beforehand. */
const hooks = ["-r", "--import", "--require", "--loader", "--experimental-loader"]

/** Why children of this process import as Node does; `undefined`: they need not. */
export const obstacle = (flags: ReadonlyArray<string>, nodeOptions = ""): string | undefined =>
  [flags, nodeOptions === "" ? [] : nodeOptions.split(/\s+/)].some((given) =>
      withoutRegistration(given).some((flag) => hooks.includes(flag.split("=", 1)[0]!))
    )
    ? "its flags import modules beforehand, which may have hooks of their own"
    : typeof nodeModule.registerHooks === "function"
    ? undefined
    : "this Node has no synchronous hooks"
