/** A worker of tinypool. A thread moves results that are bytes, a process can only copy them. */
import { isMainThread } from "node:worker_threads"
import { Tinypool } from "tinypool"
import * as Tasks from "./tasks.ts"

export { square, who } from "./tasks.ts"

const give = (bytes: Uint8Array) => isMainThread ? bytes : Tinypool.move(bytes)

export const band = (which: Parameters<typeof Tasks.band>[0]) => give(Tasks.band(which))

export const echoBytes = (block: Uint8Array) => give(Tasks.echoBytes(block))
