/**
 * What Linux tells of processes.
 */
import * as fs from "node:fs"

/** State and parent of a process, or `undefined` if there is none. */
const statusOf = (pid: number): { readonly state: string; readonly parent: number } | undefined => {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1")
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return { state: state!, parent: Number(parent) }
  } catch {
    return undefined
  }
}

/** Whether a process runs. One that has ended and was not yet waited for does not. */
export const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const state = statusOf(pid)?.state
  return state !== undefined && state !== "Z" && state !== "X"
}

/** The command line of a process, for messages. */
export const commandOf = (pid: number): string => {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").slice(0, 200).trim()
  } catch {
    return ""
  }
}

export const processes = (): Array<number> => fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number)

/** The processes whose parent is this one. */
export const childrenOf = (pid: number): Array<number> =>
  processes().filter((candidate) => statusOf(candidate)?.parent === pid && isRunning(candidate))

export const killIfRunning = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // It is gone.
  }
}
