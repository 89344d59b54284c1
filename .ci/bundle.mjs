// Puts all modules of this library, and those of Effect that it or the root of "effect" imports, into one file: `bundle.js` in the directory
// of the build, beside `bundle.json`, which says what is in it. See src/internal/process/bundle.ts. What a child runs before, and cannot take
// from there, becomes one file too: `child.js`.
import * as fs from "node:fs"
import { createRequire } from "node:module"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { rolldown } from "rolldown"

const packages = ["effect", "@effect/platform-node", "@effect/platform-node-shared"]

const dist = path.resolve(process.argv[2])
const inDist = (file) => path.join(dist, file)

const isBundled = (id) => packages.some((name) => id === name || id.startsWith(`${name}/`))

const entry = "bundle"

/** One file, to lie in a directory, from the text of an entry. */
const link = async (text, directory = dist) => {
  const bundle = await rolldown({
    input: entry,
    platform: "node",
    external: (id) => id !== entry && !id.startsWith(".") && !path.isAbsolute(id) && !isBundled(id),
    treeshake: false,
    plugins: [{
      name: "entry",
      resolveId: (id) => id === entry ? `\0${entry}` : undefined,
      load: (id) => id === `\0${entry}` ? text : undefined,
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
    format: "esm",
    comments: { annotation: false, jsdoc: false, legal: true }
  })
  await bundle.close()
  if (output.length !== 1) throw new Error("the bundle is more than one file")
  return output[0]
}

const require = createRequire(inDist("index.js"))
const roots = [inDist("index.js"), require.resolve("effect")]
const reached = await link(roots.map((file) => `import ${JSON.stringify(file)}`).join("\n"))
const files = reached.moduleIds.filter((id) => path.isAbsolute(id))
const modules = await Promise.all(files.map((file) => import(pathToFileURL(file).href)))

/** Does a module do nothing but export others, and names of others? */
const isBarrel = (file) => {
  const code = fs.readFileSync(file, "utf8").replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "")
  return /^(\s*export\s*(\*\s*as\s+\w+|\{[^}]*\})\s*from\s*"[^"]+";?)*\s*$/.test(code)
}
const barrels = files.map(isBarrel)

/** What the bundle calls what a module exports: a module, or a name in one that does more than to export. */
const expression = (i, name) => {
  const value = modules[i][name]
  const module = modules.indexOf(value)
  if (module >= 0) return `m${module}()`
  const home = barrels[i] ? modules.findIndex((other, j) => !barrels[j] && name in other && other[name] === value) : i
  if (home < 0) throw new Error(`${files[i]} exports ${name} of a module that is not there`)
  return `n${home}.${name}`
}

/**
 * The exports of each module, as an object that is made when it is asked for: most are not. Without a prototype, as a module has none: so it
 * is made as a table, in a third of the time, and becomes fast to read when something has it as its prototype.
 */
const text = files.map((file, i) =>
  `${barrels[i] ? "" : `import * as n${i} from ${JSON.stringify(file)}\n`}` +
  `let o${i}\n` +
  `export function m${i}() {\n` +
  `  return o${i} ??= made({ __proto__: null, ${
    Object.keys(modules[i]).map((name) => `${JSON.stringify(name)}: ${expression(i, name)}`).join(", ")
  } })\n}\n`
)
const made = `function made(all) {
  function Fast() {}
  Fast.prototype = all
  new Fast().then
  return all
}
`
const { code, imports } = await link(text.join("") + made)
const foreign = imports.filter((name) => !name.startsWith("node:"))
if (foreign.length > 0) throw new Error(`the bundle imports ${foreign.join(", ")}`)

const manifest = { packages: {}, own: {} }
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
  const module = { as: `m${i}`, names, size: fs.statSync(file).size }
  if (file.startsWith(dist)) {
    manifest.own[path.relative(dist, file).replaceAll(path.sep, "/")] = module
    continue
  }
  const { directory, name, version } = packageOf(file)
  if (!packages.includes(name)) throw new Error(`the bundle has a module of ${name}`)
  if (manifest.packages[name] === undefined) {
    manifest.packages[name] = { version, modules: {} }
    licenses.push(`/*! ${name} ${version}\n\n${fs.readFileSync(path.join(directory, "LICENSE"), "utf8").trim()}\n*/\n`)
  }
  manifest.packages[name].modules[path.relative(directory, file).replaceAll(path.sep, "/")] = module
}

// Where a module asks an error for its stack while it is evaluated, V8 looks for all lines of the file, which takes some milliseconds. There
// are no stacks until all have been evaluated.
const statement = /^(?!import |\/\/)/m
const quick =
  code.replace(statement, "const { stackTraceLimit } = Error;\nReflect.set(Error, \"stackTraceLimit\", 0);\n") +
  "Reflect.set(Error, \"stackTraceLimit\", stackTraceLimit);\n"
/** Not the name of the directory, which is another one in each build. */
const placeless = (code) => code.replaceAll(`// ${path.relative(process.cwd(), dist)}/`, "// ")
const bundle = (licenses.join("\n") + placeless(quick))
  // One character beyond the first 256 would double the memory of all others. They stand in strings.
  .replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
fs.writeFileSync(inDist("bundle.js"), bundle)
fs.writeFileSync(inDist("bundle.json"), JSON.stringify(manifest))

const child = inDist("internal/process/child.js")
const linked = await link(`import ${JSON.stringify(child)}`, path.dirname(child))
fs.writeFileSync(child, placeless(linked.code))
fs.rmSync(`${child}.map`)
