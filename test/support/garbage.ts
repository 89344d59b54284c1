/**
 * Collects garbage, without flags on the command line.
 */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/** What a WeakRef has shown is kept until the end of the turn. */
export const collectGarbage = async (): Promise<void> => {
  setFlagsFromString("--expose-gc")
  const collect: () => void = runInNewContext("gc")
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
  collect()
}
