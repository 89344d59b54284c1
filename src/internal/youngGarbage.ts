/**
 * Collects messages that nobody needs any more, before V8 does.
 *
 * Their bytes lie outside of V8's heap, but count for its limits: after some 32 MiB of them it marks all of the heap, which takes tens of
 * milliseconds on several processors, to find what is all young and garbage. A collection of the young generation finds the same in
 * a fraction of a millisecond, but V8 makes none as long as the heap itself has room.
 */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/**
 * Bytes of messages from one collection to the next. V8 begins to mark at about three times as much; what lives through two collections is
 * not young any more.
 */
const interval = 8 * 1024 * 1024

/** A function that V8 gives to who asks for it by a flag. The flag is set for as long as that takes. */
const find = (): NodeJS.GCFunction => {
  if (globalThis.gc !== undefined) return globalThis.gc
  setFlagsFromString("--expose-gc")
  try {
    return runInNewContext("gc") as NodeJS.GCFunction
  } finally {
    setFlagsFromString("--no-expose-gc")
  }
}

/** Found when it is needed first, which takes a millisecond. */
const shared: { collect?: () => void } = {}

const collect = (): void => {
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

export class YoungGarbage {
  private bytes = 0

  /** A message of so many bytes has come. */
  count(bytes: number): void {
    // One that is so long has V8 mark in any case.
    if (bytes > interval) return
    this.bytes += bytes
    if (this.bytes < interval) return
    this.bytes = 0
    collect()
  }
}
