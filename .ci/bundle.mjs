// Puts all modules of this library, and those of Effect that it or the root of "effect" imports, into scripts in the directory `internal` of the
// build. `bundle.json` says what they were made of. See src/internal/process/bundle.ts, which has their names. What runs before, and cannot be
// taken from there, becomes a script too, which `child.cjs` and `register.js` run.
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { createRequire } from "node:module"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { runInThisContext } from "node:vm"
import { rolldown } from "rolldown"
import { minifySync, parseSync, Visitor } from "rolldown/utils"
import { coldOf, hotOf, split } from "./split.mjs"

const packages = ["effect", "@effect/platform-node", "@effect/platform-node-shared"]

const dist = path.resolve(process.argv[2])
const inDist = (file) => path.join(dist, file)
const importOf = (file) => import(pathToFileURL(inDist(file)).href)

const isBundled = (id) => packages.some((name) => id === name || id.startsWith(`${name}/`))

/** Where the expressions of a kind are in a text. */
const expressions = (text, kind) => {
  const found = []
  new Visitor({ [kind]: ({ end, start }) => found.push([start, end]) }).visit(parseSync("text.js", text).program)
  return found
}

/** A text with another one in place of some of its parts. */
const replaced = (text, parts, by) =>
  parts.sort(([a], [b]) => b - a)
    .reduce((text, [start, end]) => text.slice(0, start) + by(text.slice(start, end)) + text.slice(end), text)

/** One file, to lie in a directory, from the text of an entry, with other modules that are given as text, and some that are elsewhere. */
const link = async (
  entry,
  {
    directory = inDist("internal"),
    url = "import.meta.url",
    elsewhere = () => undefined,
    texts = new Map(),
    ...options
  } = {}
) => {
  const given = new Map([["\0entry", entry], ...texts])
  const bundle = await rolldown({
    input: "\0entry",
    platform: "node",
    external: (id) => !given.has(id) && !id.startsWith(".") && !path.isAbsolute(id) && !isBundled(id),
    treeshake: false,
    transform: { define: { "import.meta.env": "undefined" } },
    // Functions that are called at once are not compiled beforehand: here they are not.
    optimization: { pifeForModuleWrappers: false },
    plugins: [{
      name: "given",
      async resolveId(id, importer, options) {
        if (given.has(id)) {
          const other = elsewhere(id, importer)
          return other ? { id: other, external: true } : id
        }
        // What is loaded when it is needed is loaded as everywhere.
        if (options.kind === "dynamic-import") return { id, external: true }
        const found = await this.resolve(id, importer, { ...options, skipSelf: true })
        const other = found && elsewhere(found.id, importer)
        return other ? { id: other, external: true } : found
      },
      load: (id) => given.get(id),
      // Each module keeps its own place.
      transform: (text, id) =>
        id.startsWith(dist) && text.includes("import.meta.url")
          ? replaced(
            text,
            expressions(text, "MemberExpression").filter((part) => text.slice(...part) === "import.meta.url"),
            () => `new URL(${JSON.stringify(path.relative(directory, id).replaceAll(path.sep, "/"))}, ${url}).href`
          )
          : undefined
    }]
  })
  const { output } = await bundle.generate({
    codeSplitting: false,
    comments: { annotation: false, jsdoc: false, legal: true },
    ...options
  })
  await bundle.close()
  const [{ code, imports, moduleIds }, ...others] = output
  if (others.length > 0) throw new Error("the bundle is more than one file")
  const foreign = imports.filter((name) => !/^(node|module):/.test(name))
  if (foreign.length > 0) throw new Error(`the bundle imports ${foreign.join(", ")}`)
  return { code, files: moduleIds.filter((id) => path.isAbsolute(id)) }
}

const { scripts: names } = await importOf("internal/process/bundle.js")

const require = createRequire(inDist("index.js"))
const ofEffect = (name) => path.join(path.dirname(require.resolve("effect")), `${name}.js`)

/** The files that some of them reach, without going through others. */
const reach = async (files, others = []) => {
  const entry = files.map((file) => `import ${JSON.stringify(file)}`).join("\n")
  return (await link(entry, { elsewhere: (id) => others.includes(id) ? "module:" : undefined })).files
}

/** By script, what many children do without, and with it all that is there for it alone. */
const optional = [
  [
    ...["JoinableQueue", "Pipe", "Queue", "SimpleQueue"].map((name) => inDist(`${name}.js`)),
    ...["connection", "hub/service", "mail", "transport/local"].map((name) => inDist(`internal/${name}.js`)),
    // Streams have a use for it too, which few of them make.
    ofEffect("RcMap")
  ],
  ["Pool", "StreamTarget"].map((name) => inDist(`${name}.js`)),
  [
    inDist("Progress.js"),
    ...["Channel", "Cron", "JsonPatch", "JsonSchema", "Optic", "Sink", "Stream"].map(ofEffect),
    ...["encoding/SchemaBinary", "schema/SchemaJITCompiler"].map(ofEffect),
    ...["Aead", "KeyAgreement", "KeyFormat", "KeyWrap", "Mac", "Signature"].map((name) => ofEffect(`crypto/${name}`)),
    ...[
      "standardSchema",
      "toEncoderXml",
      "toEquivalence",
      "toFormatter",
      "toIso",
      "toJsonSchemaDocument",
      "toRepresentation"
    ]
      .map((name) => ofEffect(`internal/schema/${name}`))
  ]
]
/** The script of what this library does not use of the modules in the first one. */
const coldPlace = names.length - 2
const roots = [inDist("index.js"), ofEffect("Effect"), ofEffect("Schema")]
const files = await reach([...roots, ofEffect("index")])
const unknown = optional.flat().filter((file) => !files.includes(file))
if (unknown.length > 0) throw new Error(`nobody imports ${unknown.join(", ")}`)
const main = await reach(roots)
/** What is reached without those of each script. */
const without = await Promise.all(optional.map((some) => reach(roots, some)))
/** The script of a file: the first one has what several others need, the last one what only the root of "effect" reaches. */
const placeOf = (file) => main.includes(file) ? 1 + without.findIndex((some) => !some.includes(file)) : names.length - 1
/** The files of each script. */
const scripts = names.map((_, place) => files.filter((file) => placeOf(file) === place))
const modules = await Promise.all(files.map((file) => import(pathToFileURL(file).href)))

/** Does a module do nothing but export others, and names of others? */
const isBarrel = (file) => {
  const code = fs.readFileSync(file, "utf8").replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "")
  return /^(\s*export\s*(\*(\s*as\s+\w+)?|\{[^}]*\})\s*from\s*"[^"]+";?)*\s*$/.test(code)
}
const barrels = files.map(isBarrel)

/** Where an export of a module is from: a module, by its number, and the name in it; none for the module itself. */
const origin = (i, name) => {
  const value = modules[i][name]
  const module = modules.indexOf(value)
  if (module >= 0) return { module }
  const home = barrels[i] ? modules.findIndex((other, j) => !barrels[j] && name in other && other[name] === value) : i
  if (home < 0) throw new Error(`${files[i]} exports ${name} of a module that is not there`)
  return { module: home, name }
}

/** What the examples and the documents use of Effect: other programs will do so too. */
const common = new Set()
const project = path.dirname(import.meta.dirname)
for (const directory of ["docs", "examples"]) {
  for (const name of fs.readdirSync(path.join(project, directory), { recursive: true })) {
    if (!/\.(md|ts)$/.test(name)) continue
    const text = fs.readFileSync(path.join(project, directory, name), "utf8")
    for (const [, module, member] of text.matchAll(/\b([A-Z]\w*)\.(\w+)/g)) common.add(`${ofEffect(module)} ${member}`)
  }
}

// A barrel has no getters.
for (const i of files.keys()) {
  if (!barrels[i]) continue
  for (const name of Object.keys(modules[i])) {
    const { module, name: inner } = origin(i, name)
    if (inner !== undefined) common.add(`${files[module]} ${inner}`)
  }
}

/** Another function can stand for it that calls it. */
const isPlainFunction = (value) =>
  typeof value === "function" &&
  Reflect.ownKeys(value).every((key) =>
    key === "length" || key === "name" || (key === "prototype" && Reflect.ownKeys(value.prototype).length === 1)
  )

/** Has many exports for which no function can stand: who imports it by its own name has both halves of it run. */
const whole = [ofEffect("Schema")]

const mayBeSplit = (file) => placeOf(file) === 0 && !file.startsWith(dist) && !isBarrel(file)

/** Modules of the first script whose half that few use is in a script of its own. */
const { cold, isCold, texts: halves } = split(files, {
  isCommon: (file, name) =>
    common.has(`${file} ${name}`) ||
    (mayBeSplit(file) && !whole.includes(file) && !isPlainFunction(modules[files.indexOf(file)][name])),
  isRoot: (file) => file.startsWith(dist),
  isRun: (file) => placeOf(file) < coldPlace,
  mayBeSplit
})
const coldFiles = [...cold.keys()]

/** The name of a module that has one by its number. */
const partOf = (number) => `\0m${number}`
const isPart = (id) => /^\0m\d+$/.test(id)

/** The text of a module that has a table of what it is given. */
const tableOf = (id, fields, imports = "") =>
  `import * as n from ${JSON.stringify(id)}\nimport made from "\0made"\nlet all\n${imports}` +
  `export default () => all ??= made({ __proto__: null, ${fields.join(", ")} })\n`

/**
 * By name, a function for the exports of each module that is no barrel. The exports have no prototype, as those of modules have none: so they
 * are made as a table, in a third of the time, and become fast to read when something has them as its prototype.
 */
const parts = new Map([[
  "\0made",
  `export default function made(all) {
  function Fast() {}
  Fast.prototype = all
  new Fast().then
  return all
}
`
], ...halves])
for (const [i, file] of files.entries()) {
  if (barrels[i]) continue
  const others = new Set()
  const fields = Object.keys(modules[i]).map((name) => {
    const { module, name: inner } = origin(i, name)
    if (inner !== undefined && isCold(file, inner)) return `get ${JSON.stringify(name)}() { return n.${inner} }`
    if (inner === undefined) others.add(module)
    return `${JSON.stringify(name)}: ${inner === undefined ? `m${module}()` : `n.${inner}`}`
  })
  parts.set(
    partOf(i),
    tableOf(file, fields, Array.from(others, (number) => `import m${number} from "${partOf(number)}"\n`).join(""))
  )
}

/** What was bundled, for who looks whether it is what is installed. */
const manifest = { id: "", packages: {} }
/** The number of each module, by package and file; those of this library have no package. */
const numbers = { "": {} }
/** For each barrel, the numbers of the modules that it exports, and of those that have a name which it exports. */
const contents = {}
/** Their authors demand that they go with the code. */
const licenses = []

/** The package of a file: the nearest directory above it with a name of its own. */
const packageOf = (file) => {
  let directory = path.dirname(file)
  for (;;) {
    const info = path.join(directory, "package.json")
    const { name, version } = fs.existsSync(info) ? JSON.parse(fs.readFileSync(info, "utf8")) : {}
    if (name !== undefined) return { directory, name, version }
    directory = path.dirname(directory)
  }
}

for (const [i, file] of files.entries()) {
  const names = Object.keys(modules[i])
  const strange = names.filter((name) => !/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name))
  if (strange.length > 0) throw new Error(`${file} exports ${strange.join(", ")}`)
  if (barrels[i]) {
    contents[i] = Object.fromEntries(names.map((name) => {
      const { module, name: inner } = origin(i, name)
      return [name, inner === undefined ? module : [module, inner]]
    }))
  }
  const within = (directory) => path.relative(directory, file).replaceAll(path.sep, "/")
  if (file.startsWith(dist)) {
    numbers[""][within(dist)] = i
    continue
  }
  const { directory, name, version } = packageOf(file)
  if (!packages.includes(name)) throw new Error(`the bundle has a module of ${name}`)
  if (manifest.packages[name] === undefined) {
    manifest.packages[name] = { version, sizes: {} }
    numbers[name] = {}
    licenses.push(`/*! ${name} ${version}\n\n${fs.readFileSync(path.join(directory, "LICENSE"), "utf8").trim()}\n*/\n`)
  }
  manifest.packages[name].sizes[within(directory)] = fs.statSync(file).size
  numbers[name][within(directory)] = i
}

// Their names are those of their files, as packageNames.ts says.
const { fileOf, parse } = await importOf("internal/process/packageNames.js")
const resolved = (specifier) => {
  try {
    return import.meta.resolve(specifier)
  } catch {
    return undefined
  }
}
for (const [name, files] of Object.entries(numbers)) {
  const root = name === "" ? dist : path.join(project, "node_modules", name, "dist")
  for (const file of Object.keys(files).map((file) => name === "" ? file : path.relative("dist", file))) {
    const rest = file === "index.js" ? "" : file.replace(/\.js$/, "")
    const specifier = path.posix.join(name || "effect-multiprocessing", rest)
    const url = resolved(specifier)?.replace(
      pathToFileURL(path.join(project, "dist")).href,
      pathToFileURL(dist).href
    )
    const said = fileOf(parse(specifier).rest)
    if (url !== (said && pathToFileURL(path.join(root, said)).href)) {
      throw new Error(`${specifier} is not ${said}, but ${url}`)
    }
  }
}

/** The number of what gives a script what it takes of the first one. It lies in the first one, behind the modules. */
const lenderOf = (place) => files.length + place - 1
/** The number of the half of a module that few use, behind the others. */
const coldNumber = (file) => files.length + names.length - 1 + coldFiles.indexOf(file)
const numbered = [...files.keys(), ...names.slice(1).map((_, i) => lenderOf(i + 1)), ...coldFiles.map(coldNumber)]
for (const [file, exported] of cold) {
  parts.set(
    partOf(coldNumber(file)),
    tableOf(coldOf(file), exported.map((name) => `${JSON.stringify(name)}: n.${name}`))
  )
}

/** The number of what has an id. A module that was split has none: it only passes on what its halves export. */
const numberOf = new Map([
  ...files.map((file, i) => [cold.has(file) ? hotOf(file) : file, i]),
  ...coldFiles.map((file) => [coldOf(file), coldNumber(file)])
])

/** The script in which something with a number is; none for a barrel. */
const scriptOf = (i) => {
  if (i >= coldNumber(coldFiles[0])) return coldPlace
  if (i >= files.length) return 0
  return barrels[i] ? undefined : scripts.findIndex((script) => script.includes(files[i]))
}

/**
 * Modules of Node are no modules of CommonJS, which would have to be made look like others: that loads all of their parts. Nor are other scripts,
 * which are not run before something of them is used.
 */
const asTheyAre = (linked) => {
  const renamed = new Map()
  const interop = /^(?:let )?([\w$]+) = __toESM\(([\w$]+)(?:, 1)?\);\n/gm
  const plain = linked.replaceAll(/^require\("module:\d+"\);\n/gm, "").replaceAll(interop, (_, name, module) => {
    if (name !== module) renamed.set(name, module)
    return ""
  })
  const code = renamed.size === 0 ? plain : plain.replaceAll(/(?<![\w$.])[\w$]+/g, (name) => renamed.get(name) ?? name)
  if (/\b(node|module)_\w+\.default\b/.test(code)) throw new Error("the bundle uses a default export")
  return code
}

/** Where a script has a module of another one: its variable, and its number. */
const other = /^let (\w+) = require\("module:(\d+)"\);\n/gm
const othersIn = (linked) => Array.from(linked.matchAll(other), ([, variable, number]) => [variable, Number(number)])

/** What `variable.name` consists of; nothing, if it is something else. */
const memberOf = (use) => /^(?<variable>\w+)\.(?<name>[\w$]+)$/.exec(use)?.groups ?? {}

/** With a function in place of each module that is run on its own: to run a script of these runs none of them. */
const later = (linked) => {
  const ones = new Map(othersIn(linked).filter(([, i]) => scriptOf(i) >= coldPlace))
  const uses = expressions(linked, "MemberExpression").filter((part) =>
    ones.has(memberOf(linked.slice(...part)).variable)
  )
  const text = replaced(linked, uses, (use) => use.replace(".", "()."))
  for (const [variable, i] of ones) {
    if (text.split(new RegExp(`\\b${variable}\\b(?!\\()`)).length > 2) {
      throw new Error(`a script needs all of module ${i}`)
    }
  }
  return text.replaceAll(
    other,
    (line, variable, number) => ones.has(variable) ? `const ${variable} = require("later:${number}");\n` : line
  )
}

/** A script with some of the modules. It finds those of others by number. */
const linkScript = async (place, entry, options) => {
  const { code } = await link(entry, {
    texts: parts,
    elsewhere: (id, importer) => {
      const i = numberOf.get(id)
      const isHere = barrels[i] ? scripts[place].includes(id) : scriptOf(i) === place
      // To run a half that few need does not run others.
      if (i === undefined || (isHere && (place !== coldPlace || isPart(importer)))) return undefined
      if (barrels[i]) throw new Error(`${id} has no number by which a module could find it`)
      return `module:${i}`
    },
    format: "cjs",
    url: "__url",
    ...options
  })
  return later(asTheyAre(code))
}

/** One that is linked so that all of it is run at once: constants are quicker than variables. */
const linkWhole = (place, rest = "") => {
  const own = numbered.filter((i) => scriptOf(i) === place)
  const there = numbered.map((i) => scriptOf(i) === place ? `m${i}` : place === 0 ? scriptOf(i) : "")
  return linkScript(
    place,
    `${own.map((i) => `import m${i} from "${partOf(i)}"\n`).join("")}export const modules = [${there.join()}]\n${rest}`
  )
}

/** One of which a module is run when its exports are first asked for. */
const linkByModule = (place) => {
  const there = numbered.map((i) => scriptOf(i) === place ? `() => require("${partOf(i)}").default()` : "")
  return linkScript(place, `export const modules = [${there.join()}]`, { strictExecutionOrder: true })
}

/** What comes later is given to a script when it is there. Nothing else is assigned to: V8 knows constants. */
const withLink = (linked) => {
  const missing = othersIn(linked).filter(([, i]) => scriptOf(i) !== 0)
  return `${linked}exports.link = (get) => {\n${
    missing.map(([variable, i]) => `${variable} = get(${i})\n`).join("")
  }}\n`
}

/** Is an export of a module assigned to while it is in use? */
const changes = (file, name) =>
  Array.from(fs.readFileSync(file, "utf8").matchAll(/^export (?:let|var) ([\w$]+)/gm), ([, name]) => name).includes(
    name
  )

/**
 * A script as a function of what it takes of the first one. Tables of all that its modules export would take a millisecond to be made, and what
 * is found in them is no constant.
 */
const borrowing = (place, linked) => {
  const lenders = new Map(othersIn(linked).filter(([, i]) => scriptOf(i) === 0))
  /** By what is written in the script: what imports the same under a name. */
  const taken = new Map()
  const nameOf = (use) => use.replace(".", "_")
  const uses = expressions(linked, "MemberExpression").filter((part) => {
    const use = linked.slice(...part)
    const { name, variable } = memberOf(use)
    const i = lenders.get(variable)
    if (i === undefined) return false
    if (changes(files[i], name)) throw new Error(`${names[place]} takes ${name} of ${files[i]}, which changes`)
    const id = cold.has(files[i]) ? hotOf(files[i]) : files[i]
    taken.set(use, `import { ${name} as ${nameOf(use)} } from ${JSON.stringify(id)}\n`)
    return true
  })
  const text = replaced(linked, uses, nameOf)
  // Few are used as a whole too.
  const isUsed = (variable) => text.split(new RegExp(`\\b${variable}\\b`)).length > 2
  const kept = text.replaceAll(other, (line, variable) => lenders.has(variable) && !isUsed(variable) ? "" : line)
  const list = Array.from(taken.keys(), nameOf).join()
  const lender = lenderOf(place)
  parts.set(partOf(lender), `${[...taken.values()].join("")}export default () => (take) => take(${list})\n`)
  return `require("module:${lender}")((${list}) => {\n${withLink(kept)}})\n`
}

const others = await Promise.all(
  names.slice(1).map(async (_, i) => borrowing(i + 1, await (i < optional.length ? linkWhole : linkByModule)(i + 1)))
)
// The last to be linked, as the others say what it lends.
const first = withLink(
  await linkWhole(
    0,
    `export const numbers = ${JSON.stringify(numbers)}\nexport const barrels = ${JSON.stringify(contents)}\n` +
      `export const whole = [${whole.map((file) => files.indexOf(file))}]\n`
  )
)

/** With calls of a function in place of `import()`, which a script does not have. */
const withImports = (code) =>
  replaced(code, expressions(code, "ImportExpression").map(([start]) => [start, start]), () => "__")

/** A function, without white space: what is short is read sooner, and V8 counts the lines of a script when it first writes a stack. */
const wrapped = (linked) => {
  const scope = "exports, require, __import, __url"
  const { code, errors } = minifySync(
    "bundle.js",
    `(function (${scope}) {\n${withImports(linked)}\n})`,
    { compress: false, mangle: { keepNames: true }, codegen: { removeWhitespace: true } }
  )
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"))
  // One character beyond the first 256 would double the memory of all others. They stand in strings.
  return code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
}

const idOf = (text) => createHash("sha256").update(text).digest("hex").slice(0, 16)

const writeScript = (name, id, text) => fs.writeFileSync(inDist(`internal/${name}.js`), `/*! ${id} */\n${text}`)

const texts = [first, ...others].map((linked) => licenses.join("\n") + wrapped(linked))
manifest.id = idOf(texts.join("\0"))
for (const [place, text] of texts.entries()) writeScript(names[place], manifest.id, text)

const untouchable = (i) =>
  new Proxy({}, {
    get: (_, name) => {
      throw new Error(`${files[i]} is not optional: its ${String(name)} is needed at once`)
    }
  })
/** Scripts that have been run. One that is run as a whole must not touch what comes later. */
const tried = []
const get = (i) => tried[scriptOf(i)]?.modules[i]() ?? untouchable(i)
for (const [place, text] of texts.slice(0, coldPlace).entries()) {
  const exports = {}
  runInThisContext(text, { filename: names[place] })(
    exports,
    (name) => {
      const [kind, number] = name.split(":")
      return kind === "module" ? get(Number(number)) : kind === "later" ? () => get(Number(number)) : require(name)
    },
    undefined,
    pathToFileURL(inDist("trial.js")).href
  )
  tried.push(exports)
  for (const { link } of tried) link(get)
}

fs.writeFileSync(inDist("internal/bundle.json"), JSON.stringify(manifest))

/** An import of a module of Node makes all of its exports, for which Node loads all of its parts. */
const withoutImports = (linked) => {
  const code = linked.replaceAll(
    /^import (?:(?:\* as (\w+)|\{([^}]*)\}) from )?"(node:\w+)";$/gm,
    (_, all, names, module) => {
      const taken = all ?? (names && `{${names.replaceAll(" as ", ": ")}}`)
      return taken === undefined ? "" : `const ${taken} = process.getBuiltinModule("${module}");`
    }
  )
  if (/^import\b/m.test(code)) throw new Error("what starts a script imports others")
  return code
}

/**
 * Makes a script of a module that runs before the others, and gives what runs the script: an expression says whether its compiled code may be
 * kept.
 */
const scriptOfFirst = async (file, name, mayKeep, format) => {
  const directory = path.dirname(file)
  const { code } = await link(`import ${JSON.stringify(file)}`, { format: "cjs", url: "__url" })
  const text = wrapped(asTheyAre(code))
  writeScript(name, idOf(text), text)
  const script = path.relative(directory, inDist(`internal/${name}.js`)).replaceAll(path.sep, "/")
  const starter = await link(
    `import * as CodeCache from ${JSON.stringify(inDist("internal/process/codeCache.js"))}
const directory = ${mayKeep} ? CodeCache.directory() : undefined
CodeCache.run(new URL(${JSON.stringify(script)}, import.meta.url).href, undefined, directory, process.getBuiltinModule)
`,
    { format, directory }
  )
  return minifySync(name, withoutImports(asTheyAre(starter.code)), { mangle: false }).code
}

const register = inDist("register.js")
fs.writeFileSync(register, await scriptOfFirst(register, "bundle-register", "true", "esm"))
fs.rmSync(`${register}.map`)
const child = inDist("internal/process/child.js")
// Its first argument says how it imports.
const isQuick = `!process.argv[2]?.startsWith('["plain"')`
fs.writeFileSync(child.replace(/js$/, "cjs"), await scriptOfFirst(child, "bundle-child", isQuick, "cjs"))
for (const file of [child, `${child}.map`]) fs.rmSync(file)
