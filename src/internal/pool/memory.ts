/**
 * The memory of another process, where the operating system tells it.
 */
import { readFileSync } from "node:fs"

/** Of Linux on all that Node runs on, but for some with larger pages, which tell less than they have. */
const pageSize = 4096

/** Resident bytes; none where it is not known. */
export const memoryOf = (pid: number): number | undefined => {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * pageSize
  } catch {
    return undefined
  }
}
