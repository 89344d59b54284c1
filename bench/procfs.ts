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

/** Memory of a process, in MiB: what is resident, and what is its share of that if pages are divided among those who have them. */
export const memory = (pid: number): { readonly resident: number; readonly share: number } => {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")
  const mebibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)![1]) / 1024
  return { resident: mebibytes("Rss"), share: mebibytes("Pss") }
}
