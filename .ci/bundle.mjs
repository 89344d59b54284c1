// Puts all modules of this library, and those of Effect that it or the root of "effect" imports, into two scripts: `internal/bundle.js` in the
// directory of the build, and `internal/bundle-rest.js` with what few need. `internal/bundle.json` says what they were made of. See
// src/internal/process/bundle.ts. What a child runs before, and cannot take from there, becomes one file too: `child.cjs`.
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { createRequire } from "node:module"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { rolldown } from "rolldown"
import { minifySync } from "rolldown/utils"

const packages = ["effect", "@effect/platform-node", "@effect/platform-node-shared"]

const dist = path.resolve(process.argv[2])
const inDist = (file) => path.join(dist, file)

const isBundled = (id) => packages.some((name) => id === name || id.startsWith(`${name}/`))

const entry = "bundle"

/** Links what entries reach, to lie in a directory. Entries, and other modules that belong to none, are given as text. */
const link = async (input, parts, { directory = inDist("internal"), ...options } = {}) => {
  const texts = new Map([...Object.entries(input), ...parts].map(([name, text]) => [`\0${name}`, text]))
  const bundle = await rolldown({
    input: Object.fromEntries(Object.keys(input).map((name) => [name, `\0${name}`])),
    platform: "node",
    external: (id) => !texts.has(id) && !id.startsWith(".") && !path.isAbsolute(id) && !isBundled(id),
    treeshake: false,
    preserveEntrySignatures: "allow-extension",
    transform: { define: { "import.meta.env": "undefined" } },
    // Functions that are called at once are not compiled beforehand: here they are not.
    optimization: { pifeForModuleWrappers: false },
    plugins: [{
      name: "texts",
      resolveId: (id) => texts.has(id) ? id : undefined,
      load: (id) => texts.get(id),
      // Each module keeps its own place.
      transform: (text, id) =>
        id.startsWith(dist) && text.includes("import.meta.url")
          ? text.replaceAll(
            "import.meta.url",
            `new URL(${JSON.stringify(path.relative(directory, id))}, import.meta.url).href`
          )
          : undefined
    }]
  })
  const { output } = await bundle.generate({
    ...options,
    comments: { annotation: false, jsdoc: false, legal: true }
  })
  await bundle.close()
  const foreign = new Set(output.flatMap((chunk) => chunk.imports)).difference(
    new Set(output.map((chunk) => chunk.fileName))
  )
  for (const name of foreign) if (!name.startsWith("node:")) throw new Error(`the bundle imports ${name}`)
  return output
}

/** Which files some of them reach. */
const reach = async (files) => {
  const chunks = await link({ all: files.map((file) => `import ${JSON.stringify(file)}`).join("\n") }, new Map())
  return chunks.flatMap((chunk) => chunk.moduleIds).filter((id) => path.isAbsolute(id))
}

const require = createRequire(inDist("index.js"))
const files = await reach([inDist("index.js"), require.resolve("effect")])
const modules = await Promise.all(files.map((file) => import(pathToFileURL(file).href)))
/** What nearly every child needs a part of. The rest is what only the root of "effect" reaches. */
const core = new Set(await reach(["effect/Effect", "effect/Schema"].map(require.resolve).concat(inDist("index.js"))))

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

/**
 * The script gives, by number, functions for the exports of each module that is no barrel. Nothing of a module is run before its function is
 * called; then those that it imports are, too. The exports have no prototype, as those of modules have none: so they are made as a table, in
 * a third of the time, and become fast to read when something has them as its prototype.
 */
const parts = new Map([[
  "made",
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
  const fields = Object.keys(modules[i]).map((name) => {
    const { module, name: inner } = origin(i, name)
    return `${JSON.stringify(name)}: ${inner === undefined ? `require("\0m${module}").default()` : `n.${inner}`}`
  })
  parts.set(
    `m${i}`,
    `import * as n from ${JSON.stringify(file)}\nimport made from "\0made"\nlet all\n` +
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

/** Functions for the exports of modules, by number. */
const functions = (isIn) =>
  `[${files.map((file, i) => barrels[i] || !isIn(file) ? "" : `() => require("\0m${i}").default()`).join(",")}]`

const coreParts = new Set(files.flatMap((file, i) => core.has(file) ? [file, `\0m${i}`] : []))
const chunks = await link(
  {
    bundle: `export const bundledModules = ${functions((file) => core.has(file))}
export const bundledNumbers = ${JSON.stringify(numbers)}
export const bundledBarrels = ${JSON.stringify(contents)}
`,
    rest: `export const bundledModules = ${functions((file) => !core.has(file))}\n`
  },
  parts,
  {
    format: "cjs",
    strictExecutionOrder: true,
    codeSplitting: {
      groups: [{ name: "core", test: (id) => coreParts.has(id) || /^\0(?:bundle$|made$|rolldown)/.test(id) }]
    }
  }
)
/** The chunks by what they have: what others share, the functions that link modules, the entries. */
const [bundle, rest] = ["bundle.js", "rest.js"].map((name) => chunks.find(({ fileName }) => fileName === name))
const runtime = chunks.find(({ moduleIds }) => moduleIds.includes("\0rolldown/runtime.js"))
const shared = chunks.find((chunk) => ![bundle, rest, runtime].includes(chunk))
if (chunks.length !== 4) throw new Error("the bundle has other chunks")

// The shared chunk becomes the script, with the entry at its end. What it exports for the rest is only exported if somebody asks for the rest.
const accessor =
  /^Object\.defineProperty\(exports, "([\w$]+)", \{\n\tenumerable: true,\n\tget: function\(\) \{\n\t\treturn ([\w$]+);\n\t\}\n\}\);\n/gm
const shares = Array.from(shared.code.matchAll(accessor))
const locals = new Map(shares.map(([, name, local]) => [name, local]))
const end = bundle.code.replaceAll(/^(?:const \w+ = )?require\("\.\/[^"]+"\);\n/gm, "")
const linkedScript = `const require_rolldown_runtime = {};
((exports) => {
${runtime.code}})(require_rolldown_runtime);
${shared.code.replaceAll(accessor, "").replace(/^const require_rolldown_runtime = .*\n/m, "")}
exports.share = () => {
const exports = {};
${shares.map(([statement]) => statement).join("")}
return { "./${runtime.fileName}": require_rolldown_runtime, "./${shared.fileName}": exports };
};
${end.replaceAll(/\brequire_\w+\.([\w$]+)/g, (_, name) => locals.get(name))}`

/** A function, without white space: what is short is read sooner, and V8 counts the lines of a script when it first writes a stack. */
const wrapped = (code) => {
  const { code: text, errors } = minifySync("bundle.js", `(function (exports, require, __filename) {\n${code}\n})`, {
    compress: false,
    mangle: false,
    codegen: { removeWhitespace: true }
  })
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"))
  // One character beyond the first 256 would double the memory of all others. They stand in strings.
  const ascii = text.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
  return licenses.join("\n") + ascii
}
const [first, second] = [linkedScript, rest.code].map(wrapped)
manifest.id = createHash("sha256").update(first).update(second).digest("hex").slice(0, 16)
fs.writeFileSync(inDist("internal/bundle.js"), first)
fs.writeFileSync(inDist("internal/bundle-rest.js"), second)
fs.writeFileSync(inDist("internal/bundle.json"), JSON.stringify(manifest))

const child = inDist("internal/process/child.js")
const linked = await link({ child: `import ${JSON.stringify(child)}` }, [], {
  format: "cjs",
  directory: path.dirname(child)
})
if (linked.length !== 1) throw new Error("what a child starts with is more than one file")
fs.writeFileSync(child.replace(/js$/, "cjs"), minifySync("child.cjs", linked[0].code, { mangle: false }).code)
for (const file of [child, `${child}.map`]) fs.rmSync(file)
