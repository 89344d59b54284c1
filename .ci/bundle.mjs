// Puts all modules of this library, and those of Effect that it or the root of "effect" imports, into three scripts: `internal/bundle.js` in the
// directory of the build, `bundle-late.js` with what many do without, and `bundle-rest.js` with what few need. `bundle.json` says what they
// were made of. See src/internal/process/bundle.ts. What runs before, and cannot be taken from there, becomes a script too, which `child.cjs` and
// `register.js` run.
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { createRequire } from "node:module"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { runInThisContext } from "node:vm"
import { rolldown } from "rolldown"
import { minifySync, parseSync, Visitor } from "rolldown/utils"

const packages = ["effect", "@effect/platform-node", "@effect/platform-node-shared"]

const dist = path.resolve(process.argv[2])
const inDist = (file) => path.join(dist, file)

const isBundled = (id) => packages.some((name) => id === name || id.startsWith(`${name}/`))

/** Where the expressions of a kind are in a text. */
const expressions = (text, kind) => {
  const found = []
  new Visitor({ [kind]: ({ end, start }) => found.push([start, end]) }).visit(parseSync("text.js", text).program)
  return found
}

/** A text with another one in place of some of its parts. */
const replaced = (text, parts, by) =>
  parts.sort(([a], [b]) => b - a).reduce((text, [start, end]) => text.slice(0, start) + by + text.slice(end), text)

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
        if (given.has(id)) return id
        // What is loaded when it is needed is loaded as everywhere.
        if (options.kind === "dynamic-import") return { id, external: true }
        const found = await this.resolve(id, importer, { ...options, skipSelf: true })
        const other = found && elsewhere(found.id)
        return other ? { id: other, external: true } : found
      },
      load: (id) => given.get(id),
      // Each module keeps its own place.
      transform: (text, id) =>
        id.startsWith(dist) && text.includes("import.meta.url")
          ? replaced(
            text,
            expressions(text, "MemberExpression").filter((part) => text.slice(...part) === "import.meta.url"),
            `new URL(${JSON.stringify(path.relative(directory, id).replaceAll(path.sep, "/"))}, ${url}).href`
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

const require = createRequire(inDist("index.js"))
const ofEffect = (name) => path.join(path.dirname(require.resolve("effect")), `${name}.js`)

/** The files that some of them reach, without going through others. */
const reach = async (files, others = []) => {
  const entry = files.map((file) => `import ${JSON.stringify(file)}`).join("\n")
  return (await link(entry, { elsewhere: (id) => others.includes(id) ? "module:" : undefined })).files
}

/** What many children do without, and with it all that is there for it alone. */
const optional = [
  ...["Pool", "Progress", "StreamTarget"].map((name) => inDist(`${name}.js`)),
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
const roots = [inDist("index.js"), ofEffect("Effect"), ofEffect("Schema")]
const files = await reach([...roots, ofEffect("index")])
const unknown = optional.filter((file) => !files.includes(file))
if (unknown.length > 0) throw new Error(`nobody imports ${unknown.join(", ")}`)
const main = await reach(roots)
const core = await reach(roots, optional)
/** The files of each script; the last one has what only the root of "effect" reaches. */
const scripts = [
  core,
  main.filter((file) => !core.includes(file)),
  files.filter((file) => !main.includes(file))
]
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

/** The name of a module that has one by its number. */
const partOf = (number) => `\0m${number}`

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
]])
for (const [i, file] of files.entries()) {
  if (barrels[i]) continue
  const others = new Set()
  const fields = Object.keys(modules[i]).map((name) => {
    const { module, name: inner } = origin(i, name)
    if (inner === undefined) others.add(module)
    return `${JSON.stringify(name)}: ${inner === undefined ? `m${module}()` : `n.${inner}`}`
  })
  parts.set(
    partOf(i),
    `import * as n from ${JSON.stringify(file)}\nimport made from "\0made"\nlet all\n` +
      Array.from(others, (number) => `import m${number} from "${partOf(number)}"\n`).join("") +
      `export default () => all ??= made({ __proto__: null, ${fields.join(", ")} })\n`
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
const project = path.dirname(import.meta.dirname)
const { fileOf, parse } = await import(pathToFileURL(inDist("internal/process/packageNames.js")).href)
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

/** The script in which a module is; none for a barrel. */
const scriptOf = (i) => barrels[i] ? undefined : scripts.findIndex((script) => script.includes(files[i]))

/** A script with some of the modules. It finds those of others by number. */
const linkScript = (place, entry, options) =>
  link(entry, {
    texts: parts,
    elsewhere: (id) => {
      const i = files.indexOf(id)
      if (i < 0 || scripts[place].includes(id)) return undefined
      if (barrels[i]) throw new Error(`${id} has no number by which a module could find it`)
      return `module:${i}`
    },
    format: "cjs",
    url: "__url",
    ...options
  })

/** One that is linked so that all of it is run at once: constants are quicker than variables. */
const linkWhole = (place, rest = "") => {
  const own = files.flatMap((_, i) => scriptOf(i) === place ? [i] : [])
  const there = files.map((_, i) => scriptOf(i) === place ? `m${i}` : place === 0 ? scriptOf(i) : "")
  return linkScript(
    place,
    `${own.map((i) => `import m${i} from "${partOf(i)}"\n`).join("")}export const modules = [${there.join()}]\n${rest}`
  )
}
const linked = [
  await linkWhole(
    0,
    `export const numbers = ${JSON.stringify(numbers)}\nexport const barrels = ${JSON.stringify(contents)}\n`
  ),
  await linkWhole(1),
  // Of the rest, a module is run when its exports are first asked for.
  await linkScript(
    2,
    `export const modules = [${
      files.map((_, i) => scriptOf(i) === 2 ? `() => require("${partOf(i)}").default()` : "").join()
    }]`,
    { strictExecutionOrder: true }
  )
]

/** With calls of a function in place of `import()`, which a script does not have. */
const withImports = (code) =>
  replaced(code, expressions(code, "ImportExpression").map(([start]) => [start, start]), "__")

/** Modules of Node are no modules of CommonJS, which would have to be made look like others: that loads all of their parts. Nor are other scripts. */
const asTheyAre = (linked) => {
  const code = linked.replaceAll(/^(\w+) = __toESM\(\1(, 1)?\);\n/gm, "")
  if (/\b(node|module)_\w+\.default\b/.test(code)) throw new Error("the bundle uses a default export")
  return code
}

/** A function, without white space: what is short is read sooner, and V8 counts the lines of a script when it first writes a stack. */
const wrapped = (linked, end = "") => {
  const scope = "exports, require, __import, __url"
  const { code, errors } = minifySync(
    "bundle.js",
    `(function (${scope}) {\n${withImports(asTheyAre(linked))}\n${end}})`,
    { compress: false, mangle: { keepNames: true }, codegen: { removeWhitespace: true } }
  )
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"))
  // One character beyond the first 256 would double the memory of all others. They stand in strings.
  return code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
}

/** What comes later is given to a script when it is there. Nothing else is assigned to: V8 knows constants. */
const linking = (linked) => {
  const later = Array.from(linked.matchAll(/^let (\w+) = require\("module:(\d+)"\);$/gm))
    .flatMap(([, name, number]) => scriptOf(Number(number)) === 0 ? [] : [`${name} = get(${number})\n`]).join("")
  return `exports.link = (get) => {\n${later}}\n`
}

const idOf = (text) => createHash("sha256").update(text).digest("hex").slice(0, 16)

const writeScript = (name, id, text) => fs.writeFileSync(inDist(`internal/${name}.js`), `/*! ${id} */\n${text}`)

const texts = linked.map(({ code }) => licenses.join("\n") + wrapped(code, linking(code)))
manifest.id = idOf(texts.join("\0"))
for (const [place, text] of texts.entries()) {
  writeScript(["bundle", "bundle-late", "bundle-rest"][place], manifest.id, text)
}

/** A script that is run as a whole must not touch what comes later. */
const trial = (place, get) => {
  const exports = {}
  const find = (name) => name.startsWith("module:") ? get(Number(name.slice(7))) : require(name)
  runInThisContext(texts[place], { filename: `script ${place}` })(
    exports,
    find,
    undefined,
    pathToFileURL(inDist("trial.js")).href
  )
  return exports
}
const untouchable = (i) =>
  new Proxy({}, {
    get: (_, name) => {
      throw new Error(`${files[i]} is not optional: its ${String(name)} is needed at once`)
    }
  })
const first = trial(0, untouchable)
trial(1, (i) => scriptOf(i) === 0 ? first.modules[i]() : untouchable(i))

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
  const text = wrapped(code)
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
