/**
 * The first thing that a child runs: imports the module of its target and hands over to the target, or reports why it can't.
 *
 * The function stands alone: it imports nothing of the library, so that the child has the one copy that its module imports, and so that
 * its source text can be evaluated where the library has been bundled and there is no file to start.
 */
import type { MessagePort } from "node:worker_threads"

export const enter = (module: string, target: string): void => {
  const { isMainThread, parentPort } = process.getBuiltinModule("node:worker_threads")
  const { writeSync } = process.getBuiltinModule("node:fs")
  const descriptor = 3
  const registry: {
    readonly child: true
    readonly targets: Map<
      string,
      Array<{
        readonly name: string
        readonly inProcess: (descriptor: number) => void
        readonly inThread: (port: MessagePort) => void
      }>
    >
  } = { child: true, targets: new Map() }
  ;(globalThis as Record<symbol, unknown>)[Symbol.for("effect-multiprocessing/targets")] = registry

  // Ctrl-C at a terminal reaches the whole group of processes. The parent decides what becomes of this one.
  if (isMainThread) process.on("SIGINT", () => {})
  // That nobody reads the output any more is no failure of the target.
  for (const output of [process.stdout, process.stderr]) output.on("error", () => {})

  const send = (kind: number, text: string) => {
    const body = Buffer.from(text)
    const frame = Buffer.alloc(5 + body.length)
    frame.writeUInt32BE(1 + body.length, 0)
    frame[4] = kind
    frame.set(body, 5)
    if (!isMainThread) return parentPort!.postMessage(new Uint8Array(frame.subarray(4)))
    // The channel blocks as long as nobody has opened it as a stream: what is written has been handed over.
    try {
      for (let offset = 0; offset < frame.length;) offset += writeSync(descriptor, frame, offset)
    } catch {
      // The parent is dead, so that nobody needs this process.
      process.exit(1)
    }
  }
  const fail = (reason: string, error: unknown) => {
    const { message, name, stack } = error instanceof Error
      ? error
      : { message: String(error), name: "Error", stack: "" }
    send(17, JSON.stringify({ reason, name, message, stack: stack ?? "" }))
    process.exit(1)
  }
  const isMissing = (error: unknown) =>
    error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND" &&
    "url" in error && error.url === module

  // Also what a module starts at its top level without awaiting it.
  const onUncaught = (error: unknown) => fail("ModuleFailed", error)
  process.on("uncaughtException", onUncaught)
  import(module).then(() => {
    const defined = registry.targets.get(module) ?? []
    const named = defined.filter((candidate) => candidate.name === target)
    if (named.length > 1) return fail("TargetAmbiguous", "")
    if (named.length === 0) {
      const names = defined.map((candidate) => `"${candidate.name}"`)
      return fail("TargetNotFound", names.length === 0 ? "it defines no targets" : `it defines ${names.join(", ")}`)
    }
    process.off("uncaughtException", onUncaught)
    send(16, "")
    if (isMainThread) named[0]!.inProcess(descriptor)
    else named[0]!.inThread(parentPort!)
  }, (error) => fail(isMissing(error) ? "ModuleNotFound" : "ModuleFailed", error))
}
