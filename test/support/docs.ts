/**
 * The programs of the documentation: every `ts` block of README.md and docs/, and every example of a doc comment in src/.
 *
 * Each is written to a file of its own inside the repository, so that "effect-multiprocessing" resolves to src/, then type
 * checked together with the others and run by itself.
 */
import { execFile, spawn } from "node:child_process"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { promisify } from "node:util"

const root = path.dirname(path.dirname(import.meta.dirname))

/** One block of code. */
export interface Block {
  /** Where it stands, relative to the repository. */
  readonly file: string
  /** The line of its first line of code. */
  readonly line: number
  /** The heading above it, or the title of the example. */
  readonly title: string
  readonly code: string
  /** Marked `ts no-run`: it is only type checked. */
  readonly runs: boolean
}

/** What a program may take before it is ended. */
const deadline = 60_000

/** How many programs run at a time. */
const concurrency = 2

const fence = /^```ts( no-run)?$/

const parseMarkdown = (file: string, text: string): Array<Block> => {
  const blocks: Array<Block> = []
  let title = ""
  let open: { readonly line: number; readonly runs: boolean; readonly code: Array<string> } | undefined
  let other = false
  for (const [index, line] of text.split("\n").entries()) {
    if (open !== undefined) {
      if (line !== "```") {
        open.code.push(line)
        continue
      }
      blocks.push({ file, title, line: open.line, runs: open.runs, code: open.code.join("\n") })
      open = undefined
      continue
    }
    const start = other ? null : fence.exec(line)
    if (start !== null) open = { line: index + 2, runs: start[1] === undefined, code: [] }
    else if (line.startsWith("```")) other = !other
    else if (!other) title = /^#+ (.*)$/.exec(line)?.[1] ?? title
  }
  return blocks
}

const parseSource = (file: string, text: string): Array<Block> => {
  const blocks: Array<Block> = []
  let title: string | undefined
  let open: { readonly line: number; readonly runs: boolean; readonly code: Array<string> } | undefined
  for (const [index, line] of text.split("\n").entries()) {
    const comment = /^ \* ?(.*)$/.exec(line)?.[1]
    if (comment === undefined) {
      title = open = undefined
      continue
    }
    if (open !== undefined) {
      if (comment !== "```") {
        open.code.push(comment)
        continue
      }
      blocks.push({ file, title: title!, line: open.line, runs: open.runs, code: open.code.join("\n") })
      open = undefined
      continue
    }
    const start = title === undefined ? null : fence.exec(comment)
    if (start !== null) open = { line: index + 2, runs: start[1] === undefined, code: [] }
    else title = /^\*\*Example\*\* \((.*)\)$/.exec(comment)?.[1] ?? title
  }
  return blocks
}

const list = async (directory: string, extension: string): Promise<Array<string>> => {
  const names = await fs.readdir(path.join(root, directory), { recursive: true })
  return names.filter((name) => name.endsWith(extension)).sort().map((name) => path.posix.join(directory, name))
}

/** All blocks, in the order of their files and lines. */
export const findBlocks = async (): Promise<Array<Block>> => {
  const blocks: Array<Block> = []
  for (const file of ["README.md", ...await list("docs", ".md"), ...await list("src", ".ts")]) {
    const text = await fs.readFile(path.join(root, file), "utf8")
    blocks.push(...(file.endsWith(".md") ? parseMarkdown(file, text) : parseSource(file, text)))
  }
  return blocks
}

/**
 * The results that a block promises: the texts of its comments `// => text`, each a whole line of the output.
 */
export const expectedLines = (code: string): Array<string> =>
  Array.from(code.matchAll(/(?:^|\s)\/\/ => (.*)$/gm), (match) => match[1]!.trim())

/** The first promised line that does not stand in the output behind the ones before it. */
export const firstMissing = (expected: ReadonlyArray<string>, output: string): string | undefined => {
  const lines = output.split("\n").map((line) => line.trim())
  let next = 0
  return expected.find((text) => {
    const found = lines.indexOf(text, next)
    next = found + 1
    return found === -1
  })
}

/** What a program did. */
export interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** The blocks as files. */
export interface Workspace {
  /** What the compiler says of a block; nothing if all is well. */
  readonly diagnosticsOf: (block: Block) => string
  readonly run: (block: Block) => Promise<Outcome>
  readonly remove: () => Promise<void>
}

/** The compiler reports these itself, and only its own reports can be expected with `@ts-expect-error`. */
const plugins = [{
  name: "@effect/language-service",
  diagnosticSeverity: { globalErrorInEffectFailure: "off", missingEffectContext: "off", missingEffectError: "off" },
  includeSuggestionsInTsc: false
}]

const nameOf = ({ file, line }: Block) => `${file.replaceAll(/[/.]/g, "-")}-${line}.ts`

/** Writes the blocks and type checks them. */
export const makeWorkspace = async (blocks: ReadonlyArray<Block>): Promise<Workspace> => {
  const parent = path.join(root, ".tmp")
  await fs.mkdir(parent, { recursive: true })
  const directory = await fs.mkdtemp(path.join(parent, "docs-"))
  await fs.writeFile(
    path.join(directory, "tsconfig.json"),
    JSON.stringify({ extends: "../../tsconfig.json", compilerOptions: { plugins }, include: ["*.ts"] })
  )
  for (const block of blocks) await fs.writeFile(path.join(directory, nameOf(block)), `${block.code}\n`)

  const remove = async () => {
    await fs.rm(directory, { recursive: true, force: true })
    // Another run may have blocks of its own there.
    await fs.rmdir(parent).catch(() => {})
  }
  const diagnostics = await typeCheck(directory).catch(async (error) => {
    await remove()
    throw error
  })

  let running = 0
  const waiting: Array<() => void> = []
  return {
    diagnosticsOf: (block) => diagnostics.get(nameOf(block)) ?? "",
    run: async (block) => {
      if (running === concurrency) await new Promise<void>((resolve) => waiting.push(resolve))
      else running++
      try {
        return await run(directory, nameOf(block))
      } finally {
        const next = waiting.shift()
        if (next === undefined) running--
        else next()
      }
    },
    remove
  }
}

/** What `npm run check` would say, by file. */
const typeCheck = async (directory: string): Promise<Map<string, string>> => {
  const bin = path.join(root, "node_modules", "@effect", "tsgo", "dist", "effect-tsgo.cjs")
  const { stdout: compiler } = await promisify(execFile)(process.execPath, [bin, "get-exe-path"])
  const diagnostics = new Map<string, string>()
  try {
    await promisify(execFile)(compiler.trim(), ["-p", ".", "--pretty", "false"], { cwd: directory, timeout: deadline })
  } catch (error) {
    let file: string | undefined
    for (const line of (error as { readonly stdout?: string }).stdout?.trimEnd().split("\n") ?? []) {
      file = /^(\S+\.ts)\(\d+,\d+\): /.exec(line)?.[1] ?? file
      if (file === undefined) break
      diagnostics.set(file, `${diagnostics.get(file) ?? ""}${line}\n`)
    }
    // Not about a block: the compiler could not do its work.
    if (diagnostics.size === 0) throw error
  }
  return diagnostics
}

const run = (directory: string, file: string): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--conditions=@effect-multiprocessing/source", file], {
      cwd: directory,
      stdio: ["ignore", "pipe", "pipe"]
    })
    let stdout = ""
    let stderr = ""
    child.stdout.setEncoding("utf8").on("data", (chunk) => stdout += chunk)
    child.stderr.setEncoding("utf8").on("data", (chunk) => stderr += chunk)
    // The guard of the program ends its children.
    const timer = setTimeout(() => child.kill("SIGKILL"), deadline)
    child.once("error", reject)
    child.once("close", (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, stdout, stderr })
    })
  })
