// Runs the tests on every supported line of Node.
import { spawn, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { root } from "./build.mjs"

const versions = ["22.19.0", "22", "24", "26"]

// The npm package `node` carries the binary.
const install = (version) => {
  const directory = path.join(root, "node_modules", ".cache", "matrix", version)
  fs.mkdirSync(directory, { recursive: true })
  fs.writeFileSync(path.join(directory, "package.json"), `{ "private": true, "allowScripts": { "node": true } }\n`)
  const { status } = spawnSync(
    "npm",
    ["install", `node@${version}`, "--prefix", directory, "--no-audit", "--no-fund", "--loglevel=error"],
    { cwd: directory, stdio: "inherit", shell: process.platform === "win32" }
  )
  if (status !== 0) throw new Error(`Node ${version} could not be installed`)
  return path.join(directory, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node")
}

const test = (node) =>
  new Promise((resolve, reject) => {
    const child = spawn(node, ["node_modules/vitest/vitest.mjs", "run"], {
      cwd: root,
      env: { ...process.env, PATH: path.dirname(node) + path.delimiter + process.env.PATH },
      stdio: ["ignore", "pipe", "inherit"]
    })
    let output = ""
    child.stdout.setEncoding("utf8")
    child.stdout.on("data", (chunk) => {
      process.stdout.write(chunk)
      output = (output + chunk).slice(-1000)
    })
    child.once("error", reject)
    child.once("close", (code) => resolve({ ok: code === 0, summary: output.trimEnd().split("\n").at(-1) }))
  })

const lines = []
for (const version of versions) {
  try {
    const node = install(version)
    const exact = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim()
    console.log(`\nNode ${exact}`)
    const { ok, summary } = await test(node)
    if (!ok) process.exitCode = 1
    lines.push(`${ok ? "ok    " : "FAILED"} Node ${exact}: ${summary}`)
  } catch (error) {
    process.exitCode = 1
    lines.push(`FAILED Node ${version}: ${error.message}`)
  }
}
console.log(`\n${lines.join("\n")}`)
