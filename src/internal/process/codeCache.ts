/**
 * Runs a script with the code that V8 compiled for it in an earlier process. Node's own cache keeps what V8 compiles when it reads a file;
 * this one keeps what has been compiled by the end of a process, which is what another one like it needs.
 *
 * V8 itself refuses code of another version of itself or with other flags. That it is code of this very script, the name of the file says.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import * as vm from "node:vm"

/** A short name for what else V8 looks at; 32 bits of FNV-1a. */
const flagsKey = (): string => {
  let hash = 0x811c9dc5
  for (const character of `${process.execArgv.join(" ")} ${process.env["NODE_OPTIONS"] ?? ""}`) {
    hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193)
  }
  return (hash >>> 0).toString(16)
}

const read = (file: string): Buffer | undefined => {
  try {
    return fs.readFileSync(file)
  } catch {
    return undefined
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

/**
 * The exports of a script, which is a function of `exports`, `require`, what stands for `import()`, and the name of the file. It begins with a
 * comment that is its id. Throws if it can't be read, or is another one. Compiled code is kept in the directory, under a name that stands for
 * this text alone.
 */
export const run = (
  file: string,
  id: string,
  directory: string | undefined,
  require: (name: string) => unknown
): object => {
  const source = fs.readFileSync(file, "latin1")
  if (!source.startsWith(`/*! ${id} */`)) {
    throw new Error(`${file} has been replaced while this process was running. Start it again.`)
  }
  const name = `${id}-${path.basename(file, ".js")}-${process.version}-${process.arch}-${flagsKey()}.code`
  const kept = directory && path.join(directory, name)
  const cachedData = kept === undefined ? undefined : read(kept)
  const script = new vm.Script(source, { filename: pathToFileURL(file).href, cachedData })
  if (kept !== undefined && (cachedData === undefined || script.cachedDataRejected)) {
    process.once("exit", () => write(kept, () => script.createCachedData()))
  }
  const exports = {}
  script.runInThisContext()(exports, require, dynamicImport, file)
  return exports
}
