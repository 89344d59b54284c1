/**
 * What a program needs to run: the default layer, and the way to start.
 *
 * @since 0.1.0
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Hub from "./Hub.ts"
import { registry } from "./internal/process/registry.ts"
import * as Spawner from "./Spawner.ts"

/**
 * The default: a hub inside of this process, and fresh processes for children.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Hub.Hub | Spawner.Spawner> = Layer.provideMerge(
  Spawner.layer,
  // The hub ends last: children that are joined at the end still use it.
  Hub.layer
)

/**
 * Runs the main program of a module: `NodeRuntime.runMain`, except that it does nothing in a child process.
 *
 * A child imports the module of its target. If the main program stands in the same module, it must not run again in every child; this
 * is what keeps it from doing so, on every version of Node. Under Node 24.2 and later `if (import.meta.main)` does too.
 *
 * Exit code: 0 after success, 1 after a failure (which is printed), 130 after Ctrl-C and SIGTERM, when all children are gone.
 *
 * Python: `if __name__ == "__main__":`.
 *
 * @category running
 * @since 0.1.0
 */
export const runMain = <A, E>(
  program: Effect.Effect<A, E>,
  options?: Parameters<typeof NodeRuntime.runMain>[1]
): void => {
  if (!registry.child) NodeRuntime.runMain(program, options)
}
