/**
 * A target's life in its child, as a state machine that the child's frames, signals and errors drive: boot, interruption, the end of the
 * parent, the report. Its shells are a process and a thread.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import type { Socket } from "node:net"
import type { MessagePort } from "node:worker_threads"
import * as Hub from "../../Hub.ts"
import * as Spawner from "../../Spawner.ts"
import type { Definition } from "../../Target.ts"
import * as Codec from "../codec.ts"
import { FrameDecoder, whole } from "../transport/frames.ts"
import * as Control from "./control.ts"
import { program, report } from "./program.ts"
import { registry } from "./registry.ts"

/** How long finalizers may take once the parent is dead. The parent's guard kills at the same time. */
const orphanDeadline = 600

/** How long finalizers may take after an error that escaped from a callback. */
const defectDeadline = 5000

/** How long a process that was told to end waits for a reader of its output. */
const outputDeadline = 500

/** Calls back when nothing is left in the buffers of the standard streams: what is there when the process exits is lost. */
const whenWritten = (then: () => void): void => {
  const outputs = registry.outputs?.filter((output) => output.writableLength > 0) ?? []
  let waiting = outputs.length
  if (waiting === 0) return then()
  for (const output of outputs) {
    output.write("", () => {
      if (--waiting === 0) then()
    })
  }
}

/** What a child needs of where it runs. */
interface Shell {
  /** Tells the parent how the target ended, then calls back. */
  readonly report: (result: Uint8Array, then: () => void) => void
  readonly exit: (code: number) => void
}

/** What a process of its own has. The hub ends last. */
const ownServices = Layer.provideMerge(Spawner.layer, Hub.layer)

const start = (definition: Definition, shell: Shell) => {
  const parentEnded = Deferred.makeUnsafe<void>()
  const place = {
    pid: process.pid,
    parentEnded: Deferred.await(parentEnded),
    hasParentEnded: () => Deferred.isDoneUnsafe(parentEnded),
    layer: ownServices
  }
  let fiber: Fiber.Fiber<unknown, unknown> | undefined
  let interrupted = false
  let finished = false
  let defect: Option.Option<unknown> = Option.none()

  const finish = (outcome: Exit.Exit<unknown, unknown>) => {
    if (finished) return
    finished = true
    Effect.runFork(report(definition, outcome)).addObserver((reported) => {
      if (Exit.isFailure(reported)) return shell.exit(1)
      shell.report(reported.value.bytes, () => shell.exit(reported.value.exitCode))
    })
  }
  const interrupt = () => {
    interrupted = true
    fiber?.interruptUnsafe()
  }
  const boot = (boot: Control.Boot) => {
    fiber = Effect.runFork(program(definition, boot, place))
    fiber.addObserver((outcome) => finish(Option.isSome(defect) ? Exit.die(defect.value) : outcome))
    if (interrupted) fiber.interruptUnsafe()
  }
  // What escapes from a callback is a defect of the target, like what escapes from its effect.
  process.on("uncaughtException", (error) => {
    if (Option.isNone(defect)) defect = Option.some(error)
    if (fiber === undefined) return finish(Exit.die(error))
    interrupt()
    setTimeout(() => finish(Exit.die(error)), defectDeadline).unref()
  })
  return {
    interrupt,
    /** There is no target yet. */
    isIdle: () => fiber === undefined,
    wasInterrupted: () => interrupted,
    onFrame: (frame: Uint8Array) => {
      if (frame[0] === Control.Kind.Interrupt) return interrupt()
      if (frame[0] !== Control.Kind.Boot) return
      boot(Control.decodeBoot(frame.subarray(1)))
    },
    onParentEnded: () => {
      if (place.hasParentEnded()) return
      Deferred.doneUnsafe(parentEnded, Effect.void)
      interrupt()
      if (fiber === undefined) shell.exit(1)
      setTimeout(() => shell.exit(1), orphanDeadline).unref()
    }
  }
}

/**
 * The first frame, which the parent has sent already. A stream would have it some milliseconds later, as much has to be loaded for that. None
 * if the parent is dead, which a stream will tell.
 */
const readFirst = (descriptor: number): Uint8Array | undefined => {
  const read = (length: number): Uint8Array | undefined => {
    const bytes = new Uint8Array(length)
    for (let offset = 0; offset < length;) {
      const count = fs.readSync(descriptor, bytes, offset, length - offset, null)
      if (count === 0) return undefined
      offset += count
    }
    return bytes
  }
  try {
    const length = read(4)
    return length && read(new DataView(length.buffer).getUint32(0))
  } catch {
    return undefined
  }
}

/** What has come already behind what a spare has read, and what has come just now, a turn of the event loop before a stream would have it. */
const feedEarly = (channel: Socket, feed: (chunk: Buffer) => void): void => {
  const there = channel.read() as Buffer | null
  if (there !== null) feed(there)
  if (process.platform === "win32") return
  const bytes = Buffer.allocUnsafe(65_536)
  let count = 0
  try {
    count = fs.readSync(Control.descriptor, bytes)
  } catch {
    // Nothing has come.
  }
  if (count > 0) feed(bytes.subarray(0, count))
}

/** Hands over as much as it can without a stream, mostly all; gives how much. */
const writeNow = (frame: Uint8Array): number => {
  let written = 0
  try {
    while (written < frame.length) written += fs.writeSync(Control.descriptor, frame, written)
  } catch {
    // The parent is dead. Or the channel is full, and does not block as it should: a stream waits.
  }
  return written
}

/** Runs the target in this process, and ends the process. */
export const inProcess = (definition: Definition, opened: number | Socket): void => {
  let terminated = false
  const end = (code: number) => {
    if (!terminated) process.exit(code)
    // Ends by the signal that asked for it, now that the finalizers have run.
    process.removeAllListeners("SIGTERM")
    process.kill(process.pid, "SIGTERM")
  }
  // A SIGTERM that was sent before an interruption is seen after it: signals wait for the next turn of the event loop.
  const exit = (code: number) =>
    child.wasInterrupted() && !terminated ? void setImmediate(() => setImmediate(end, code)) : end(code)
  const child = start(definition, {
    exit,
    report: (result, then) => {
      const frame = Control.frame(Control.Kind.Ended, result)
      const leave = () => {
        whenWritten(then)
        if (child.wasInterrupted()) setTimeout(then, outputDeadline)
      }
      const written = channel === undefined ? writeNow(frame) : 0
      if (written === frame.length) return leave()
      open().write(frame.subarray(written), leave)
    }
  })
  process.on("SIGTERM", () => {
    terminated = true
    child.interrupt()
    if (child.isIdle()) exit(0)
  })
  let channel: Socket | undefined
  const open = (): Socket => {
    if (channel !== undefined) return channel
    const { Socket } = process.getBuiltinModule("node:net")
    channel = typeof opened === "number" ? new Socket({ fd: opened, readable: true, writable: true }) : opened
    const decoder = new FrameDecoder()
    const onFrame = whole(child.onFrame)
    const feed = (chunk: Buffer) => {
      decoder.feed(chunk, onFrame)
    }
    channel.on("error", () => {})
    channel.on("close", child.onParentEnded)
    if (typeof opened !== "number") feedEarly(opened, feed)
    channel.on("data", feed)
    if (channel.destroyed) child.onParentEnded()
    return channel
  }
  // Windows reads from its pipes in another way.
  if (typeof opened === "number" && process.platform !== "win32") {
    const first = readFirst(opened)
    if (first !== undefined) child.onFrame(first)
  }
  // A target that waits for nothing has ended here, and its process with it.
  open()
}

/** What a target does that uses its hub. */
const makeObject = Effect.flatMap(
  Hub.Hub,
  ({ create }) => create(["rehearsal"], { kind: "queue", maxItems: 1, maxBytes: 1, joinable: undefined })
)

/** A target that does hardly anything, from its boot message to its report: what every target runs is compiled by then. */
const rehearse = Effect.gen(function*() {
  const definition: Definition = {
    name: "rehearsal",
    module: import.meta.url,
    payload: Schema.Void,
    success: Schema.Void,
    error: Schema.Never,
    inherits: [],
    run: () => Effect.asVoid(makeObject)
  }
  const place = {
    pid: process.pid,
    parentEnded: Effect.never,
    hasParentEnded: () => false,
    layer: ownServices
  }
  const payload = yield* Codec.encode(Schema.Void, undefined, definition.name, "rehearse")
  const message = Control.encodeBoot({
    name: definition.name,
    identity: [1],
    daemon: false,
    authkey: new Uint8Array(32),
    parent: { name: definition.name, pid: process.pid },
    payload,
    inherited: [],
    span: undefined,
    minimumLogLevel: "None",
    logAnnotations: "{}"
  })
  const boot = Control.decodeBoot(message)
  yield* report(definition, yield* Effect.exit(program(definition, boot, place)))
})

/** How often: the first time compiles the code, the next ones make V8 know it well, a tenth of a start. */
const rehearsals = 10

// For the entry of a spare, which knows no module of the library.
if (registry.child) {
  registry.rehearse = () => Effect.runPromise(Effect.replicateEffect(rehearse, rehearsals, { discard: true }))
}

/** Runs the target in this thread, and ends the thread. */
export const inThread = (definition: Definition, port: MessagePort): void => {
  const child = start(definition, {
    exit: (code) => process.exit(code),
    report: (result, then) => {
      port.postMessage(Control.message(Control.Kind.Ended, result))
      then()
    }
  })
  port.on("message", child.onFrame)
}
