/** A worker of piscina. Results that are bytes are moved, not copied. */
import { move } from "piscina"
import * as Tasks from "./tasks.ts"

export { square, who } from "./tasks.ts"

export const band = (which: Parameters<typeof Tasks.band>[0]) => move(Tasks.band(which) as any)

export const echoBytes = (block: Uint8Array) => move(Tasks.echoBytes(block) as any)
