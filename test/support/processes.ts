/**
 * What tests of real processes need: is a process still there, who are its children, and a program as a main process of its own.
 */
import { afterAll, assert, beforeAll, vi } from "@effect/vitest"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { commandOf, isRunning, killIfRunning, processes } from "./procfs.ts"
import { eventually, within } from "./waiting.ts"

export { childrenOf, commandOf, isRunning, killIfRunning } from "./procfs.ts"

const environmentOf = (pid: number): Array<string> => {
  try {
    return fs.readFileSync(`/proc/${pid}/environ`, "utf8").split("\0")
  } catch {
    return []
  }
}

/** Every process that was started with this directory for temporary files, wherever in the tree it is now. */
export const processesOf = (directory: string): Array<number> =>
  processes().filter((pid) =>
    pid !== process.pid && environmentOf(pid).includes(`TMPDIR=${directory}`) && isRunning(pid)
  )

/** Waits until none of the processes runs. What is left when the time is over is ended, and named in the failure. */
export const untilGone = (pids: ReadonlyArray<number>, duration: Duration.Input = "5 seconds"): Effect.Effect<void> =>
  eventually("the end of every process", Effect.sync(() => !pids.some(isRunning)), duration).pipe(
    Effect.catchDefect((defect) =>
      Effect.suspend(() => {
        const left = pids.filter(isRunning).map((pid) => `${pid} ${commandOf(pid)}`)
        for (const pid of pids) killIfRunning(pid)
        return Effect.die(new Error(`${String(defect)}; left:\n${left.join("\n")}`))
      })
    )
  )

/** A directory that is removed when the scope closes. Its name is short: a socket has to fit below it. */
export const temporaryDirectory: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "mp-"))),
  (directory) => Effect.sync(() => fs.rmSync(directory, { recursive: true, force: true }))
)

/** The same below this repository, so that modules in it find the packages of this repository. */
export const temporaryModuleDirectory: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    const parent = fileURLToPath(new URL("../../.tmp", import.meta.url))
    fs.mkdirSync(parent, { recursive: true })
    return fs.mkdtempSync(path.join(parent, "modules-"))
  }),
  (directory) => Effect.sync(() => fs.rmSync(directory, { recursive: true, force: true }))
)

/** Gives the tests of a file a directory of their own for temporary files, and fails if they leave a process or a file behind. */
export const leavesNothingBehind = (): void => {
  // A start of a process takes a quarter of a second, and twenty times that where many other tests run at the same time.
  vi.setConfig({ testTimeout: 60_000 })
  const before = process.env["TMPDIR"]
  let directory: string
  beforeAll(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "t-"))
    process.env["TMPDIR"] = directory
    // Halves what the start of a child costs.
    process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("../../.tmp/compile-cache", import.meta.url))
  })
  afterAll(async () => {
    // A guard outlives by a moment what it has watched over.
    await Effect.runPromise(Effect.exit(
      eventually("the end of every process", Effect.sync(() => processesOf(directory).length === 0), "5 seconds")
    ))
    const left = processesOf(directory)
    const processes = left.map((pid) => `${pid} ${commandOf(pid)}`)
    for (const pid of left) killIfRunning(pid)
    const files = fs.readdirSync(directory, { recursive: true })
    fs.rmSync(directory, { recursive: true, force: true })
    if (before === undefined) delete process.env["TMPDIR"]
    else process.env["TMPDIR"] = before
    assert.deepStrictEqual({ processes, files }, { processes: [], files: [] })
  })
}

/** How a program ended, and all that it wrote. */
export interface Finished {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A program that runs as a main process of its own. */
export interface Program {
  readonly pid: number
  /** Waits until it has written a line to its standard output for which `parse` gives something. */
  readonly line: (pattern: RegExp) => Effect.Effect<RegExpExecArray, ProgramEnded>
  /** Waits until it has ended and its output is complete. */
  readonly finished: Effect.Effect<Finished>
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Reads no more of its standard output: who writes to it gets EPIPE. */
  readonly stopReading: Effect.Effect<void>
}

/** A program ended before it wrote what was waited for. */
export class ProgramEnded extends Data.TaggedError("ProgramEnded")<{ readonly message: string }> {}

/** Runs a file as a main process; ends it, by SIGKILL, when the scope closes. */
export const startProgram = (
  file: string | URL,
  options: {
    readonly args?: ReadonlyArray<string>
    readonly flags?: ReadonlyArray<string>
    readonly env?: Readonly<Record<string, string>>
    readonly cwd?: string
    /** Its standard input. Default: none. */
    readonly input?: string
  } = {}
): Effect.Effect<Program, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(
        process.execPath,
        [...options.flags ?? [], typeof file === "string" ? file : fileURLToPath(file), ...options.args ?? []],
        { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...options.env }, cwd: options.cwd }
      )
      child.stdin.on("error", () => {}).end(options.input)
      const finished = Deferred.makeUnsafe<Finished>()
      const watchers = new Set<() => void>()
      let stdout = ""
      let stderr = ""
      let exit: Pick<Finished, "code" | "signal"> | undefined
      const changed = () => {
        for (const watcher of watchers) watcher()
      }
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        stdout += text
        changed()
      })
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        stderr += text
      })
      child.once("error", (error) => Deferred.doneUnsafe(finished, Effect.die(error)))
      child.once("exit", (code, signal) => {
        exit = { code, signal }
      })
      child.once("close", () => {
        Deferred.doneUnsafe(finished, Effect.succeed({ ...exit!, stdout, stderr }))
        changed()
      })
      const program: Program = {
        pid: child.pid!,
        line: (pattern) =>
          Effect.callback<RegExpExecArray, ProgramEnded>((resume) => {
            const watcher = () => {
              const match = stdout.split("\n").slice(0, -1).map((line) => pattern.exec(line)).find((match) => match)
              if (match) resume(Effect.succeed(match))
              else if (Deferred.isDoneUnsafe(finished)) {
                resume(Effect.fail(
                  new ProgramEnded({ message: `it ended without a line ${pattern}:\n${stdout}\n${stderr}` })
                ))
              }
            }
            watchers.add(watcher)
            watcher()
            return Effect.sync(() => watchers.delete(watcher))
          }),
        finished: Deferred.await(finished),
        signal: (signal) =>
          Effect.sync(() => {
            child.kill(signal)
          }),
        stopReading: Effect.sync(() => {
          child.stdout.destroy()
        })
      }
      return program
    }),
    ({ finished, pid, signal }) => Effect.andThen(signal("SIGKILL"), within("5 seconds", `the end of ${pid}`)(finished))
  )

/** Runs a file as a main process to its end. */
export const runProgram = (...args: Parameters<typeof startProgram>): Effect.Effect<Finished> =>
  Effect.scoped(Effect.flatMap(startProgram(...args), ({ finished }) => finished)).pipe(
    within("50 seconds", `the end of ${String(args[0])}`)
  )
