/**
 * Python's `multiprocessing` for Effect.
 *
 * ```ts
 * import * as Mp from "effect-multiprocessing"
 * ```
 *
 * @since 0.1.0
 */
export * as Connection from "./Connection.ts"
export { wait } from "./Connection.ts"
export { cpuCount, CurrentProcess, type ParentProcess } from "./CurrentProcess.ts"
export * from "./Failure.ts"
export * as Hub from "./Hub.ts"
export * as Inheritable from "./Inheritable.ts"
export * as JoinableQueue from "./JoinableQueue.ts"
export * as Pipe from "./Pipe.ts"
export * as Pool from "./Pool.ts"
export * as Process from "./Process.ts"
export { activeChildren } from "./Process.ts"
export * as Progress from "./Progress.ts"
export * as Queue from "./Queue.ts"
export { layer, runMain } from "./Runtime.ts"
export * as SimpleQueue from "./SimpleQueue.ts"
export * as Spawner from "./Spawner.ts"
export * as StreamTarget from "./StreamTarget.ts"
export * as Target from "./Target.ts"
