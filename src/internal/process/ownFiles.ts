/**
 * Files of the library that a child is told of, or started with. None where the library has been bundled. Looking whether they exist is not
 * enough: beside a bundle may lie a `child.js` that is not ours.
 */
import { fileURLToPath } from "node:url"

const own = /^(file:.*\/internal\/process\/)ownFiles(\.[jt]s)$/.exec(import.meta.url)

/** The file that a child starts with. */
export const entryFile = own === null ? undefined : fileURLToPath(`${own[1]}child${own[2] === ".js" ? ".cjs" : own[2]}`)

/** The module that brings with it what every target needs, by URL. */
export const runtimeModule = own === null ? undefined : new URL(`../../Target${own[2]}`, own[1]).href
