/** What the workers of all pools of Node can do; they are exported under these names. */
import { threadId } from "node:worker_threads"
import { type Band, draw } from "../picture.ts"
import { bytes, sameBytes } from "../work.ts"

export const square = (n: number): number => n * n

export const band = (which: Band): Uint8Array => draw(which)

const mebibyte = bytes(2 ** 20)

/** Looks at each of the bytes that it was given, and gives them back. */
export const echoBytes = (block: Uint8Array): Uint8Array => {
  if (sameBytes(block, mebibyte) !== 1) throw new Error("The bytes are not those that were sent")
  return block
}

export interface Identity {
  readonly pid: number
  readonly thread: number
}

/** Says which worker this is, and keeps it busy for a moment, so that the next one is asked too. */
export const who = (): Identity => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
  return { pid: process.pid, thread: threadId }
}
