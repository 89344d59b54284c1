/** What Linux knows of processes. Elsewhere: nothing. */
import { readdirSync, readFileSync } from "node:fs"

export const available = process.platform === "linux"

/** Processor time of a process so far, in seconds. */
export const cpuOf = (pid: number): number => {
  let nanoseconds = 0
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0])
  }
  return nanoseconds / 1e9
}

/** Processor time of this process and of others that run, in seconds. */
export const cpuOfAll = (pids: Iterable<number>): number | undefined => {
  if (!available) return undefined
  const { system, user } = process.cpuUsage()
  let total = (user + system) / 1e6
  for (const pid of pids) total += cpuOf(pid)
  return total
}

/** Processor time of all descendants of this process that have ended, in seconds; in steps of 10 milliseconds. */
export const cpuOfEnded = (): number | undefined => {
  if (!available) return undefined
  const stat = readFileSync("/proc/self/stat", "utf8")
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return (Number(fields[13]) + Number(fields[14])) / 100
}

/** Memory of a process that is resident, in MiB. */
export const residentMemory = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024
