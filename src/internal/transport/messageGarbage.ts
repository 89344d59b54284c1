/**
 * Collects messages that nobody needs any more, before V8 does.
 *
 * Their bytes lie outside of V8's heap, but count for its limits: after some 32 MiB of them it marks all of the heap, which takes tens of
 * milliseconds on several processors, to find what is all young and garbage. A collection of the young generation finds the same in
 * a fraction of a millisecond, but V8 makes none as long as the heap itself has room.
 */

const mebibyte = 1024 * 1024

/**
 * After so many bytes of messages there is a collection, as soon as all that was ready to run has run: what came has been worked on by then. What
 * is still in use at two collections is old for V8, and is found only when it marks: so they must not follow each other too soon.
 */
const interval = 2 * mebibyte

/** After so many it does not wait. V8 begins to mark at 8 MiB more than there were after it has marked the last time. */
const limit = 4 * mebibyte

/** A collection that takes longer, in milliseconds, finds much that is young and in use: it would only grow old sooner. */
const dear = 2

/** After so many dear ones in a row the next one comes later, at most so many times. */
const patience = { after: 3, most: 16 }

/** A longer message has V8 mark in any case: it is nearly as much by itself as what V8 lets come. */
const longest = 20 * mebibyte

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

/**
 * What V8 does on other threads in such a collection. There is so little of it that to wake these threads and to wait for them takes longer, on
 * processors that somebody else needs, and that what is freed on them counts for V8's limits until they are done.
 */
const helpers = ["parallel-scavenge", "concurrent-array-buffer-sweeping"]

/** The versions of V8 that are known to know these flags, in Node 22 to 26. Others would say that they do not, to the user. */
const known = { first: 12, last: 14 }

/** Does somebody want threads to be used in another way than V8 does by itself? */
const isAboutThreads = (flag: string): boolean =>
  /^--(?:no-?)?(?:single-threaded|predictable|parallel-scavenge|concurrent-array-buffer-sweeping)/.test(
    flag.replaceAll("_", "-")
  )

/** Collects on this thread alone. The flags hold for as long as that takes: V8 asks for each of them once in each collection. */
export const alone = (
  collect: () => void,
  { setFlags, v8, flags }: {
    readonly setFlags: (flags: string) => void
    readonly v8: string
    readonly flags: ReadonlyArray<string>
  } = {
    setFlags: process.getBuiltinModule("node:v8").setFlagsFromString,
    v8: process.versions.v8,
    flags: process.execArgv
  }
): () => void => {
  const version = Number.parseInt(v8)
  if (version < known.first || version > known.last || flags.some(isAboutThreads)) return collect
  const off = helpers.map((flag) => `--no-${flag}`).join(" ")
  const on = helpers.map((flag) => `--${flag}`).join(" ")
  return () => {
    setFlags(off)
    try {
      collect()
    } finally {
      setFlags(on)
    }
  }
}

/** Found when it is needed first, which takes a millisecond. */
const shared: { collect?: () => void } = {}

const collectYoung = (): void => {
  if (shared.collect === undefined) {
    shared.collect = () => {}
    try {
      const gc = find()
      shared.collect = alone(() => gc({ type: "minor" }))
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
  /** There was a collection since: what was in use then may be so still, and would be old for V8 if it were at a second one. */
  let isTooSoon = false
  const run = () => {
    sum = 0
    isTooSoon = isPlanned
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
    if (isTooSoon) isTooSoon = false
    else if (sum >= factor * interval) run()
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
