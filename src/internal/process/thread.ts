/**
 * Starts a worker thread for a target.
 */
import * as Effect from "effect/Effect"
import type { Worker } from "node:worker_threads"
import type { Request, Spawned, StartFailure } from "../../Spawner.ts"
import * as Control from "./control.ts"
import { entryArguments, entryText } from "./freshProcess.ts"
import * as Life from "./life.ts"
import { entryFile } from "./ownFiles.ts"
import type { Imports } from "./quickImports.ts"
import { streams } from "./stdio.ts"

/** What the exit code of a thread that was ended by force would be if it were a process. */
const killed = -9

const startWorker = (request: Request, imports: Imports): Worker => {
  // Loaded here, as most processes start no threads.
  const { Worker } = process.getBuiltinModule("node:worker_threads")
  const mission = { module: request.module, target: request.target, imports, inThread: true }
  const options = {
    stdin: request.stdin === "pipe",
    stdout: request.stdout !== "inherit",
    stderr: request.stderr !== "inherit",
    ...(request.maxHeap === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: request.maxHeap } })
  }
  return entryFile === undefined
    ? new Worker(
      new URL(`data:text/javascript,${encodeURIComponent(entryText(mission))}`),
      options
    )
    : new Worker(entryFile, { ...options, argv: entryArguments(mission) })
}

export const spawn = (imports: () => Imports) =>
  Effect.fnUntraced(function*(request: Request): Effect.fn.Return<Spawned, StartFailure> {
    const boot = yield* request.boot
    const worker = yield* Effect.try({
      try: () => startWorker(request, imports()),
      catch: (cause): StartFailure => ({ reason: "InterpreterFailed", cause })
    })
    const life = Life.make()
    let forced = false
    worker.on("message", life.onFrame)
    // An error that escapes from a thread is reported by the thread itself, as far as it can.
    worker.on("error", () => {})
    worker.once("exit", (code) => life.end(forced ? killed : code))
    worker.postMessage(Control.message(Control.Kind.Boot, boot))
    // What is ignored must still be read.
    if (request.stdout === "ignore") worker.stdout.resume()
    if (request.stderr === "ignore") worker.stderr.resume()
    return {
      pid: process.pid,
      imported: life.imported,
      ended: life.ended,
      interrupt: Effect.sync(() => worker.postMessage(Control.message(Control.Kind.Interrupt))),
      hasSignals: false,
      signal: (signal) =>
        Effect.sync(() => {
          if (signal === "SIGTERM") return
          forced = true
          void worker.terminate()
        }),
      ...streams({
        stdin: worker.stdin,
        stdout: request.stdout === "pipe" ? worker.stdout : null,
        stderr: request.stderr === "pipe" ? worker.stderr : null
      })
    }
  }, Effect.uninterruptible)
