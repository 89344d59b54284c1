/**
 * Collects messages that nobody needs any more, before V8 does.
 *
 * Their bytes lie outside of V8's heap, but count for its limits: after some 32 MiB of them it marks all of the heap, which takes tens of
 * milliseconds on several processors, to find what is all young and garbage. A collection of the young generation finds the same in
 * a fraction of a millisecond, but V8 makes none as long as the heap itself has room.
 */

/**
 * After so many bytes of messages there is a collection, as soon as all that was ready to run has run: what came has been worked on by then. What
 * is still in use at two collections is old for V8, and is found only when it marks.
 */
const interval = 1024 * 1024

/** After so many it does not wait. V8 begins to mark at 8 MiB more than there were after it has marked the last time. */
const limit = 6 * interval

/** A collection that takes longer, in milliseconds, finds much that is young and in use: it would only grow old sooner. */
const dear = 2

/** After so many dear ones in a row the next one comes later, at most so many times. */
const patience = { after: 3, most: 16 }

/** A longer message has V8 mark in any case. */
const longest = 8 * 1024 * 1024

/** A function that V8 gives to who asks for it by a flag. The flag is set for as long as that takes. */
const find = (): NodeJS.GCFunction => {
  if (globalThis.gc !== undefined) return globalThis.gc
  // Most processes need neither.
  const { setFlagsFromString } = process.getBuiltinModule("node:v8")
  const { runInNewContext } = process.getBuiltinModule("node:vm")
  setFlagsFromString("--expose-gc")
  try {
    return runInNewContext("gc") as NodeJS.GCFunction
  } finally {
    setFlagsFromString("--no-expose-gc")
  }
}

/** Found when it is needed first, which takes a millisecond. */
const shared: { collect?: () => void } = {}

const collectYoung = (): void => {
  if (shared.collect === undefined) {
    shared.collect = () => {}
    try {
      const gc = find()
      shared.collect = () => gc({ type: "minor" })
    } catch {
      // V8 collects when it likes.
    }
  }
  shared.collect()
}

/**
 * Is told of each message of this process, by its size, and collects when that is worth it. `collect` is what collects, `now` gives
 * milliseconds since whenever, `later` runs something when all that is ready to run has run.
 */
export const messageGarbage = (
  collect = collectYoung,
  now = () => performance.now(),
  later: (run: () => void) => void = setImmediate
) => {
  let sum = 0
  let factor = 1
  let dearOnes = 0
  let isPlanned = false
  const run = () => {
    sum = 0
    const start = now()
    collect()
    if (now() - start <= dear) {
      factor = 1
      dearOnes = 0
    } else if (++dearOnes === patience.after) {
      factor = Math.min(2 * factor, patience.most)
      dearOnes = 0
    }
  }
  const planned = () => {
    isPlanned = false
    if (sum >= factor * interval) run()
  }
  return (bytes: number): void => {
    if (bytes > longest) return
    sum += bytes
    if (sum < factor * interval) return
    if (sum >= factor * limit) return run()
    if (isPlanned) return
    isPlanned = true
    later(planned)
  }
}
