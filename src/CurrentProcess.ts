/**
 * The process that this code runs in, and what it knows of its machine.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as os from "node:os"
import { InvalidState } from "./Failure.ts"
import { fewRandomBytes } from "./internal/crypto.ts"

/**
 * The process that started this one.
 *
 * Python: what `parent_process()` returns.
 *
 * @category models
 * @since 0.1.0
 */
export interface ParentProcess {
  readonly name: string
  readonly pid: number
  /** `false` once the parent has ended. This process then ends within two seconds. */
  readonly isAlive: Effect.Effect<boolean>
  /** Waits for the end of the parent. Give it a time limit with `Effect.timeout`. */
  readonly join: Effect.Effect<void>
}

/**
 * The process that this code runs in.
 *
 * **Details**
 *
 * It is a reference: `yield* CurrentProcess` needs nothing to be provided, in the main process and in every child.
 *
 * Python: `current_process()` and `parent_process()`.
 *
 * **Example** (The main process)
 *
 * ```ts
 * import { Effect, Option } from "effect"
 * import * as Mp from "effect-multiprocessing"
 *
 * const program = Effect.gen(function*() {
 *   const self = yield* Mp.CurrentProcess
 *   return [self.name, self.daemon, Option.isNone(self.parent)]
 * })
 *
 * console.log(await Effect.runPromise(program)) // => [ 'MainProcess', false, true ]
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface CurrentProcess {
  /** `MainProcess`, or the name that the process was started with. */
  readonly name: string
  readonly pid: number
  readonly daemon: boolean
  /**
   * What the processes of one program prove to each other: 32 random bytes, made by the main process and inherited. Never in
   * arguments, environment, logs or `toJSON`.
   */
  readonly authkey: Redacted.Redacted<Uint8Array>
  /** None in the main process. */
  readonly parent: Option.Option<ParentProcess>
  /** Always fails: a process can't wait for its own end. */
  readonly join: Effect.Effect<never, InvalidState>
}

/** @internal */
export const makeCurrentProcess = (options: Omit<CurrentProcess, "join">): CurrentProcess => ({
  ...options,
  join: Effect.suspend(() =>
    Effect.fail(new InvalidState({ object: options.name, operation: "join", reason: "JoinSelf" }))
  )
})

/**
 * See the type of the same name.
 *
 * @category references
 * @since 0.1.0
 */
export const CurrentProcess: Context.Reference<CurrentProcess> = Context.Reference<CurrentProcess>(
  "effect-multiprocessing/CurrentProcess",
  {
    defaultValue: () =>
      makeCurrentProcess({
        name: "MainProcess",
        pid: process.pid,
        daemon: false,
        authkey: Redacted.make(new Uint8Array(fewRandomBytes(32)), { label: "authkey" }),
        parent: Option.none()
      })
  }
)

/**
 * How many processes can run at a time: the processors that this process may use, at least 1.
 *
 * Python: `os.process_cpu_count()`, which `multiprocessing` uses for the size of its pools.
 *
 * @category constructors
 * @since 0.1.0
 */
export const cpuCount: Effect.Effect<number> = Effect.sync(() => os.availableParallelism())
