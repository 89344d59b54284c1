/** A worker of workerpool. A thread moves results that are bytes, a process can only copy them. */
import { isMainThread } from "node:worker_threads"
import workerpool from "workerpool"
import { band, echoBytes, square, who } from "./tasks.ts"

const give = (bytes: Uint8Array) => isMainThread ? bytes : new workerpool.Transfer(bytes, [bytes.buffer])

workerpool.worker({
  square,
  who,
  band: (which) => give(band(which)),
  echoBytes: (block) => give(echoBytes(block))
})
