/** The frame of a test that starts processes: layers, and what its targets report. */
import { assert } from "@effect/vitest"
import { Cause, Effect, type Exit, Layer, Logger, Option, Scope, Stream } from "effect"
import * as Mp from "../../src/index.ts"
import { Commands } from "../fixtures/process/commands.ts"
import { pidOf } from "../fixtures/process/pidOf.ts"
import { Reports } from "../fixtures/process/reports.ts"
import { within } from "./waiting.ts"

type Services = Mp.Hub.Hub | Mp.Spawner.Spawner | Reports | Commands

/** The body of a test over a way to start processes. Its scope closes first, then its layers. */
export const inProcessesOf = (spawner: Layer.Layer<Mp.Hub.Hub | Mp.Spawner.Spawner>) => {
  const layer = Layer.mergeAll(Reports.layer, Commands.layer).pipe(Layer.provideMerge(spawner))
  return <A, E>(body: Effect.Effect<A, E, Services | Scope.Scope>) => (): Effect.Effect<A, E> =>
    body.pipe(Effect.scoped, Effect.provide(layer), within("50 seconds", "the end of the test"))
}

/** The same over fresh processes. */
export const inProcesses = inProcessesOf(Mp.layer)

/** The next line that a target reports. */
export const nextReport = Effect.orDie(Reports.use((reports) => reports.get())).pipe(
  within("20 seconds", "a report of a target")
)

/** Waits until a target reports this, and nothing else before it. */
export const reported = (line: string) => Effect.map(nextReport, (report) => assert.strictEqual(report, line))

/** Tells a target what to do. */
export const command = (line: string) => Effect.orDie(Commands.use((commands) => commands.put(line)))

/** Nothing more was reported. */
export const nothingReported = Effect.orDie(Reports.use((reports) => reports.qsize)).pipe(
  Effect.map((size) => assert.strictEqual(size, 0, "reports that nobody expected"))
)

/** The operation is one that the state does not allow, for this reason. */
export const isInvalid = <R>(effect: Effect.Effect<unknown, unknown, R>, reason: Mp.InvalidState["reason"]) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.instanceOf(error, Mp.InvalidState)
    assert.strictEqual(error.reason, reason)
    assert.notInclude(error.message, "\n")
    return error
  })

export { pidOf } from "../fixtures/process/pidOf.ts"

/** The pids of all children of this process. */
export const childPids = Effect.flatMap(Mp.activeChildren, (children) => Effect.forEach(children, pidOf))

/** Waits until a process has written this line to its standard output, which must be piped. */
export const wrote = (process: Mp.Process.Any, line: string) =>
  process.stdout.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.filter((written) => written === line),
    Stream.runHead,
    Effect.flatMap(Effect.fromOption),
    within("15 seconds", `the line "${line}" of ${process.name}`)
  )

/** The process as its JSON shows it, when its scope is closed and it answers no questions. */
export const shown = (process: Mp.Process.Any): { readonly state: string; readonly exitCode: number | string } =>
  JSON.parse(JSON.stringify(process))

/** Closes a scope of processes. */
export const closed = (scope: Scope.Closeable, exit: Exit.Exit<unknown, unknown>) =>
  Scope.close(scope, exit).pipe(within("15 seconds", "the end of the scope"))

/** Waits for the end of a process, and gives its exit code. */
export const exitCodeOf = (process: Mp.Process.Any) =>
  process.sentinel.pipe(
    Effect.andThen(process.exitCode),
    Effect.map(Option.getOrUndefined),
    within("15 seconds", `the end of ${process.name}`)
  )

/** A layer that replaces the loggers, and the messages they were given: "LEVEL message". */
export const captureLogs = () => {
  const lines: Array<string> = []
  const logger = Logger.make<unknown, void>(({ cause, logLevel, message }) => {
    const text = Array.isArray(message) ? message.join(" ") : String(message)
    lines.push(`${logLevel.toUpperCase()} ${text}${cause.reasons.length === 0 ? "" : ` ${Cause.pretty(cause)}`}`)
  })
  return { lines, layer: Logger.layer([logger]) }
}
