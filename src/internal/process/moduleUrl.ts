/** How users name a module: by its URL, or by its absolute path. */
import { pathToFileURL } from "node:url"

/** The URL. What is neither stays as it is, and is no URL. */
export const toModuleUrl = (module: string | URL): string => {
  if (typeof module !== "string") return module.href
  if (URL.canParse(module)) return module
  return module.startsWith("/") ? pathToFileURL(module).href : module
}
