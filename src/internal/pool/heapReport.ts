/**
 * How a pool learns that a worker's heap was full: V8 ends such a process by SIGABRT, as `process.abort` does, but Node can write a
 * report before.
 */
import { readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"

/** A name for the report of a worker, which exists only if there is one. */
export const fileFor = (worker: string): string =>
  join(tmpdir(), `effect-multiprocessing-${process.pid}-${worker.replace(/[^\w-]/g, "_")}-${Date.now()}.heap.json`)

/** In the worker. */
export const prepare = (file: string): void => {
  if (file === "" || !process.getBuiltinModule("node:worker_threads").isMainThread) return
  const { report } = process
  report.reportOnFatalError = true
  report.compact = true
  report.directory = dirname(file)
  report.filename = basename(file)
}

/** In the pool: was the heap full? Removes the report. */
export const wasFull = (file: string): boolean => {
  let text: string
  try {
    text = readFileSync(file, "utf8")
  } catch {
    return false
  }
  rmSync(file, { force: true })
  return /"trigger":"(OOMError|FatalError)"|heap out of memory/.test(text)
}
