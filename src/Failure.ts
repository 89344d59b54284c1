/**
 * Every expected failure of the library, as schema-backed tagged errors.
 *
 * A failure names the object and the operation it belongs to, and its message says what to do. Failures cross process
 * borders as their own classes: a child's `Empty` is an `Empty` in the parent that joins it.
 *
 * Only failures that can happen are in the type of an operation: `queue.get()` can't fail with {@link Empty},
 * `queue.get({ timeout: "1 second" })` can.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { signalName } from "./internal/process/exitStatus.ts"

/**
 * A `get` found nothing: at once for `getNowait` and a zero timeout, else after its timeout.
 *
 * Python: `queue.Empty`.
 *
 * @category failures
 * @since 0.1.0
 */
export class Empty extends Schema.TaggedError<Empty>()("Empty", { queue: Schema.String }) {
  override get message(): string {
    return `${this.queue}: no item arrived in time. Wait longer, or without a timeout, or treat this as "nothing to do".`
  }
}

/**
 * A `put` found no free slot: at once for `putNowait` and a zero timeout, else after its timeout. The item is not in the
 * queue.
 *
 * Python: `queue.Full`.
 *
 * @category failures
 * @since 0.1.0
 */
export class Full extends Schema.TaggedError<Full>()("Full", { queue: Schema.String }) {
  override get message(): string {
    return `${this.queue}: no slot became free in time. Wait longer, raise maxsize, or add consumers.`
  }
}

/**
 * The queue was shut down: nothing can be put any more, and a `get` has nothing left to give.
 *
 * Python: `queue.ShutDown` of `queue.Queue` (3.13), which `multiprocessing.Queue` does not have.
 *
 * @category failures
 * @since 0.1.0
 */
export class ShutDown extends Schema.TaggedError<ShutDown>()("ShutDown", { queue: Schema.String }) {
  override get message(): string {
    return `${this.queue}: the queue was shut down. Consumers end here; producers must stop putting.`
  }
}

/**
 * The other side of a pipe is gone (closed, or its last process died) and every message it sent has been received.
 *
 * Python: `EOFError` of `Connection.recv`.
 *
 * @category failures
 * @since 0.1.0
 */
export class EndOfFile extends Schema.TaggedError<EndOfFile>()("EndOfFile", { connection: Schema.String }) {
  override get message(): string {
    return `${this.connection}: the other end is closed and nothing is left to receive.`
  }
}

/**
 * A message was sent to a pipe whose other end is held by nobody.
 *
 * Python: `BrokenPipeError`; POSIX: `EPIPE`.
 *
 * @category failures
 * @since 0.1.0
 */
export class BrokenPipe extends Schema.TaggedError<BrokenPipe>()("BrokenPipe", { connection: Schema.String }) {
  override get message(): string {
    return `${this.connection}: no process holds the other end any more, so nobody can receive this message.`
  }
}

/**
 * A message was longer than the buffer, or than the `maxLength`, it was received with. The message is consumed and is
 * here; the connection stays usable.
 *
 * Python: `multiprocessing.BufferTooShort`, whose `args[0]` is the message.
 *
 * @category failures
 * @since 0.1.0
 */
export class BufferTooShort extends Schema.TaggedError<BufferTooShort>()("BufferTooShort", {
  connection: Schema.String,
  /** The whole message. */
  bytes: Schema.Uint8Array,
  /** How many bytes there was room for. */
  room: Schema.Int
}) {
  override get message(): string {
    return `${this.connection}: a message of ${this.bytes.length} bytes did not fit into ${this.room} bytes. ` +
      `It is in the failure's "bytes"; receive with more room.`
  }
}

/**
 * The object was closed in this process, by `close` or by the end of its scope; or it arrived in a message whose sender had let go of
 * it, and nobody else held it.
 *
 * Python: `ValueError` (queue or process) or `OSError` (connection) "is closed".
 *
 * @category failures
 * @since 0.1.0
 */
export class Closed extends Schema.TaggedError<Closed>()("Closed", {
  object: Schema.String,
  /** What it is, if not closed in this process. */
  problem: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    const problem = this.problem ??
      "is closed in this process. Use it before its close, or inside the scope that made it."
    return `${this.object} ${problem}`
  }
}

/**
 * The process that owns the queue or pipe can't be reached any more: it ended, or this process was never able to
 * connect to it. Every pending and every later operation on its objects fails with this.
 *
 * @category failures
 * @since 0.1.0
 */
export class HubLost extends Schema.TaggedError<HubLost>()("HubLost", {
  /** Address of the hub. */
  hub: Schema.String,
  /** Why, in words. */
  reason: Schema.String
}) {
  override get message(): string {
    return `The hub ${this.hub} is lost (${this.reason}): its queues and pipes are gone with the process that made them.`
  }
}

/**
 * An operation with a timeout did not finish in time. What it waited for goes on.
 *
 * Python: `multiprocessing.TimeoutError`, or a `join(timeout)` that returns while the process is alive.
 *
 * @category failures
 * @since 0.1.0
 */
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", { operation: Schema.String }) {
  override get message(): string {
    return `${this.operation} did not finish in time. What it waited for goes on; wait again, longer, or stop it.`
  }
}

/**
 * A process ended without giving its target's result: it was killed by a signal, or called `process.exit`.
 *
 * Python: `Process.exitcode` other than 0.
 *
 * @category failures
 * @since 0.1.0
 */
export class ProcessExited extends Schema.TaggedError<ProcessExited>()("ProcessExited", {
  process: Schema.String,
  /** 0 to 255, or minus the signal number, as in Python. */
  exitCode: Schema.Int
}) {
  override get message(): string {
    if (this.exitCode >= 0) {
      return `${this.process} called process.exit(${this.exitCode}) before its target had a result.`
    }
    return `${this.process} was ended by ${signalName(-this.exitCode)} before its target had a result.`
  }
}

/**
 * Why a process did not start.
 *
 * - `InvalidPayload`: the payload does not fit the target's schema; nothing was started
 * - `InvalidModule`: the target's module is neither a URL nor an absolute path; nothing was started
 * - `InterpreterFailed`: the operating system did not start the interpreter
 * - `ModuleNotFound`, `ModuleFailed`: the child could not import the target's module, or the module threw
 * - `TargetNotFound`, `TargetAmbiguous`: the module defines no target of that name, or several
 * - `HandOverFailed`: an inherited object was closed or its hub was lost
 * - `EndedEarly`: the child ended while it was importing the module
 *
 * @category models
 * @since 0.1.0
 */
export type SpawnErrorReason = typeof SpawnErrorReason.Type
const SpawnErrorReason = Schema.Literals([
  "InvalidPayload",
  "InvalidModule",
  "InterpreterFailed",
  "ModuleNotFound",
  "ModuleFailed",
  "TargetNotFound",
  "TargetAmbiguous",
  "HandOverFailed",
  "EndedEarly"
])

/**
 * A process could not be started. No process is left behind.
 *
 * `cause` is what went wrong: for a module that throws while it is imported, the child's own error with its stack.
 *
 * @category failures
 * @since 0.1.0
 */
export class SpawnError extends Schema.TaggedError<SpawnError>()("SpawnError", {
  process: Schema.String,
  target: Schema.String,
  module: Schema.String,
  reason: SpawnErrorReason,
  cause: Schema.Defect({ includeStack: true })
}) {
  override get message(): string {
    const detail = (this.cause instanceof Error ? this.cause.message : String(this.cause)).replace(/\s*\n\s*/g, " ")
    switch (this.reason) {
      case "InvalidPayload":
        return `${this.process} was not started: the payload does not fit the schema of target "${this.target}": ${detail}`
      case "InvalidModule":
        return `${this.process} was not started: the module of target "${this.target}" is "${this.module}". ` +
          `Give import.meta.url of the module that defines the target.`
      case "InterpreterFailed":
        return `${this.process} was not started: the interpreter could not be started: ${detail}`
      case "ModuleNotFound":
        return `${this.process} was not started: the module of target "${this.target}" was not found: ${detail}`
      case "ModuleFailed":
        return `${this.process} was not started: importing ${this.module} failed in the child: ${detail}`
      case "TargetNotFound":
        return `${this.process} was not started: ${this.module} defines no target "${this.target}" when it is imported ` +
          `(${detail}). Define it with Target.make at the top level of that module, with module: import.meta.url.`
      case "TargetAmbiguous":
        return `${this.process} was not started: ${this.module} defines several targets named "${this.target}". ` +
          `Give each target of a module a name of its own.`
      case "HandOverFailed":
        return `${this.process} was not started: an object that target "${this.target}" inherits could not be handed over: ` +
          detail
      case "EndedEarly":
        return `${this.process} ended while it was importing ${this.module}: ${detail}`
    }
  }
}

/**
 * Which rule an operation broke.
 *
 * - `NotStarted`: the process has not been started
 * - `AlreadyStarted`: `start` was called a second time
 * - `StillRunning`: `close` was called while the process runs
 * - `JoinSelf`: a process joined itself
 * - `DaemonicChild`: a daemonic process started a child
 * - `Bootstrapping`: a program started a process while it was itself only imported by a child
 * - `NotPiped`: the stream was asked of a process that inherits or ignores it
 * - `NotClosed`: `joinThread` was called before `close`
 * - `TaskDoneTooOften`: `taskDone` was called more often than there were items
 *
 * @category models
 * @since 0.1.0
 */
export type InvalidStateReason = typeof InvalidStateReason.Type
const InvalidStateReason = Schema.Literals([
  "NotStarted",
  "AlreadyStarted",
  "StillRunning",
  "JoinSelf",
  "DaemonicChild",
  "Bootstrapping",
  "NotPiped",
  "NotClosed",
  "TaskDoneTooOften"
])

const invalidStateAdvice: Record<InvalidStateReason, string> = {
  NotStarted: "the process has not been started. Call start first, or use spawn.",
  AlreadyStarted: "a process can be started once. Make another one for another run.",
  StillRunning: "the process is still running. join, terminate or kill it first.",
  JoinSelf: "a process can't wait for its own end.",
  DaemonicChild: "daemonic processes are not allowed to have children. Start it from a process that is not daemonic.",
  Bootstrapping: "this code runs because a child process imports its module, so it would start children without end. " +
    "Run the main program with runMain (which does nothing in a child), or under `if (import.meta.main)`.",
  NotPiped: "this stream is not piped. Ask for it with the option \"pipe\" when the process is made.",
  NotClosed: "close the queue first.",
  TaskDoneTooOften: "taskDone was called more often than items were put."
}

/**
 * An operation that the state of the object does not allow: a programming mistake, which Python reports as
 * `ValueError` or `AssertionError`.
 *
 * @category failures
 * @since 0.1.0
 */
export class InvalidState extends Schema.TaggedError<InvalidState>()("InvalidState", {
  object: Schema.String,
  operation: Schema.String,
  reason: InvalidStateReason
}) {
  override get message(): string {
    return `${this.object}: ${this.operation}: ${invalidStateAdvice[this.reason]}`
  }
}

/**
 * An argument that can't be right: an offset outside of the buffer, a negative size.
 *
 * Python: `ValueError`.
 *
 * @category failures
 * @since 0.1.0
 */
export class InvalidArgument extends Schema.TaggedError<InvalidArgument>()("InvalidArgument", {
  object: Schema.String,
  operation: Schema.String,
  /** What is wrong with which argument. */
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.object}: ${this.operation}: ${this.problem}`
  }
}

/**
 * An item or message does not fit its schema, or is too large, or reading it throws, so nothing was sent. The queue or connection
 * stays usable.
 *
 * Python: `PicklingError`, which `Queue.put` reports on stderr only while the item vanishes.
 *
 * @category failures
 * @since 0.1.0
 */
export class EncodeError extends Schema.TaggedError<EncodeError>()("EncodeError", {
  object: Schema.String,
  operation: Schema.String,
  /** What the schema says, or what was thrown. */
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.object}: ${this.operation}: the value can't be sent: ${this.problem}`
  }
}

/**
 * What arrived does not fit the schema of the receiver, or its transformation throws. The item or message is consumed; the queue or connection stays
 * usable.
 *
 * Happens when two processes run different versions of the code, or when bytes are received as a message.
 *
 * @category failures
 * @since 0.1.0
 */
export class DecodeError extends Schema.TaggedError<DecodeError>()("DecodeError", {
  object: Schema.String,
  operation: Schema.String,
  /** What the schema says, or what was thrown. */
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.object}: ${this.operation}: what arrived does not fit the schema: ${this.problem}`
  }
}

/**
 * This platform, or this way of starting a process, can't do that.
 *
 * @category failures
 * @since 0.1.0
 */
export class Unsupported extends Schema.TaggedError<Unsupported>()("Unsupported", {
  operation: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.operation} is not supported here: ${this.problem}`
  }
}

/**
 * How a pool lost a worker.
 *
 * - `Exited`: it called `process.exit`, or an error escaped from a callback
 * - `Signaled`: a signal ended it
 * - `OutOfMemory`: its heap was full, and V8 gave up
 * - `StartFailed`: it could not be started, again and again
 * - `Recycled`: it took more memory than `maxMemory`, and the pool was told to stop such a worker at once
 *
 * @category models
 * @since 0.1.0
 */
export type WorkerLostReason = typeof WorkerLostReason.Type
const WorkerLostReason = Schema.Literals(["Exited", "Signaled", "OutOfMemory", "StartFailed", "Recycled"])

const workerLostBecause = ({ exitCode, reason }: WorkerLost): string => {
  switch (reason) {
    case "Exited":
      return `ended with exit code ${exitCode}`
    case "Signaled":
      return `was ended by ${signalName(-(exitCode ?? 0))}`
    case "OutOfMemory":
      return "ran out of memory"
    case "StartFailed":
      return "could not be started"
    case "Recycled":
      return "took more memory than maxMemory and was stopped"
  }
}

/**
 * The worker that ran the task is gone, and nobody knows how far the task had come. Only the task that it ran fails with this; the pool
 * goes on with another worker.
 *
 * A task that may be run twice can be marked `idempotent`; then the pool runs it again before it fails.
 *
 * Python: `BrokenProcessPool`, which fails every task of the pool; a `Pool` of Python waits for ever.
 *
 * @category failures
 * @since 0.1.0
 */
export class WorkerLost extends Schema.TaggedError<WorkerLost>()("WorkerLost", {
  pool: Schema.String,
  worker: Schema.String,
  target: Schema.String,
  reason: WorkerLostReason,
  /** 0 to 255, or minus the signal number. None if there was no process. */
  exitCode: Schema.optionalKey(Schema.Int),
  /** What is known besides: the error that escaped, or why it could not be started. */
  cause: Schema.optionalKey(Schema.Defect({ includeStack: true }))
}) {
  override get message(): string {
    const detail = this.cause instanceof Error ? `: ${this.cause.message}` : ""
    return this.reason === "StartFailed"
      ? `${this.pool}: no worker could be started${detail}`
      : `${this.pool}: ${this.worker} ${workerLostBecause(this)} while it ran target "${this.target}"${detail}. ` +
        `If the task may be run twice, mark it idempotent, and it is tried again.`
  }
}

/**
 * A task has cost the pool one worker after the other, and is not tried again.
 *
 * @category failures
 * @since 0.1.0
 */
export class PoisonousTask extends Schema.TaggedError<PoisonousTask>()("PoisonousTask", {
  pool: Schema.String,
  target: Schema.String,
  /** How many workers it has cost. */
  losses: Schema.Int,
  /** How the last one was lost. */
  last: WorkerLost
}) {
  override get message(): string {
    return `${this.pool}: target "${this.target}" has ended ${this.losses} workers one after the other, with the same payload. ` +
      `The last one: ${this.last.message}`
  }
}

/**
 * The pool takes no more tasks, and this one was not run to its end: the pool was shut down, or its scope closed.
 *
 * Python: `ValueError` "Pool not running", `RuntimeError` "cannot schedule new futures after shutdown".
 *
 * @category failures
 * @since 0.1.0
 */
export class PoolClosed extends Schema.TaggedError<PoolClosed>()("PoolClosed", { pool: Schema.String }) {
  override get message(): string {
    return `${this.pool}: the pool is shut down. Submit tasks before shutdown, inside the scope that made the pool.`
  }
}
