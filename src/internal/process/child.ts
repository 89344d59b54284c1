/** The file that a child process starts with. Its arguments: the URL of a module, and the name of a target in it. */
import { fileURLToPath } from "node:url"
import { enter } from "./entry.ts"

const [, , module, target] = process.argv
if (module === undefined || target === undefined) throw new Error("This file is started by effect-multiprocessing.")
// What programs expect to find there: the module that runs.
process.argv.splice(1, 3, module.startsWith("file:") ? fileURLToPath(module) : module)
enter(module, target)
