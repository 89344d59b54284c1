/**
 * Blocks of memory for long messages, of what the ones before have left.
 *
 * To clear a new page takes the system longer than to copy what is written to it. The C library of most Linux systems (glibc) gives back what is free at the
 * end of its heap, when that is twice as much as the largest block that was freed so far: so whether the next block is made of new pages depends on
 * what the process has freed long before. It is told a number instead.
 *
 * Each block of more than 32 MiB it has the system make, and unmake when it is freed. As long as huge blocks come, the library is told to
 * keep what is freed; when none has come, and none was found to be garbage, for a second, all that is free goes back to the system.
 */
import type { LibraryHandle } from "koffi"

const mebibyte = 1024 * 1024

/** Parameters of mallopt(3). */
const trimThreshold = -1
const mmapThreshold = -3
const mmapMax = -4

/** A block of this size or more is huge. */
export const huge = 8 * mebibyte

/** What the library goes to by itself when blocks are freed: the largest one that is not huge, and the largest that it makes itself. */
const usual = { trimThreshold: 2 * huge, mmapThreshold: 32 * mebibyte, mmapMax: 65_536 }

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
  /** Keeps some, whatever it has done so far. */
  readonly keepSome: () => void
  /** Keeps them. */
  readonly keep: () => void
  /** Gives them back, and keeps some of all later ones. */
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
    keepSome: () => {
      // To set one of them ends that the library changes the other.
      mallopt(mmapThreshold, usual.mmapThreshold)
      mallopt(trimThreshold, usual.trimThreshold)
    },
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

/** Allocates a block of so many bytes, by the function that it is given. */
export type Allocate = (size: number, allocate: (size: number) => Buffer<ArrayBuffer>) => Buffer<ArrayBuffer>

/** Gives what allocates long blocks. With nothing that is known of freed ones, that is all it does. */
export const longBlocks = (freed: Freed | undefined): Allocate => {
  if (freed === undefined) return (size, allocate) => allocate(size)
  const { giveBack, keep, keepSome } = freed
  let isTold = false
  let timer: NodeJS.Timeout | undefined
  const plan = () => {
    if (timer === undefined) timer = setTimeout(giveBack, pause).unref()
    else timer.refresh()
  }
  const found = new FinalizationRegistry<void>(plan)
  return (size, allocate) => {
    if (size < huge) {
      if (!isTold) keepSome()
      isTold = true
      return allocate(size)
    }
    // Each time: another hub of this process may have had it given back.
    keep()
    const block = allocate(size)
    found.register(block.buffer)
    plan()
    return block
  }
}
