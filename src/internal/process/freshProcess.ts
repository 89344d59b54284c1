/**
 * Starts a Node process for a target, and follows its life through its control channel and its exit.
 */
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn as spawnProcess } from "node:child_process"
import type { Socket } from "node:net"
import { fileURLToPath } from "node:url"
import type { Request, Spawned, StartFailure } from "../../Spawner.ts"
import { FrameDecoder } from "../transport/frames.ts"
import * as Control from "./control.ts"
import { enter } from "./entry.ts"
import { toExitCode } from "./exitStatus.ts"
import type { Guard } from "./guard.ts"
import * as Life from "./life.ts"
import { streams } from "./stdio.ts"

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

const own = /^(file:.*\/internal\/process\/)freshProcess(\.[jt]s)$/.exec(import.meta.url)

/**
 * The file that a child starts with; none where the library has been bundled. Looking whether the file exists is not enough: beside
 * a bundle may lie a `child.js` that is not ours.
 */
export const entryFile = own === null ? undefined : fileURLToPath(`${own[1]}child${own[2]}`)

/** Text that enters a target, for where there is no file. Bundlers that keep names wrap functions into calls of `__name`. */
export const entryText = ({ module, target }: Request): string =>
  `const __name = (f) => f;(${enter})(${JSON.stringify(module)}, ${JSON.stringify(target)})`

const interpreterArguments = (request: Request): Array<string> => {
  const flags = inheritedFlags(process.execArgv)
  return entryFile === undefined
    ? [...flags, "--input-type=module", "--eval", entryText(request)]
    : [...flags, entryFile, request.module, request.target]
}

/** Starts processes; the guard ends them if this process dies first. */
export const spawn = (guard: Guard) =>
  Effect.fnUntraced(function*(request: Request): Effect.fn.Return<Spawned, StartFailure> {
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

    const life = Life.make()
    const decoder = new FrameDecoder()
    const channel = child.stdio[Control.descriptor] as Socket
    channel.on("data", (chunk) => {
      decoder.feed(chunk, life.onFrame)
    })
    channel.on("error", () => {})
    channel.write(Control.frame(Control.Kind.Boot, request.boot))
    child.once("exit", (code, signal) => {
      const end = () => {
        clearTimeout(deadline)
        life.end(toExitCode(code, signal))
      }
      const deadline = setTimeout(end, channelDeadline)
      if (channel.closed || channel.readableEnded) end()
      else channel.once("close", end)
    })

    yield* guard.watchProcess(pid)
    Effect.runFork(Effect.andThen(life.ended, guard.unwatchProcess(pid)))

    return {
      pid,
      imported: life.imported,
      ended: life.ended,
      interrupt: Effect.sync(() => {
        if (channel.writable) channel.write(Control.frame(Control.Kind.Interrupt))
      }),
      hasSignals: true,
      // `kill` of node does nothing once the process has been waited for, so that no other process can be hit.
      signal: (signal) =>
        Effect.sync(() => {
          child.kill(signal)
        }),
      ...streams(child)
    }
  }, Effect.uninterruptible)
