/**
 * The first thing that a child runs: imports the module of its target and hands over to the target, or reports why it can't. A spare
 * imports what it was told to, and does so when it is told what to be.
 *
 * The function stands alone: it imports nothing of the library, so that the child has the one copy that its module imports, and so that
 * its source text can be evaluated where the library has been bundled and there is no file to start.
 */
import type { Socket } from "node:net"
import type { MessagePort } from "node:worker_threads"

/** Without a module: a spare. */
export const enter = (
  module: string,
  target: string,
  preload: ReadonlyArray<string> = [],
  imports: unknown = "quick",
  inThread = false
): void => {
  const port = inThread ? process.getBuiltinModule("node:worker_threads").parentPort! : undefined
  const { writeSync } = process.getBuiltinModule("node:fs")
  const descriptor = 3
  const registry: {
    readonly child: true
    readonly imports: unknown
    readonly targets: Map<
      string,
      Array<{
        readonly name: string
        readonly inProcess: (channel: number | Socket) => void
        readonly inThread: (port: MessagePort) => void
      }>
    >
    readonly outputs: Array<NodeJS.WriteStream>
    readonly rehearse?: () => Promise<void>
  } = { child: true, imports, targets: new Map(), outputs: [] }
  ;(globalThis as Record<symbol, unknown>)[Symbol.for("effect-multiprocessing/targets")] = registry

  // Ctrl-C at a terminal reaches the whole group of processes. The parent decides what becomes of this one.
  if (!inThread) process.on("SIGINT", () => {})
  // That nobody reads the output any more is no failure of the target. The streams are made when they are first used, as it takes time.
  for (const name of ["stdout", "stderr"] as const) {
    const { get } = Object.getOwnPropertyDescriptor(process, name)!
    let output: NodeJS.WriteStream | undefined
    const open = () => {
      if (output === undefined) {
        output = Reflect.apply(get!, process, []) as NodeJS.WriteStream
        output.on("error", () => {})
        registry.outputs.push(output)
      }
      return output
    }
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get: open })
  }

  /** Everything that a spare was told to import is there. */
  let isReady = false
  /** The channel of a spare, which has to read from it. */
  let channel: Socket | undefined
  const send = (kind: number, text = "", then?: () => void) => {
    const body = Buffer.from(text)
    const frame = Buffer.alloc(5 + body.length)
    frame.writeUInt32BE(1 + body.length, 0)
    frame[4] = kind
    frame.set(body, 5)
    if (port === undefined) {
      let offset = 0
      // What is written has been handed over. A stream takes ten times as long to begin with.
      try {
        while (offset < frame.length) offset += writeSync(descriptor, frame, offset)
      } catch {
        // The parent is dead, so that nobody needs this process. Or it is slow: then the channel does not block, as it is a stream.
        if (channel === undefined) process.exit(1)
        return void channel.write(frame.subarray(offset), then)
      }
    } else port.postMessage(new Uint8Array(frame.subarray(4)))
    then?.()
  }
  const fail = (reason: string, error: unknown) => {
    const { message, name, stack } = error instanceof Error
      ? error
      : { message: String(error), name: "Error", stack: "" }
    send(17, JSON.stringify({ reason, name, message, stack: stack ?? "" }), () => process.exit(1))
  }
  const isMissing = (error: unknown) =>
    error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND" &&
    "url" in error && error.url === module
  // Also what a module starts at its top level without awaiting it.
  const onUncaught = (error: unknown) => fail("ModuleFailed", error)

  const become = () => {
    // What programs expect to find there: the module that runs.
    process.argv[1] = module.startsWith("file:") ? process.getBuiltinModule("node:url").fileURLToPath(module) : module
    const begin = () => {
      const defined = registry.targets.get(module) ?? []
      const named = defined.filter((candidate) => candidate.name === target)
      if (named.length > 1) return fail("TargetAmbiguous", "")
      if (named.length === 0) {
        const names = defined.map((candidate) => `"${candidate.name}"`)
        return fail("TargetNotFound", names.length === 0 ? "it defines no targets" : `it defines ${names.join(", ")}`)
      }
      process.off("uncaughtException", onUncaught)
      send(16)
      if (port === undefined) named[0]!.inProcess(channel ?? descriptor)
      else named[0]!.inThread(port)
    }
    // To import again what is there takes half a millisecond.
    if (isReady && registry.targets.has(module)) return begin()
    process.on("uncaughtException", onUncaught)
    import(module).then(begin, (error) => fail(isMissing(error) ? "ModuleNotFound" : "ModuleFailed", error))
  }

  /** Waits for the first frame, which says what to be, and leaves those behind it in the channel. */
  const wait = () => {
    const { Socket } = process.getBuiltinModule("node:net")
    const opened = channel = new Socket({ fd: descriptor, readable: true, writable: true })
    const onClose = () => process.exit(1)
    let length: number | undefined
    const onReadable = (): void => {
      length ??= (opened.read(4) as Buffer | null)?.readUInt32BE(0)
      const frame = length === undefined ? null : opened.read(length) as Buffer | null
      if (frame === null) return
      length = undefined
      // It says nothing.
      if (frame[0] === 4) return onReadable()
      opened.off("readable", onReadable)
      opened.off("close", onClose)
      ;[module, target] = JSON.parse(frame.toString("utf8", 1)) as [string, string]
      send(20)
      become()
    }
    opened.on("error", () => {})
    opened.on("close", onClose)
    opened.on("readable", onReadable)
  }

  /** Half of the memory is of use only while modules are imported. It would be idle, and take its time at the end of the process. */
  const collectGarbage = () => {
    const { setFlagsFromString } = process.getBuiltinModule("node:v8")
    setFlagsFromString("--expose-gc")
    const gc = process.getBuiltinModule("node:vm").runInNewContext("gc") as NodeJS.GCFunction
    setFlagsFromString("--no-expose-gc")
    gc({ type: "major", execution: "sync", flavor: "last-resort" })
  }

  /**
   * The same, as soon as this process has had nothing to do for half a second. Who never rests never pays for it, and a heap that is larger than a
   * start leaves it is the target's: to collect it may take long.
   */
  const collectAtRest = () => {
    const { execArgv, getBuiltinModule, memoryUsage, versions } = process
    let before: ReturnType<typeof performance.eventLoopUtilization> | undefined
    const timer = setInterval(() => {
      const now = performance.eventLoopUtilization()
      const isIdle = before !== undefined && performance.eventLoopUtilization(now, before).utilization < 0.01
      before = now
      if (!isIdle) return
      clearInterval(timer)
      if (memoryUsage().heapUsed > 64 * 1024 * 1024) return
      // The code of what has not run for long would go too, and be compiled again for the next message. These versions know the flag.
      const mayKeep = Number.parseInt(versions.v8) <= 14 && !execArgv.some((flag) => /flush.bytecode/.test(flag))
      const { setFlagsFromString } = getBuiltinModule("node:v8")
      if (mayKeep) setFlagsFromString("--no-flush-bytecode")
      try {
        collectGarbage()
      } finally {
        if (mayKeep) setFlagsFromString("--flush-bytecode")
      }
    }, 500)
    timer.unref()
  }

  if (module !== "") {
    if (!inThread) collectAtRest()
    return become()
  }
  wait()
  process.on("uncaughtException", onUncaught)
  const imported = preload.reduce((before, url) => before.then(() => import(url)), Promise.resolve())
  imported.then(() => {
    collectGarbage()
    return registry.rehearse?.()
  }).then(() => {
    process.off("uncaughtException", onUncaught)
    isReady = true
    send(19)
  }, onUncaught)
}
