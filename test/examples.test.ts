/**
 * Every example, as its reader starts it: a program of its own, against dist/.
 */
import { assert, describe, it } from "@effect/vitest"
import { Array, Data, Deferred, Effect, Order, type Scope } from "effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { PNG } from "pngjs"
import { childrenOf, leavesNothingBehind, temporaryDirectory } from "./support/processes.ts"
import { within } from "./support/waiting.ts"

leavesNothingBehind()

const timeout = 60_000

// ------------------------------------------------------------------------------------------------ running examples

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** An example that runs in a group of processes of its own, as a shell runs it. */
interface Running {
  readonly pid: number
  /** Waits for a text on either output. */
  readonly shown: (pattern: RegExp) => Effect.Effect<void, NeverShown>
  readonly ended: Effect.Effect<Ended>
}

class NeverShown extends Data.TaggedError("NeverShown")<{ readonly message: string }> {}

const signalGroup = (pid: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(-pid, signal)
  } catch {
    return false
  }
}

const start = (example: string, ...args: ReadonlyArray<string>): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const file = fileURLToPath(new URL(`../examples/${example}`, import.meta.url))
      const child = spawn(process.execPath, [file, ...args], {
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
        // Older versions of Node warn of type stripping, in every process.
        env: { ...process.env, NODE_NO_WARNINGS: "1" }
      })
      const ended = Deferred.makeUnsafe<Ended>()
      const watchers = new Set<() => void>()
      let stdout = ""
      let stderr = ""
      const look = () => {
        for (const watcher of watchers) watcher()
      }
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        stdout += text
        look()
      })
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        stderr += text
        look()
      })
      child.once("close", (code, signal) => {
        Deferred.doneUnsafe(ended, Effect.succeed({ code, signal, stdout, stderr }))
        look()
      })
      const shown = (pattern: RegExp) =>
        Effect.callback<void, NeverShown>((resume) => {
          const watcher = () => {
            if (pattern.test(stdout) || pattern.test(stderr)) resume(Effect.void)
            else if (Deferred.isDoneUnsafe(ended)) {
              resume(Effect.fail(new NeverShown({ message: `it ended without ${pattern}:\n${stdout}\n${stderr}` })))
            }
          }
          watchers.add(watcher)
          watcher()
          return Effect.sync(() => watchers.delete(watcher))
        })
      return { pid: child.pid!, shown, ended: Deferred.await(ended) }
    }),
    ({ pid }) => Effect.sync(() => signalGroup(pid, "SIGKILL"))
  )

const run = (example: string, ...args: ReadonlyArray<string>): Effect.Effect<Ended> =>
  Effect.scoped(Effect.flatMap(start(example, ...args), ({ ended }) => ended)).pipe(
    within("50 seconds", `the end of ${example}`)
  )

/** The lines of an example that must succeed, and must not complain. */
const linesOf = Effect.fnUntraced(function*(example: string) {
  const { code, stderr, stdout } = yield* run(`${example}/main.ts`)
  assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
  return stdout.trimEnd().split("\n")
})

const sorted = (lines: ReadonlyArray<string>) => Array.sort(lines, Order.String)
const digits = Array.range(0, 9)

// ------------------------------------------------------------------------------------------------ what they print

describe("the output of", () => {
  it.live("named-processes: MainProcess, ten names with their arguments, end", () =>
    Effect.gen(function*() {
      const lines = yield* linesOf("named-processes")
      assert.strictEqual(lines[0], "MainProcess")
      assert.deepStrictEqual(sorted(lines.slice(1, -1)), digits.map((i) => `test_process_${i} args: ${i}`))
      assert.strictEqual(lines.at(-1), "end")
    }), timeout)

  it.live("subclass: MainProcess, ten default names with their payloads, end", () =>
    Effect.gen(function*() {
      const lines = yield* linesOf("subclass")
      assert.strictEqual(lines[0], "MainProcess")
      assert.deepStrictEqual(sorted(lines.slice(1, -1)), sorted(digits.map((i) => `Process-${i + 1} ${i}`)))
      assert.strictEqual(lines.at(-1), "end")
    }), timeout)
})

describe.concurrent("the output of", () => {
  it.live(
    "pipe: both ends, ten rounds, what was left, end",
    () =>
      Effect.gen(function*() {
        const lines = yield* linesOf("pipe")
        const first = lines.indexOf("0 false")
        const end = lines.indexOf("end")
        const numbers = lines[first + 10]
        assert.deepStrictEqual(lines.slice(first, end), [
          ...digits.map((i) => `${i} false`),
          numbers,
          ...digits.map((i) => `${i * i}`)
        ])
        const [b, a] = numbers!.split(" ").map(Number)
        assert.isTrue(a! >= 3 && b! >= 3 && a !== b, numbers)
        const ends = lines.slice(0, first).join("\n")
        assert.include(ends, "Pipe.left")
        assert.include(ends, "Pipe.right")
        assert.include(lines.slice(end + 1).join("\n"), "Pipe.left")
      }),
    timeout
  )

  it.live(
    "pipe-writers: all messages of both writers, end",
    () =>
      Effect.gen(function*() {
        const lines = yield* linesOf("pipe-writers")
        const of = (log: string) => lines.filter((line) => line.endsWith(`log:${log}`))
        assert.deepStrictEqual(of("a"), [0, 1, 2].map((i) => `msg data:${i},log:a`))
        assert.deepStrictEqual(of("b"), [0, 1, 2].map((i) => `msg data:${i},log:b`))
        assert.strictEqual(lines.indexOf("end"), 6)
        assert.strictEqual(lines.length, 7)
      }),
    timeout
  )

  it.live(
    "producer-consumer: five numbers, put and then got, end",
    () =>
      Effect.gen(function*() {
        const lines = yield* linesOf("producer-consumer")
        assert.deepStrictEqual(
          lines.filter((line) => line.startsWith("put")),
          Array.range(0, 4).map((i) => `put ${i}`)
        )
        assert.deepStrictEqual(
          lines.filter((line) => line.startsWith("get")),
          Array.range(0, 4).map((i) => `get ${i}`)
        )
        for (const i of Array.range(0, 4)) assert.isBelow(lines.indexOf(`put ${i}`), lines.indexOf(`get ${i}`))
        assert.deepStrictEqual(lines.slice(10), ["队列空", "end"])
      }),
    timeout
  )
})

// ------------------------------------------------------------------------------------------------ word-frequency

const write = (directory: string, name: string, text: string) => {
  const file = path.join(directory, name)
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, text)
}

/** 300 files: "the" six hundred times, "fox" three hundred times, and a number of words of each tenth of them. */
const tree = Effect.map(temporaryDirectory, (directory) => {
  const root = path.join(directory, "tree")
  for (let i = 0; i < 300; i++) {
    write(root, `${i % 7}/${i % 3}/${i}.md`, `The fox, the ${"abcdefghij"[i % 10]!.repeat(3)}!\n`)
  }
  write(root, "1/unknown.bin", "the fox")
  return fs.realpathSync(root)
})
const counts = [
  "         600  the",
  "         300  fox",
  ...[..."abcdefghij"].map((letter) => `          30  ${letter.repeat(3)}`)
]
const bytes = 300 * "The fox, the aaa!\n".length

/** The words, files and bytes, as they are printed. */
const countsIn = (stdout: string) => stdout.split("\n").filter((line) => /^ {2}/.test(line))

/** What is said besides how far it is. */
const complaintsIn = (stderr: string) => stderr.split("\n").filter((line) => line !== "" && !/: \d+ % of/.test(line))

const expectCounts = (
  { code, stderr, stdout }: Ended,
  expected: { readonly words: ReadonlyArray<string>; readonly files: number; readonly bytes: number }
) => {
  assert.strictEqual(code, 0, stderr)
  assert.deepStrictEqual(countsIn(stdout), [
    ...expected.words,
    `${expected.files}  files`.padStart(19),
    `${expected.bytes.toLocaleString("en")}  bytes`.padStart(19)
  ])
  assert.include(stdout, "Both give the same counts.\n")
}

describe("word-frequency", () => {
  it.live("counts the words of a directory, and says how far it is", () =>
    Effect.gen(function*() {
      const ended = yield* run("word-frequency/main.ts", yield* tree)
      expectCounts(ended, { words: counts, files: 300, bytes })
      assert.deepStrictEqual(complaintsIn(ended.stderr), [])
      assert.match(ended.stderr, /^\d+ counting processes: 100 % of 300 files$/m)
      // A line for every tenth at most, in each of the two ways.
      assert.isAtMost(ended.stderr.split("\n").length, 21)
    }), timeout)

  it.live("counts one file, whatever its name", () =>
    Effect.gen(function*() {
      const ended = yield* run("word-frequency/main.ts", path.join(yield* tree, "1", "unknown.bin"))
      expectCounts(ended, { words: ["           1  fox", "           1  the"], files: 1, bytes: 7 })
    }), timeout)

  it.live(
    "reports links that lead nowhere, follows the others once, and counts the rest",
    () =>
      Effect.gen(function*() {
        const root = yield* tree
        fs.symlinkSync("..", path.join(root, "1", "up"))
        fs.symlinkSync("0.md", path.join(root, "0", "0", "again.md"))
        fs.symlinkSync("nowhere", path.join(root, "dangling.md"))
        fs.symlinkSync("circle", path.join(root, "circle"))
        const ended = yield* run("word-frequency/main.ts", root)
        expectCounts(ended, { words: counts, files: 300, bytes })
        assert.deepStrictEqual(sorted(complaintsIn(ended.stderr)), [
          `${path.join(root, "circle")}: ELOOP: too many symbolic links encountered`,
          `${path.join(root, "dangling.md")}: ENOENT: no such file or directory`
        ])
      }),
    timeout
  )

  // Permissions do not stop root.
  it.live.skipIf(process.getuid?.() === 0)(
    "reports what it may not read, and counts the rest",
    () =>
      Effect.gen(function*() {
        const root = yield* tree
        write(root, "sealed/inside.md", "hidden")
        write(root, "closed.md", "hidden")
        fs.chmodSync(path.join(root, "sealed"), 0)
        fs.chmodSync(path.join(root, "closed.md"), 0)
        yield* Effect.addFinalizer(() => Effect.sync(() => fs.chmodSync(path.join(root, "sealed"), 0o700)))
        const ended = yield* run("word-frequency/main.ts", root)
        expectCounts(ended, { words: counts, files: 300, bytes })
        assert.deepStrictEqual(sorted(complaintsIn(ended.stderr)), [
          `${path.join(root, "closed.md")}: EACCES: permission denied`,
          `${path.join(root, "sealed")}: EACCES: permission denied`
        ])
      }),
    timeout
  )

  it.live("says in one line what to do about a path that does not exist", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* run("word-frequency/main.ts", "/does/not/exist")
      assert.deepStrictEqual({ code, stdout, lines: stderr.split("\n").length }, { code: 1, stdout: "", lines: 2 })
      assert.match(
        stderr,
        /^Can't count in "\/does\/not\/exist": ENOENT: no such file or directory\. Give another path: /
      )
    }), timeout)
})

// ------------------------------------------------------------------------------------------------ mandelbrot

describe("mandelbrot", () => {
  it.live("paints a picture, and says how long it took with all workers and with one", () =>
    Effect.gen(function*() {
      const file = path.join(yield* temporaryDirectory, "picture.png")
      const { code, stderr, stdout } = yield* run("mandelbrot/main.ts", file)
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
      assert.match(stdout, /^Painting 1200 x 800 pixels in 100 bands\n(\d+ workers?) +\d+\.\d\d s to paint, after /)
      assert.match(stdout, /^1 worker +\d+\.\d\d s to paint, after \d+\.\d\d s to start$/m)
      assert.match(stdout, /^With \d+ it was \d+\.\d\d times as fast, and both painted the same\.$/m)
      assert.strictEqual(stdout.trimEnd().split("\n").at(-1), `The picture: ${file}`)

      const { data, height, width } = PNG.sync.read(fs.readFileSync(file))
      const pixel = (x: number, y: number) => [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4)]
      assert.deepStrictEqual([width, height], [1200, 800])
      // The set itself is black, what is far from it is not, and above and below are alike.
      assert.deepStrictEqual(pixel(700, 400), [0, 0, 0, 255])
      assert.notDeepEqual(pixel(10, 10), [0, 0, 0, 255])
      assert.deepStrictEqual(pixel(600, 400 - 150), pixel(600, 400 + 150))
    }), timeout)

  it.live("says in one line that it can't write the picture", () =>
    Effect.gen(function*() {
      const { code, stderr } = yield* run("mandelbrot/main.ts", "/does/not/exist.png")
      assert.strictEqual(code, 1)
      assert.match(stderr, /^Can't write the picture: .*\n$/)
    }), timeout)
})

// ------------------------------------------------------------------------------------------------ log-report

describe("log-report", () => {
  it.live("reports on the lines of all files below a path", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const line = "ERROR: see https://example.com/1 and https://example.org/2"
      // Larger than what is read at a time, with lines that go across.
      write(root, "a/large.log", `${line}\n`.repeat(10_000))
      const end = "a warning, a second warning\n\nno newline at the end: http://example.org"
      write(root, "b.log", end)
      write(root, "long.txt", "x".repeat(3_000_000))
      write(root, "empty.md", "")
      write(root, "picture.png", "error")
      const { code, stderr, stdout } = yield* run("log-report/main.ts", root)
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
      const characters = 10_000 * (line.length + 1) + end.length + 3_000_000
      const rows = stdout.split("\n").filter((line) => line.startsWith("  ")).map((line) => line.trim())
      assert.deepStrictEqual(rows.slice(0, -1), [
        "4  files",
        // A line that is too long is cut.
        "10,006  lines",
        `${characters.toLocaleString("en")}  characters`,
        `10,000  lines with "error"`,
        `1  lines with "warning"`,
        `0  lines with "deprecated"`,
        `0  lines with "todo"`,
        "2  hosts are linked to, most often",
        "10,001  example.org",
        "10,000  example.com"
      ])
      assert.match(rows.at(-1)!, /^1,\d{3},\d{3} {2}characters in the longest line: .*long\.txt$/)
      assert.match(stdout, /^Peak memory: \d+ MB here, \d+ MB(?: and \d+ MB)* in the workers$/m)
    }), timeout)

  it.live("needs no more memory for a hundred megabytes than for some", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* run("log-report/main.ts")
      assert.strictEqual(code, 0)
      const characters = Number(/([\d,]+) {2}characters\n/.exec(stdout)![1]!.replaceAll(",", ""))
      assert.isAbove(characters, 50_000_000)
      const [, here] = /^Peak memory: (\d+) MB here/m.exec(stdout)!
      assert.isBelow(Number(here), 400)
    }), timeout)
})

// ------------------------------------------------------------------------------------------------ resilient-crawl

describe("resilient-crawl", () => {
  it.live("reads what can be read, and says of each other page why it can't", () =>
    Effect.gen(function*() {
      const lines = yield* linesOf("resilient-crawl")
      assert.match(lines[0]!, /^Crawling http:\/\/127\.0\.0\.1:\d+ with 4 workers, at most 7 seconds a page$/)
      assert.match(lines[1]!, /^28 pages were read, with [\d,]+ characters$/)
      assert.deepStrictEqual(lines.slice(2, 8), [
        "  GET /missing   the server says 404",
        "  GET /nested    gave no result within 7 seconds",
        "  GET /poison    Signaled, and has ended 2 workers",
        "  GET /silent    no answer within 2 seconds",
        "  POST /abort    Signaled, exit code -9; not tried again",
        "  POST /exit     Exited, exit code 3; not tried again"
      ])
      assert.deepStrictEqual(sorted(lines.slice(8, 10)), [
        "  GET /poison    was asked for 2 times",
        "  GET /unlucky   was asked for 2 times"
      ])
      assert.match(lines[10]!, /^Tasks: 28 succeeded, [23] failed or were interrupted; [56] workers were lost$/)
      assert.match(lines[11]!, /^The pool has [1-4] workers, and goes on$/)
    }), timeout)
})

// ------------------------------------------------------------------------------------------------ all of them

describe("all examples", () => {
  it.live("run one after the other", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* run("main.ts", "pipe-writers", "subclass")
      assert.strictEqual(code, 0)
      assert.match(stdout, /=== pipe-writers\n(msg.*\n){6}end\n\n=== subclass\nMainProcess\n(Process.*\n){10}end\n$/)
    }), timeout)

  it.live("says which examples there are", () =>
    Effect.gen(function*() {
      const { code, stderr } = yield* run("main.ts", "pip")
      assert.strictEqual(code, 1)
      assert.match(
        stderr,
        /^There is no example "pip". There are: named-processes, .*word-frequency, mandelbrot, log-report, resilient-crawl\n$/
      )
    }), timeout)

  it.live("end with the exit code of the first that fails", () =>
    Effect.gen(function*() {
      const all = yield* start("main.ts")
      yield* within("20 seconds", "its first line")(all.shown(/MainProcess\n/))
      for (const pid of childrenOf(all.pid)) process.kill(pid, "SIGINT")
      const { code, stderr, stdout } = yield* within("10 seconds", "its end")(all.ended)
      assert.deepStrictEqual({ code, stderr }, { code: 130, stderr: "named-processes ended with exit code 130\n" })
      assert.deepStrictEqual(stdout.match(/^===.*/gm), ["=== named-processes"])
    }), timeout)
})

// ------------------------------------------------------------------------------------------------ Ctrl-C

describe("Ctrl-C", () => {
  const both = ["the group", "the process"] as const
  const inTheMiddle = [
    ["main.ts", /test_process_\d/, both],
    ["named-processes/main.ts", /test_process_\d/, both],
    ["subclass/main.ts", /MainProcess/, both],
    ["pipe/main.ts", /^0 false$/m, ["the group"]],
    ["producer-consumer/main.ts", /get 0/, ["the group"]],
    ["word-frequency/main.ts", /counting processes: \d+ %/, both],
    ["mandelbrot/main.ts", /Painting/, both],
    ["log-report/main.ts", /Reading/, both],
    ["resilient-crawl/main.ts", /Crawling/, both]
  ] as const

  for (const [example, moment, receivers] of inTheMiddle) {
    // At a terminal it reaches the whole group; `kill -INT` reaches the one process.
    for (const receiver of receivers) {
      it.live(`${example}: ${receiver}`, () =>
        Effect.gen(function*() {
          const running = yield* start(example)
          yield* within("30 seconds", `${moment}`)(running.shown(moment))
          process.kill(receiver === "the group" ? -running.pid : running.pid, "SIGINT")
          const { code, signal, stderr, stdout } = yield* within("10 seconds", "its end")(running.ended)
          assert.deepStrictEqual({ code, signal }, { code: 130, signal: null })
          assert.isFalse(signalGroup(running.pid, 0), "no process of its group is left")
          assert.notMatch(stdout, /^end$/m)
          assert.deepStrictEqual(complaintsIn(stderr), [])
        }), timeout)
    }
  }
})
