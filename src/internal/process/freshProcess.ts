/**
 * Starts a Node process for a target, and follows its life through its control channel and its exit.
 */
import * as NodeSink from "@effect/platform-node/NodeSink"
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import { type ChildProcess, spawn as spawnProcess } from "node:child_process"
import { existsSync } from "node:fs"
import type { Socket } from "node:net"
import type { Readable, Writable } from "node:stream"
import { fileURLToPath } from "node:url"
import { BrokenPipe } from "../../Failure.ts"
import type { Ended, Request, Spawned, StartFailure } from "../../Spawner.ts"
import { FrameDecoder } from "../transport/frames.ts"
import * as Control from "./control.ts"
import { enter } from "./entry.ts"
import { toExitCode } from "./exitStatus.ts"
import type { Guard } from "./guard.ts"

/** How long after the exit of a child its control channel may still deliver. */
const channelDeadline = 1000

/** Flags that say what the parent runs or how it is watched, not how Node works. */
const ownFlags = /^(?:-[epci]+|--(?:eval|print|check|interactive|input-type|test|watch|inspect|run)(?:[-=].*)?)$/
const withValue = /^(?:-p?e|-p|--(?:eval|print|input-type|watch-path|test-[a-z-]+|inspect-port|run))$/

/** The flags of this Node that a child gets too: loaders, conditions, limits. */
export const inheritedFlags = (flags: ReadonlyArray<string>): Array<string> => {
  const inherited: Array<string> = []
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i]!
    if (!ownFlags.test(flag)) inherited.push(flag)
    else if (withValue.test(flag) && flags[i + 1]?.startsWith("-") === false) i++
  }
  return inherited
}

/** The file that a child starts with; missing where the library has been bundled. */
const entryFile = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./child.ts" : "./child.js", import.meta.url))

const interpreterArguments = (request: Request): Array<string> => {
  const flags = inheritedFlags(process.execArgv)
  return existsSync(entryFile)
    ? [...flags, entryFile, request.module, request.target]
    : [
      ...flags,
      "--input-type=module",
      "--eval",
      `(${enter})(${JSON.stringify(request.module)}, ${JSON.stringify(request.target)})`
    ]
}

const decodeImportFailure = Schema.decodeUnknownSync(Schema.fromJsonString(Control.ImportFailure))

const toStartFailure = (body: Buffer): StartFailure => {
  const { message, name, reason, stack } = decodeImportFailure(body.toString())
  const cause = new Error(message)
  cause.name = name
  cause.stack = stack
  return { reason, cause }
}

const readable = (stream: Readable | null): Option.Option<Stream.Stream<Uint8Array>> =>
  Option.map(Option.fromNullOr(stream), (stream) =>
    NodeStream.fromReadable<Uint8Array, never>({
      evaluate: () => stream,
      // A pipe that breaks is at its end.
      onError: () => undefined as never,
      closeOnDone: true
    }))

const writable = (stream: Writable | null): Spawned["stdin"] =>
  Option.map(
    Option.fromNullOr(stream),
    (stream) =>
      NodeSink.fromWritable({
        evaluate: () => stream,
        onError: () => new BrokenPipe({ connection: "stdin of a process" })
      })
  )

/** Starts processes; the guard ends them if this process dies first. */
export const spawn = (guard: Guard) =>
  Effect.fnUntraced(function*(request: Request): Effect.fn.Return<Spawned, StartFailure> {
    const imported = yield* Deferred.make<void, StartFailure>()
    const ended = yield* Deferred.make<Ended>()
    let result: Option.Option<Uint8Array> = Option.none()

    const child: ChildProcess = yield* Effect.try({
      try: () =>
        spawnProcess(process.execPath, interpreterArguments(request), {
          stdio: [request.stdin, request.stdout, request.stderr, "pipe"],
          windowsHide: true
        }),
      catch: (cause): StartFailure => ({ reason: "InterpreterFailed", cause })
    })
    if (child.pid === undefined) {
      return yield* Effect.callback<never, StartFailure>((resume) => {
        child.once("error", (cause) => resume(Effect.fail({ reason: "InterpreterFailed", cause })))
      })
    }
    const pid = child.pid
    // Such as a signal that could not be sent, because the process ended meanwhile.
    child.on("error", () => {})

    const channel = child.stdio[Control.descriptor] as Socket
    const decoder = new FrameDecoder()
    const onFrame = (frame: Buffer) => {
      const body = frame.subarray(1)
      switch (frame[0]) {
        case Control.Kind.Imported:
          return Deferred.doneUnsafe(imported, Effect.void)
        case Control.Kind.ImportFailed:
          return Deferred.doneUnsafe(imported, Effect.fail(toStartFailure(body)))
        case Control.Kind.Ended:
          result = Option.some(body)
      }
    }
    channel.on("data", (chunk) => {
      decoder.feed(chunk, onFrame)
    })
    channel.on("error", () => {})
    channel.write(Control.frame(Control.Kind.Boot, request.boot))

    child.once("exit", (code, signal) => {
      const exitCode = toExitCode(code, signal)
      const end = () => {
        clearTimeout(deadline)
        Deferred.doneUnsafe(
          imported,
          Effect.fail({ reason: "EndedEarly", cause: new Error(`it ended with exit code ${exitCode}`) })
        )
        Deferred.doneUnsafe(ended, Effect.succeed({ exitCode, result }))
      }
      const deadline = setTimeout(end, channelDeadline)
      if (channel.closed || channel.readableEnded) end()
      else channel.once("close", end)
    })

    yield* guard.watchProcess(pid)
    Effect.runFork(Effect.andThen(Deferred.await(ended), guard.unwatchProcess(pid)))

    return {
      pid,
      imported: Deferred.await(imported),
      ended: Deferred.await(ended),
      interrupt: Effect.sync(() => {
        if (channel.writable) channel.write(Control.frame(Control.Kind.Interrupt))
      }),
      // `kill` of node does nothing once the process has been waited for, so that no other process can be hit.
      signal: (signal) =>
        Effect.sync(() => {
          child.kill(signal)
        }),
      stdin: writable(child.stdin),
      stdout: readable(child.stdout),
      stderr: readable(child.stderr),
      drain: Effect.sync(() => {
        child.stdin?.end()
        child.stdout?.resume()
        child.stderr?.resume()
      })
    }
  }, Effect.uninterruptible)
