/**
 * The file that a child starts with. Its arguments: how to import, and whether it is a thread, as JSON; the URL of a module and the name of a
 * target in it; or, for a spare, two empty ones and what to import beforehand.
 */
import { enter } from "./entry.ts"
import { enable } from "./quickImports.ts"

const [, way, module, target, ...preload] = process.argv.splice(1)
if (way === undefined || module === undefined || target === undefined) {
  throw new Error("This file is started by effect-multiprocessing.")
}
const [imports, inThread] = JSON.parse(way)
if (imports !== "plain") enable(imports)
enter(module, target, preload, imports, inThread)
