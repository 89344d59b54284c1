/**
 * Blocks of memory for long messages, of what the ones before have left.
 *
 * The C library of most Linux systems (glibc) has the system make each block of more than 32 MiB, and unmake it when it is freed. So all pages of
 * such a block are new, and to clear them takes as long as to copy the message. As long as long messages come, the library is told to
 * keep what is freed; when none has come, and none was found to be garbage, for a second, all that is free goes back to the system.
 */
import type { LibraryHandle } from "koffi"

const mebibyte = 1024 * 1024

/** Parameters of mallopt(3). */
const trimThreshold = -1
const mmapThreshold = -3
const mmapMax = -4

/** What the library goes to by itself, when blocks of up to 32 MiB are freed. To set anything ends that, so these are set, too. */
const usual = { mmapThreshold: 32 * mebibyte, trimThreshold: 64 * mebibyte, mmapMax: 65_536 }

/** Bytes that are kept at most, at the end of what the library has: four of the messages that are 64 MiB long. */
const mostKept = 256 * mebibyte

/** Milliseconds. */
const pause = 1000

/** Has somebody given these parameters to this process? See mallopt(3) and GLIBC_TUNABLES in ld.so(8). */
const isSetByUser = (environment: NodeJS.ProcessEnv): boolean =>
  Object.keys(environment).some((name) => /^MALLOC_(?:TOP_PAD|TRIM_THRESHOLD|MMAP_THRESHOLD|MMAP_MAX)_$/.test(name)) ||
  /glibc\.malloc\.(?:top_pad|trim_threshold|mmap_threshold|mmap_max)=/.test(environment["GLIBC_TUNABLES"] ?? "")

/** What the library does with blocks that are freed. */
export interface Freed {
  /** Keeps them. */
  readonly keep: () => void
  /** Gives them back, these and all later ones, as it does by itself. */
  readonly giveBack: () => void
}

/**
 * `undefined`: the user has decided; or this is a thread, whose memory comes from elsewhere, and which may end before it gives anything back. Throws
 * if this is another library, which has no such functions.
 */
export const freed = (
  library: LibraryHandle,
  environment = process.env,
  isMainThread = process.getBuiltinModule("node:worker_threads").isMainThread
): Freed | undefined => {
  if (!isMainThread || isSetByUser(environment)) return undefined
  const mallopt = library.func("int mallopt(int parameter, int value)")
  const mallocTrim = library.func("int malloc_trim(size_t pad)")
  return {
    keep: () => {
      mallopt(mmapThreshold, usual.mmapThreshold)
      mallopt(trimThreshold, mostKept)
      mallopt(mmapMax, 0)
    },
    giveBack: () => {
      mallopt(trimThreshold, usual.trimThreshold)
      mallopt(mmapMax, usual.mmapMax)
      mallocTrim(0)
    }
  }
}

/** Gives what allocates a long block, by the function that it is given. With nothing that is known of freed ones, that is all it does. */
export const longBlocks = (
  freed: Freed | undefined
): (allocate: () => Buffer<ArrayBuffer>) => Buffer<ArrayBuffer> => {
  if (freed === undefined) return (allocate) => allocate()
  const { giveBack, keep } = freed
  let timer: NodeJS.Timeout | undefined
  const plan = () => {
    if (timer === undefined) timer = setTimeout(giveBack, pause).unref()
    else timer.refresh()
  }
  const found = new FinalizationRegistry<void>(plan)
  return (allocate) => {
    // Each time: another hub of this process may have had it given back.
    keep()
    const block = allocate()
    found.register(block.buffer)
    plan()
    return block
  }
}
