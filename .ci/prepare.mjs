// Installs dependencies and builds dist/ if either is missing or out of date. Needs nothing but Node 20 and npm.
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { build, isStale, pinnedNode, root } from "./build.mjs"

const mtime = (file) => fs.statSync(path.join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0

if (mtime("node_modules/.package-lock.json") < mtime("package-lock.json") || !fs.existsSync(pinnedNode)) {
  // npm is about to replace the Node in node_modules/.bin, so it must not run on that one.
  const bin = path.join(root, "node_modules", ".bin")
  const env = {
    ...process.env,
    PATH: (process.env.PATH ?? "").split(path.delimiter).filter((entry) => path.resolve(entry) !== bin)
      .join(path.delimiter)
  }
  const { status } = spawnSync("npm", ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    env,
    stdio: "inherit",
    shell: process.platform === "win32"
  })
  if (status !== 0) process.exit(status ?? 1)
  if (!fs.existsSync(pinnedNode)) {
    console.error("npm ci did not install the pinned Node; are install scripts disabled?")
    process.exit(1)
  }
}

if (isStale() && !build()) process.exit(1)
