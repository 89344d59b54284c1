/**
 * Makes the imports of a program as quick as those of its children. A module to be imported beforehand, with nothing to import from it:
 *
 * ```sh
 * node --import effect-multiprocessing/register main.ts
 * ```
 *
 * **Details**
 *
 * A program that imports `effect` loads more than two hundred modules, and a hundred of this library. With this flag they come out of the script
 * from which its children have them: see `Spawner.QuickImports`. What a program can see of its modules stays the same: their URLs, their
 * exports, and that there is one instance of each. Where the script does not fit what is installed, modules are loaded one by one, and only
 * found faster; nothing fails.
 *
 * `--require` does the same, and so does either flag in `NODE_OPTIONS`. Children are not given the flag, as they need none.
 *
 * **Gotchas**
 *
 * The flag concerns all modules of the process, also in worker threads. Modules that are imported beforehand by other flags are imported
 * quickly only if these flags stand behind this one.
 *
 * @since 0.1.0
 */
import * as nodeModule from "node:module"
import * as Bundle from "./internal/process/bundle.ts"
import { entryFile } from "./internal/process/ownFiles.ts"
import { enable, withBundle } from "./internal/process/quickImports.ts"

// A child, which sees the flag if it is in the environment, does so by itself.
if (process.argv[1] !== entryFile && typeof nodeModule.registerHooks === "function") {
  const imports = withBundle(Bundle.find())
  enable(imports) // The registry itself comes with Effect, which is not there yet. It finds what lies in its place, and keeps it.
  ;(globalThis as Record<symbol, unknown>)[Symbol.for("effect-multiprocessing/targets")] ??= {
    targets: new Map(),
    child: false,
    imports
  }
}
