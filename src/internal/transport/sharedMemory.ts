/**
 * Memory that several processes map, as files of a directory that only this user can enter.
 *
 * Node can't map memory, so this needs `koffi`, an optional dependency; without it, or where the system refuses, there is no shared
 * memory and sockets serve. A file has its name only until the other side has opened it.
 */
import type * as Koffi from "koffi"
import * as fs from "node:fs"
import { createRequire } from "node:module"
import * as os from "node:os"
import * as path from "node:path"
import { randomBytes } from "../crypto.ts"
import { type Allocate, freed, huge, longBlocks } from "./longBlocks.ts"
import type { SharedMemory } from "./ringTransport.ts"

interface Mapping {
  readonly yieldProcessor: () => void
  readonly allocateLong: Allocate
  /** Gives a file its memory. `false`: that must be done by writing. */
  readonly allocate: (descriptor: number, size: number) => boolean
  readonly map: (descriptor: number, size: number) => ArrayBuffer
  readonly unmap: (memory: ArrayBuffer) => void
}

const protection = 3 // PROT_READ | PROT_WRITE
const shared = 1 // MAP_SHARED
const failed = 0xffff_ffff_ffff_ffffn
const hugePages = 14 // MADV_HUGEPAGE
/** The size of most systems' huge pages. Where they have another one, it is a multiple of that of a page nevertheless. */
const hugePage = 2n * 1024n * 1024n

/** Not all systems have it. */
const optional = <A>(find: () => A): A | undefined => {
  try {
    return find()
  } catch {
    return undefined
  }
}

/** The functions of the C library, or why they are not there. */
const load = (): Mapping => {
  const koffi = createRequire(import.meta.url)("koffi") as typeof Koffi
  const library = koffi.load(null)
  const mmap = library.func(
    "void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)"
  )
  const munmap = library.func("int munmap(void *address, size_t length)")
  const fallocate = optional(() => library.func("int posix_fallocate(int fd, int64_t offset, int64_t length)"))
  const schedYield = library.func("int sched_yield()")
  const madvise = process.platform === "linux"
    ? library.func("int madvise(void *address, size_t length, int advice)")
    : undefined
  let ofLongBlocks: Allocate | undefined
  const addresses = new WeakMap<ArrayBuffer, unknown>()
  return {
    yieldProcessor: () => {
      schedYield()
    },
    allocateLong: (size, allocate) => {
      // Most processes need none.
      ofLongBlocks ??= longBlocks(optional(() => freed(library)))
      const memory = ofLongBlocks(size, allocate)
      if (size < huge) return memory
      const address = koffi.address(memory)
      const first = (address + hugePage - 1n) / hugePage * hugePage
      const end = (address + BigInt(memory.length)) / hugePage * hugePage
      // A system that does not can't be helped.
      madvise?.(first, Number(end - first), hugePages)
      return memory
    },
    allocate: (descriptor, size) => fallocate?.(descriptor, 0, size) === 0,
    map: (descriptor, size) => {
      const address = mmap(null, size, protection, shared, descriptor, 0)
      if (address === failed) throw new Error("mmap failed")
      const memory = koffi.view(address, size)
      addresses.set(memory, address)
      return memory
    },
    unmap: (memory) => {
      munmap(addresses.get(memory), memory.byteLength)
    }
  }
}

/** Of what is free, one segment takes no more than this: others need some, too, and a container may have no more than 64 MiB. */
const largestShare = 0.1

/** Where files lie in memory, if the system has such a place. */
const root = (): string => {
  try {
    fs.accessSync("/dev/shm", fs.constants.W_OK)
    return "/dev/shm"
  } catch {
    return os.tmpdir()
  }
}

/** No shared memory: sockets serve. */
export const none: SharedMemory = {
  isAvailable: () => false,
  yieldProcessor: () => {},
  allocateLong: (size, allocate) => allocate(size),
  create: () => undefined,
  open: () => undefined
}

/**
 * Shared memory of this machine.
 *
 * `onDirectory` is told of the directory that appears when the first segment is made; it must be removed at the end.
 */
export const make = (options: {
  readonly onDirectory: (path: string) => void
  readonly onUnavailable: (error: unknown) => void
}): SharedMemory => {
  let mapping: Mapping | undefined
  let unavailable = process.platform === "win32" || os.endianness() !== "LE"
  let directory: string | undefined

  const attempt = <A>(f: (mapping: Mapping) => A | undefined): A | undefined => {
    if (unavailable) return undefined
    try {
      return f(mapping ??= load())
    } catch (error) {
      unavailable = mapping === undefined
      options.onUnavailable(error)
      return undefined
    }
  }
  const segment = ({ map, unmap }: Mapping, descriptor: number, size: number) => {
    const memory = map(descriptor, size)
    return { memory, release: () => unmap(memory) }
  }

  return {
    yieldProcessor: () => mapping?.yieldProcessor(),
    allocateLong: (size, allocate) => mapping === undefined ? allocate(size) : mapping.allocateLong(size, allocate),
    isAvailable: () => attempt(() => true) === true,
    create: (size) =>
      attempt((mapping) => {
        if (directory === undefined) {
          directory = fs.mkdtempSync(path.join(root(), "effect-mp-"))
          options.onDirectory(directory)
        }
        const { bavail, bsize } = fs.statfsSync(directory)
        if (size > bavail * bsize * largestShare) return undefined
        const name = path.join(directory, randomBytes(8).toString("hex"))
        const descriptor = fs.openSync(name, "wx+", 0o600)
        try {
          // Really there from now on: a page that a full file system can't give would end the process that touches it.
          if (!mapping.allocate(descriptor, size)) fs.writeFileSync(descriptor, Buffer.alloc(size))
          return { ...segment(mapping, descriptor, size), name, unlink: () => fs.rmSync(name, { force: true }) }
        } catch (error) {
          fs.rmSync(name, { force: true })
          throw error
        } finally {
          fs.closeSync(descriptor)
        }
      }),
    open: (name, size) =>
      attempt((mapping) => {
        const descriptor = fs.openSync(name, "r+")
        try {
          // Mapping more than there is would end the process that touches it.
          if (fs.fstatSync(descriptor).size !== size) throw new Error("the segment has another size")
          return segment(mapping, descriptor, size)
        } finally {
          fs.closeSync(descriptor)
        }
      })
  }
}
