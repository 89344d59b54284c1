/**
 * How the children of this process import.
 */
import * as Bundle from "./bundle.ts"
import type { Imports } from "./quickImports.ts"
import { registry } from "./registry.ts"

/** The quickest way that there is. To find it takes some milliseconds, and is done when a child is started. */
export const quickest = (): () => Imports => {
  let found: Imports | undefined
  return () => {
    if (found !== undefined) return found
    // What holds for this child holds for its own.
    if (registry.child && registry.imports !== "plain") return found = registry.imports
    const bundled = Bundle.find()
    return found = bundled === undefined ? "quick" : { bundled }
  }
}
