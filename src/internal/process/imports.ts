/**
 * How the children of this process import.
 */
import * as Bundle from "./bundle.ts"
import { type Imports, withBundle } from "./quickImports.ts"
import { registry } from "./registry.ts"

/** The quickest way that there is. To find it takes some milliseconds, and is done when a child is started. */
export const quickest = (): () => Imports => {
  let found: Imports | undefined
  return () => {
    if (found !== undefined) return found
    const { child, imports } = registry
    // What was found for this process holds for its children.
    if (typeof imports === "object" || (child && imports === "quick")) return found = imports
    return found = withBundle(Bundle.find())
  }
}
