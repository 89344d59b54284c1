// Builds dist/ from src/. Runs on any Node from version 20.
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

/** The Node that the lockfile pins. */
export const pinnedNode = path.join(
  root,
  "node_modules",
  "node",
  "bin",
  process.platform === "win32" ? "node.exe" : "node"
)

const dist = path.join(root, "dist")

// A directory counts as well as the files in it, so that a removed file is noticed.
const newest = (file) => {
  const stat = fs.statSync(file)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(stat.mtimeMs, ...fs.readdirSync(file).map((name) => newest(path.join(file, name))))
}

export const isStale = () =>
  !fs.existsSync(dist) ||
  ["src", ".ci", "tsconfig.json", "tsconfig.build.json", "package-lock.json"].some((name) =>
    newest(path.join(root, name)) > fs.statSync(dist).mtimeMs
  )

// TypeScript rewrites `./a.ts` to `./a.js` in the JavaScript it emits, but not in declarations.
const rewriteDeclaration = (text) =>
  text.replaceAll(
    /^(?!\s*(?:\*|\/\/)).*$/gm,
    (line) => line.replaceAll(/(\b(?:from|import)\s*\(?\s*)(["'])(\.{1,2}\/[^"']*)\.ts\2/g, "$1$2$3.js$2")
  )

// TypeScript has a function rewrite what is imported by a variable. These are URLs, and the entry of a child must not need a function outside.
const plainImports = (text) => text.replaceAll(/\bimport\(__rewriteRelativeImportExtension\((\w+)\)\)/g, "import($1)")

export const build = () => {
  const started = new Date()
  // Built aside and then swapped in, so that a failed build leaves no half of one behind.
  const staging = path.join(root, `dist-${process.pid}`)
  try {
    const run = (...args) => {
      const node = fs.existsSync(pinnedNode) ? pinnedNode : process.execPath
      return spawnSync(node, args, { cwd: root, stdio: "inherit" }).status === 0
    }
    if (!run("node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json", "--outDir", staging)) return false
    for (const name of fs.readdirSync(staging, { recursive: true })) {
      const file = path.join(staging, name)
      if (name.endsWith(".js")) fs.writeFileSync(file, plainImports(fs.readFileSync(file, "utf8")))
      if (!name.endsWith(".d.ts")) continue
      fs.writeFileSync(file, rewriteDeclaration(fs.readFileSync(file, "utf8")))
    }
    if (!run(".ci/bundle.mjs", staging)) return false
    fs.rmSync(dist, { recursive: true, force: true })
    fs.renameSync(staging, dist)
    // The age of dist/ is that of the sources it was built from.
    fs.utimesSync(dist, started, started)
    return true
  } finally {
    fs.rmSync(staging, { recursive: true, force: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = build() ? 0 : 1
}
