/**
 * Starts a Node process, for a target or as a spare, and follows its life through its control channel and its exit.
 */
import * as Effect from "effect/Effect"
import type { ChildProcess } from "node:child_process"
import type { Socket } from "node:net"
import type { Request, Spawned, StartFailure } from "../../Spawner.ts"
import { FrameDecoder, whole } from "../transport/frames.ts"
import * as Control from "./control.ts"
import { enter } from "./entry.ts"
import { toExitCode } from "./exitStatus.ts"
import type { Guard } from "./guard.ts"
import * as Life from "./life.ts"
import { entryFile } from "./ownFiles.ts"
import { type Imports, withoutRegistration } from "./quickImports.ts"
import { streams } from "./stdio.ts"

/** How long after the exit of a child its control channel may still deliver. */
const channelDeadline = 1000

/** Flags that say what the parent runs or how it is watched, not how Node works. */
const ownFlags = /^(?:-[epci]+|--(?:eval|print|check|interactive|input-type|test|watch|inspect|run)(?:[-=].*)?)$/
const withValue = /^(?:-p?e|-p|--(?:eval|print|input-type|watch-path|test-[a-z-]+|inspect-port|run))$/

/** The flags of this Node that a child gets too: loaders, conditions, limits. */
export const inheritedFlags = (all: ReadonlyArray<string>): Array<string> => {
  const flags = withoutRegistration(all)
  const inherited: Array<string> = []
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i]!
    if (!ownFlags.test(flag)) inherited.push(flag)
    else if (withValue.test(flag) && flags[i + 1]?.startsWith("-") === false) i++
  }
  return inherited
}

/** Text that enters a target, for where there is no file. Bundlers that keep names wrap functions into calls of `__name`. */
export const entryText = ({ imports, inThread = false, module, preload = [], target }: Mission): string =>
  `const __name = (f) => f;(${enter})(...${JSON.stringify([module, target, preload, imports, inThread])})`

/** What a child's entry is told. Without a module: a spare. */
export interface Mission {
  readonly module: string
  readonly target: string
  readonly preload?: ReadonlyArray<string>
  readonly imports: Imports
  /** Not a process of its own. */
  readonly inThread?: boolean
}

/** The arguments of {@link entryFile}. */
export const entryArguments = ({ imports, inThread = false, module, preload = [], target }: Mission): Array<string> => [
  JSON.stringify([imports, inThread]),
  module,
  target,
  ...preload
]

/** V8's young generation, in MiB, so large that a child starts without collecting it: a twelfth of a start. */
const youngGeneration = 4

const interpreterArguments = (mission: Mission, maxHeap: number | undefined): Array<string> => {
  const flags = inheritedFlags(process.execArgv)
  // Who has a wish of his own knows better.
  if (!/semi.space/.test(`${flags.join(" ")} ${process.env["NODE_OPTIONS"] ?? ""}`)) {
    flags.push(`--min-semi-space-size=${youngGeneration}`)
  }
  // The last one counts.
  if (maxHeap !== undefined) flags.push(`--max-old-space-size=${maxHeap}`)
  return entryFile === undefined
    ? [...flags, "--input-type=module", "--eval", entryText(mission)]
    : [...flags, entryFile, ...entryArguments(mission)]
}

/** What a process has from its first instruction on. */
type Surroundings = Pick<Request, "stdin" | "stdout" | "stderr" | "maxHeap">

/** What a request asks for if it says nothing of it. */
export const usual: Surroundings = { stdin: "ignore", stdout: "inherit", stderr: "inherit", maxHeap: undefined }

/** A Node process that runs the entry. */
export interface NodeProcess {
  readonly pid: number
  readonly child: ChildProcess
  readonly channel: Socket
  readonly life: Life.Life
}

/** Starts a Node process, which the guard ends if this process dies first. */
export const launch = Effect.fnUntraced(function*(
  guard: Guard,
  { maxHeap, stderr, stdin, stdout }: Surroundings,
  mission: Mission
): Effect.fn.Return<NodeProcess, StartFailure> {
  const child: ChildProcess = yield* Effect.try({
    try: () =>
      // Loaded here, as most children start no processes.
      process.getBuiltinModule("node:child_process").spawn(process.execPath, interpreterArguments(mission, maxHeap), {
        stdio: [stdin, stdout, stderr, "pipe"],
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
  const onFrame = whole(life.onFrame)
  const channel = child.stdio[Control.descriptor] as Socket
  channel.on("data", (chunk) => {
    decoder.feed(chunk, onFrame)
  })
  channel.on("error", () => {})
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
  return { pid, child, channel, life }
}, Effect.uninterruptible)

/** What the parent of a process sees of it. */
export const spawned = ({ channel, child, life, pid }: NodeProcess): Spawned => ({
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
})

/** Starts a process for each request. */
export const spawn =
  (guard: Guard, imports: () => Imports) => (request: Request): Effect.Effect<Spawned, StartFailure> =>
    Effect.flatMap(request.boot, (boot) =>
      Effect.map(
        launch(guard, request, { module: request.module, target: request.target, imports: imports() }),
        (process) => {
          process.channel.write(Control.frame(Control.Kind.Boot, boot))
          return spawned(process)
        }
      ))
