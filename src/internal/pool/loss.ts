/**
 * How a worker was lost, from how its process ended.
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import { ProcessExited, SpawnError, WorkerLost, type WorkerLostReason } from "../../Failure.ts"

export interface Loss {
  readonly reason: WorkerLostReason
  readonly exitCode?: number
  readonly cause?: unknown
}

const isProcessExited = (error: unknown): error is ProcessExited => error instanceof ProcessExited

export const diagnose = (
  exit: Exit.Exit<void, unknown>,
  { heapWasFull, recycled }: { readonly recycled: boolean; readonly heapWasFull: boolean }
): Loss => {
  if (Exit.isSuccess(exit)) return { reason: recycled ? "Recycled" : "Exited", exitCode: 0 }
  const error = Cause.squash(exit.cause)
  const exitCode = isProcessExited(error) ? error.exitCode : 1
  if (recycled) return { reason: "Recycled", exitCode }
  if (heapWasFull) return { reason: "OutOfMemory", exitCode }
  const reason = exitCode < 0 ? "Signaled" : "Exited"
  return isProcessExited(error) ? { reason, exitCode } : { reason, exitCode, cause: error }
}

/** Why a worker could not be made; `mayPass`: another one perhaps can. Its own layer says why it can't be built, and would say so again. */
export const startFailure = (
  pool: string,
  worker: string,
  cause: Cause.Cause<unknown>
): { readonly mayPass: boolean; readonly cause: Cause.Cause<unknown> } => {
  const error = Cause.squash(cause)
  const mayPass = isProcessExited(error) || error instanceof SpawnError || Cause.hasInterruptsOnly(cause)
  if (!mayPass || error instanceof SpawnError) return { mayPass, cause }
  return {
    mayPass,
    cause: Cause.fail(new WorkerLost({ pool, worker, target: "", reason: "StartFailed", cause: error }))
  }
}
