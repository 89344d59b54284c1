import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import * as Mp from "../src/index.ts"
import { makeHidden } from "./fixtures/process/broken/hidden.ts"
import { one } from "./fixtures/process/broken/twins.ts"
import { double } from "./fixtures/process/double.ts"
import { Reports } from "./fixtures/process/reports.ts"
import { sleeper } from "./fixtures/process/sleeper.ts"
import { inProcesses, nothingReported } from "./support/inProcesses.ts"
import {
  isRunning,
  leavesNothingBehind,
  processesOf,
  runProgram,
  temporaryDirectory,
  temporaryModuleDirectory
} from "./support/processes.ts"

leavesNothingBehind()

const fixture = (file: string) => new URL(`./fixtures/process/${file}`, import.meta.url)
const program = (file: string) => fixture(`programs/${file}`)

const importing = (module: string | URL) => Mp.Target.make("work", { module }, () => Effect.void)

/** Starting fails with this reason; nothing runs afterwards; the message has one line. */
const failure = <P, A, E>(
  target: Mp.Target.Target<P, A, E, Reports>,
  reason: Mp.SpawnError["reason"],
  ...args: Mp.Process.Args<P>
) =>
  Effect.gen(function*() {
    const process = yield* Mp.Process.make(target, ...args)
    const error = yield* Effect.flip(process.start)
    assert.instanceOf(error, Mp.SpawnError)
    assert.strictEqual((error as Mp.SpawnError).reason, reason)
    assert.notInclude(error.message, "\n")
    assert.deepStrictEqual(yield* Mp.activeChildren, [])
    const pid = yield* process.pid
    if (Option.isSome(pid)) assert.isFalse(isRunning(pid.value))
    return { error: error as Mp.SpawnError, message: error.message, process, pid }
  })

describe("a process does not start, and its failure says what to do", () => {
  it.live(
    "when there is no such module",
    inProcesses(Effect.gen(function*() {
      const { message } = yield* failure(importing("file:///nowhere/tasks.ts"), "ModuleNotFound")
      assert.match(
        message,
        /^Process-1 was not started: the module of target "work" was not found: .*'\/nowhere\/tasks\.ts'/
      )
    }))
  )

  it.live(
    "when the module is neither a URL nor an absolute path: then nothing was started",
    inProcesses(Effect.gen(function*() {
      for (const module of ["./tasks.ts", "tasks", ""]) {
        const { message, pid } = yield* failure(importing(module), "InvalidModule")
        assert.include(message, `was not started: the module of target "work" is "${module}". Give import.meta.url of`)
        assert.deepStrictEqual(pid, Option.none())
      }
    }))
  )

  it.live(
    "when the module throws: the failure has its message, and the child's stack",
    inProcesses(Effect.gen(function*() {
      const module = fixture("broken/throws.ts")
      const { error, message } = yield* failure(importing(module), "ModuleFailed")
      assert.strictEqual(
        message,
        `Process-1 was not started: importing ${module.href} failed in the child: this module refuses`
      )
      const cause = error.cause as Error
      assert.instanceOf(cause, Error)
      assert.strictEqual(cause.name, "TypeError")
      assert.strictEqual(cause.message, "this module\nrefuses")
      assert.match(cause.stack!, /at refuse \(.*broken\/throws\.ts:3:9\)/)
    }))
  )

  it.live(
    "when something that the module has started fails before the module is imported",
    inProcesses(Effect.gen(function*() {
      const { error, message } = yield* failure(importing(fixture("broken/rejects.ts")), "ModuleFailed")
      assert.match(message, /broken\/rejects\.ts failed in the child: nobody waits for this$/)
      assert.strictEqual((error.cause as Error).name, "RangeError")
    }))
  )

  it.live(
    "when a module that the module imports does not exist: that is not the module of the target",
    inProcesses(Effect.gen(function*() {
      const { message } = yield* failure(importing(fixture("broken/importsNothing.ts")), "ModuleFailed")
      assert.match(message, /importsNothing\.ts failed in the child: Cannot find module '.*thereIsNone\.ts'/)
    }))
  )

  it.live(
    "when the module calls process.exit",
    inProcesses(Effect.gen(function*() {
      const module = fixture("broken/exits.ts")
      const { message, process } = yield* failure(importing(module), "EndedEarly")
      assert.strictEqual(
        message,
        `Process-1 ended while it was importing ${module.href}: it ended with exit code 7`
      )
      assert.deepStrictEqual(yield* process.exitCode, Option.some(7))
    }))
  )

  it.live(
    "when the child is killed while it imports",
    inProcesses(Effect.gen(function*() {
      const { message, process } = yield* failure(importing(fixture("broken/killsItself.ts")), "EndedEarly")
      assert.match(message, /^Process-1 ended while it was importing .*: it was ended by SIGKILL/)
      assert.deepStrictEqual(yield* process.exitCode, Option.some(-9))
    }))
  )

  it.live(
    "when the module defines the target only under some condition",
    inProcesses(Effect.gen(function*() {
      const module = fixture("broken/hidden.ts").href
      const { message } = yield* failure(makeHidden(), "TargetNotFound")
      assert.strictEqual(
        message,
        `Process-1 was not started: ${module} defines no target "hidden" when it is imported (it defines "visible"). ` +
          `Define it with Target.make at the top level of that module, with module: import.meta.url.`
      )
    }))
  )

  it.live(
    "when the module defines no targets at all, or is another one than the target says",
    inProcesses(Effect.gen(function*() {
      const { message } = yield* failure(importing(fixture("broken/empty.ts")), "TargetNotFound")
      assert.include(message, `defines no target "work" when it is imported (it defines no targets).`)
    }))
  )

  it.live(
    "when the module defines two targets of the same name",
    inProcesses(Effect.gen(function*() {
      const { message } = yield* failure(one, "TargetAmbiguous")
      assert.strictEqual(
        message,
        `Process-1 was not started: ${fixture("broken/twins.ts").href} defines several targets named "twin". ` +
          `Give each target of a module a name of its own.`
      )
    }))
  )

  it.live(
    "BOOT-19 when the payload does not fit its schema: then nothing was started, and it can be tried again",
    inProcesses(Effect.gen(function*() {
      const { message, pid, process } = yield* failure(double, "InvalidPayload", "two" as never)
      assert.match(
        message,
        /^Process-1 was not started: the payload does not fit the schema of target "double": Expected number/
      )
      assert.deepStrictEqual(pid, Option.none())
      const again = yield* Effect.flip(process.start)
      assert.strictEqual((again as Mp.SpawnError).reason, "InvalidPayload")
    }))
  )

  it.live(
    "when an object that it inherits is closed: then nothing was started",
    inProcesses(Effect.gen(function*() {
      yield* Effect.flatMap(Reports, (reports) => reports.close)
      const { error, message, pid } = yield* failure(sleeper, "HandOverFailed")
      assert.instanceOf(error.cause, Mp.Closed)
      assert.match(
        message,
        /an object that target "sleeper" inherits could not be handed over: test\/Reports is closed/
      )
      assert.deepStrictEqual(pid, Option.none())
    }))
  )

  it.live(
    "and its join tells the exit code of what was started",
    inProcesses(Effect.gen(function*() {
      const { process } = yield* failure(importing(fixture("broken/exits.ts")), "EndedEarly")
      assert.deepStrictEqual(
        yield* Effect.exit(process.join()),
        Exit.fail(new Mp.ProcessExited({ process: "Process-1", exitCode: 7 }))
      )
    }))
  )

  it.live(
    "and no process, socket or file of any of them is left, whatever the reason was",
    Effect.fnUntraced(function*() {
      const directory = yield* temporaryDirectory
      const { code, stderr, stdout } = yield* runProgram(program("startFailures.ts"), { env: { TMPDIR: directory } })
      assert.strictEqual(stderr, "")
      assert.deepStrictEqual(stdout.trim().split("\n"), [
        "throws.ts: SpawnError ModuleFailed",
        "rejects.ts: SpawnError ModuleFailed",
        "exits.ts: SpawnError EndedEarly",
        "killsItself.ts: SpawnError EndedEarly",
        "empty.ts: SpawnError TargetNotFound",
        "thereIsNone.ts: SpawnError ModuleNotFound",
        "Process-7 was not started: the interpreter could not be started: spawn /nowhere/node ENOENT",
        "in time: TimeoutError ",
        "closed queue: SpawnError HandOverFailed"
      ])
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(processesOf(directory), [])
      assert.deepStrictEqual(fs.readdirSync(directory), [])
    })
  )
})

describe("a main program that runs wherever its module is imported", () => {
  const advice =
    /Run the main program with runMain \(which does nothing in a child\), or under `if \(import\.meta\.main\)`/

  it.live.each(["unguardedAwaited.ts", "unguardedFloating.ts", "unguardedLater.ts", "unguardedPlatformMain.ts"])(
    "BOOT-08 fails with advice, and starts no more than one child: %s",
    Effect.fnUntraced(function*(file: string) {
      const directory = yield* temporaryDirectory
      const evaluations = path.join(directory, "evaluations")
      const { code, stderr, stdout } = yield* runProgram(program(file), {
        env: { TMPDIR: directory, EVALUATIONS: evaluations }
      })
      assert.strictEqual(code, 1)
      assert.match(`${stdout}${stderr}`, advice)
      if (file !== "unguardedPlatformMain.ts") assert.strictEqual(stdout, "")
      assert.strictEqual(fs.readFileSync(evaluations, "utf8"), "xx")
      assert.deepStrictEqual(fs.readdirSync(directory), ["evaluations"])
      assert.deepStrictEqual(processesOf(directory), [])
    })
  )
})

describe("target and main program can stand", () => {
  const prints49 = (file: string | URL, options: Parameters<typeof runProgram>[1] = {}) =>
    Effect.map(
      runProgram(file, options),
      ({ code, stderr, stdout }) =>
        assert.deepStrictEqual({ code, stdout, stderr }, { code: 0, stdout: "49\n", stderr: "" })
    )

  /** A program outside of this repository's own folders that needs nothing but absolute names. */
  const source = fs.readFileSync(program("guarded.ts"), "utf8")
    .replace("../../../../src/index.ts", pathToFileURL(path.resolve("src/index.ts")).href)

  it.live("BOOT-13 BOOT-18 in one TypeScript module, guarded by runMain", () => prints49(program("guarded.ts")))

  it.live.skipIf(Number.parseInt(process.versions.node) < 24)(
    "BOOT-13 in one TypeScript module, guarded by import.meta.main",
    () => prints49(program("guardedByMeta.ts"))
  )

  it.live("BOOT-13 in one JavaScript module", () => prints49(program("plain.mjs")))

  it.live("BOOT-13 in one CommonJS module, known by its path", () => prints49(program("common.cjs")))

  it.live(
    "BOOT-13 in a module whose path has spaces and letters of every kind; the child's argv names it",
    Effect.fnUntraced(function*() {
      const directory = path.join(yield* temporaryModuleDirectory, "with space", "größe #1 100%", "日本")
      fs.mkdirSync(directory, { recursive: true })
      const file = path.join(directory, "main program.ts")
      fs.writeFileSync(
        file,
        source.replace(
          "(n) => Effect.succeed(n * n)",
          "(n) => Effect.succeed(process.argv[1] === " +
            `${JSON.stringify(file)} ? n * n : -1)`
        )
      )
      yield* prints49(file)
    })
  )

  it.live(
    "BOOT-13 in a module that is reached through a symbolic link",
    Effect.fnUntraced(function*() {
      const directory = yield* temporaryModuleDirectory
      fs.writeFileSync(path.join(directory, "real.ts"), source)
      fs.mkdirSync(path.join(directory, "elsewhere"))
      const link = path.join(directory, "elsewhere", "link.ts")
      fs.symlinkSync(path.join(directory, "real.ts"), link)
      yield* prints49(link)
      yield* prints49(link, { flags: ["--preserve-symlinks", "--preserve-symlinks-main"] })
    })
  )

  it.live(
    "BOOT-13 in a module without a suffix",
    Effect.fnUntraced(function*() {
      const directory = yield* temporaryModuleDirectory
      const file = path.join(directory, "main")
      fs.copyFileSync(program("plain.mjs"), file)
      fs.writeFileSync(
        file,
        fs.readFileSync(file, "utf8").replace(
          "../../../../src/index.ts",
          pathToFileURL(path.resolve("src/index.ts")).href
        )
      )
      yield* prints49(file)
    })
  )

  it.live(
    "BOOT-14 in a project that has the library behind symbolic links in node_modules, as pnpm makes them",
    Effect.fnUntraced(function*() {
      const directory = yield* temporaryModuleDirectory
      const store = path.join(directory, "node_modules", ".pnpm", "library@1.0.0", "node_modules")
      fs.mkdirSync(store, { recursive: true })
      fs.symlinkSync(path.resolve("."), path.join(store, "effect-multiprocessing"))
      fs.symlinkSync(
        path.join(store, "effect-multiprocessing"),
        path.join(directory, "node_modules", "effect-multiprocessing")
      )
      const file = path.join(directory, "main.ts")
      fs.writeFileSync(file, source.replace(pathToFileURL(path.resolve("src/index.ts")).href, "effect-multiprocessing"))
      yield* prints49(file, { flags: ["--conditions=@effect-multiprocessing/source"] })
    })
  )
})

describe("a child gets the flags of its parent", () => {
  const forStart = "--min-semi-space-size=4"
  const flagsOfChild = (...flags: ReadonlyArray<string>) =>
    Effect.map(runProgram(program("flags.ts"), { flags }), ({ stdout }) => JSON.parse(stdout) as Array<string>)

  it.live(
    "BOOT-09 that say how Node works",
    Effect.fnUntraced(function*() {
      const flags = [
        "--no-warnings",
        "--stack-size=2000",
        "--import",
        "data:text/javascript,globalThis.loaded=1",
        "-C",
        "x"
      ]
      assert.deepStrictEqual(yield* flagsOfChild(...flags), [...flags, forStart])
    })
  )

  it.live(
    "and one that makes its start quicker, unless its parent has its own wish",
    Effect.fnUntraced(function*() {
      assert.deepStrictEqual(yield* flagsOfChild(), [forStart])
      for (const flag of ["--min-semi-space-size=1", "--max_semi_space_size=2"]) {
        assert.deepStrictEqual(yield* flagsOfChild(flag), [flag])
      }
      const { stdout } = yield* runProgram(program("flags.ts"), { env: { NODE_OPTIONS: "--max-semi-space-size=2" } })
      assert.deepStrictEqual(JSON.parse(stdout), [])
    })
  )

  it.live(
    "BOOT-09 but not those that say how it is watched, or what it runs",
    Effect.fnUntraced(function*() {
      assert.deepStrictEqual(
        yield* flagsOfChild("--inspect=127.0.0.1:0", "--no-warnings", "--inspect-publish-uid=http"),
        ["--no-warnings", forStart]
      )
      const { code, stderr, stdout } = yield* runProgram("--eval", {
        flags: ["--input-type=module", "--no-warnings"],
        args: [`import(${JSON.stringify(program("flags.ts").href)})`]
      })
      assert.strictEqual(stderr, "")
      assert.strictEqual(code, 0)
      assert.include(stdout, JSON.stringify(["--no-warnings", forStart]))
    })
  )
})

describe("the way to start a process", () => {
  it.live(
    "BOOT-01 is a layer: another one is asked for the module and the target",
    inProcesses(Effect.gen(function*() {
      const { spawn } = yield* Mp.Spawner.Spawner
      const asked: Array<string> = []
      const spawner = yield* Mp.Spawner.make((request) => {
        asked.push(`${path.basename(fileURLToPath(request.module))} ${request.target} ${request.stdout}`)
        return spawn(request)
      })
      const doubled = Mp.Process.run(double, 21, { stdout: "ignore" })
      assert.strictEqual(yield* Effect.provideService(doubled, Mp.Spawner.Spawner, spawner), 42)
      assert.deepStrictEqual(asked, ["double.ts double ignore"])
      yield* nothingReported
    }))
  )
})
