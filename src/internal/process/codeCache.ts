/**
 * Runs a script with the code that V8 compiled for it in an earlier process. Node's own cache keeps what V8 compiles when it reads a file;
 * this one keeps what has been compiled by the end of a process, which is what another one like it needs.
 *
 * V8 itself refuses code of another version of itself or with other flags. That it is code of this very script, the name of the file says.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import * as vm from "node:vm"

/** A directory for compiled code that nobody else can write to. Code is loaded from it, so its owner and mode matter. */
export const privateDirectory = (parent: string): string | undefined => {
  const uid = process.getuid?.()
  const directory = `${parent}${path.sep}effect-multiprocessing-${uid ?? "cache"}`
  const look = () => {
    try {
      return fs.lstatSync(directory, { throwIfNoEntry: false })
    } catch {
      // What should be its parent is a file, or may not be looked into.
      return undefined
    }
  }
  let stat = look()
  if (stat === undefined) {
    try {
      fs.mkdirSync(directory, { mode: 0o700, recursive: false })
    } catch {
      // Somebody else has made it at the same time, or it can't be made.
    }
    stat = look()
  }
  if (stat === undefined) return undefined
  const isPrivate = uid === undefined || (stat.uid === uid && (stat.mode & 0o077) === 0)
  return stat.isDirectory() && isPrivate ? directory : undefined
}

/** What `os.tmpdir()` is. The module `os` takes half a millisecond to load. */
const temporary = (): string => {
  if (process.platform === "win32") return process.getBuiltinModule("node:os").tmpdir()
  const { TEMP, TMP, TMPDIR } = process.env
  const directory = TMPDIR || TMP || TEMP || "/tmp"
  return directory.length > 1 && directory.endsWith("/") ? directory.slice(0, -1) : directory
}

/** Where compiled code is kept: where Node's user wants it, or where nobody else can write; `undefined`: nowhere. */
export const directory = (): string | undefined => {
  const { NODE_COMPILE_CACHE, NODE_DISABLE_COMPILE_CACHE } = process.env
  return NODE_DISABLE_COMPILE_CACHE === undefined ? NODE_COMPILE_CACHE ?? privateDirectory(temporary()) : undefined
}

/** A short name for what else V8 looks at; 32 bits of FNV-1a. */
const flagsKey = (): string => {
  let hash = 0x811c9dc5
  for (const character of `${process.execArgv.join(" ")} ${process.env["NODE_OPTIONS"] ?? ""}`) {
    hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193)
  }
  return (hash >>> 0).toString(16)
}

/** A file, in this memory if that is large enough: to touch new memory takes longer than to read. */
const read = (file: string, memory: Buffer): Buffer | undefined => {
  let descriptor: number | undefined
  try {
    descriptor = fs.openSync(file, "r")
    const { size } = fs.fstatSync(descriptor)
    const bytes = memory.length < size ? Buffer.allocUnsafeSlow(size) : memory.subarray(0, size)
    for (let at = 0; at < size;) {
      const count = fs.readSync(descriptor, bytes, at, size - at, at)
      if (count === 0) return undefined
      at += count
    }
    return bytes
  } catch {
    return undefined
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor)
  }
}

/** How long somebody may take to write a file; who takes longer was killed. */
const longest = 10_000

/** Opens a file that is not there; `undefined` if somebody else is writing it. */
const openDraft = (draft: string): number | undefined => {
  const open = () => fs.openSync(draft, "wx", 0o600)
  try {
    return open()
  } catch {
    const stat = fs.statSync(draft, { throwIfNoEntry: false })
    if (stat === undefined || Date.now() - stat.mtimeMs < longest) return undefined
    fs.rmSync(draft, { force: true })
    return open()
  }
}

/** How many files are kept: some for each version, set of flags and Node that is in use. */
const maxFiles = 64

/** Removes the oldest files. Who wants one of them makes it anew. */
const prune = (directory: string): void => {
  const files = fs.readdirSync(directory).filter((name) => name.endsWith(".code")).map((name) =>
    path.join(directory, name)
  )
  if (files.length <= maxFiles) return
  const age = new Map(files.map((file) => [file, fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0]))
  files.sort((one, other) => age.get(other)! - age.get(one)!)
  for (const file of files.slice(maxFiles)) fs.rmSync(file, { force: true })
}

/** All of it or nothing, also where the disk is full or the machine fails. Of many processes, one writes. */
const write = (file: string, content: () => Uint8Array): void => {
  const draft = `${file}.draft`
  try {
    const descriptor = openDraft(draft)
    if (descriptor === undefined) return
    try {
      fs.writeFileSync(descriptor, content())
      fs.fsyncSync(descriptor)
      fs.renameSync(draft, file)
      prune(path.dirname(file))
    } catch {
      fs.rmSync(draft, { force: true })
    } finally {
      fs.closeSync(descriptor)
    }
  } catch {
    // The next process compiles again.
  }
}

/** Scripts have no way of their own to import, or one that Node warns of. */
const dynamicImport = (specifier: string): Promise<unknown> => import(specifier)

/** A script begins with a comment that is its id, which stands for its text. */
const idOf = (source: string): string | undefined =>
  source.startsWith("/*! ") ? source.slice(4, source.indexOf(" */")) : undefined

/** What is kept is rarely longer than twice the text. */
const memoryFor = (file: string): Buffer =>
  Buffer.allocUnsafeSlow(2 * (fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0))

/**
 * The exports of a script, which is a function of `exports`, `require`, what stands for `import()`, and its URL. Throws if it can't be read, or
 * does not have the id that is expected. Compiled code is kept in the directory, under a name that stands for this text alone.
 */
export const run = (
  url: string,
  expected: string | undefined,
  directory: string | undefined,
  require: (name: string) => unknown
): object => {
  const file = fileURLToPath(url)
  const memory = memoryFor(file)
  const source = read(file, memory)?.toString("latin1")
  const id = source && idOf(source)
  if (source === undefined || id === undefined || (expected !== undefined && id !== expected)) {
    throw new Error(`${file} has been replaced while this process was running. Start it again.`)
  }
  const name = url.slice(url.lastIndexOf("/") + 1, url.lastIndexOf("."))
  const kept = directory &&
    `${directory}${path.sep}${id}-${name}-${process.version}-${process.arch}-${flagsKey()}.code`
  const cachedData = kept === undefined ? undefined : read(kept, memory)
  const script = new vm.Script(source, { filename: url, cachedData })
  if (kept !== undefined && (cachedData === undefined || script.cachedDataRejected)) {
    process.once("exit", () => write(kept, () => script.createCachedData()))
  }
  const exports = {}
  script.runInThisContext()(exports, require, dynamicImport, url)
  return exports
}
