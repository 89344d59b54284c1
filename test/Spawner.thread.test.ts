import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option, Scope, Stream } from "effect"
import * as Mp from "../src/index.ts"
import { one } from "./fixtures/process/broken/twins.ts"
import { holdsOn } from "./fixtures/process/holdsOn.ts"
import { nest } from "./fixtures/process/nest.ts"
import { patient, Question } from "./fixtures/process/patient.ts"
import { sleeper } from "./fixtures/process/sleeper.ts"
import { spinner } from "./fixtures/process/spinner.ts"
import { prints, printsMuch, shouts, writesMuch } from "./fixtures/process/stdio.ts"
import { childrenSuite } from "./suites/children.ts"
import { processSuite } from "./suites/processes.ts"
import { closed, command, inProcessesOf, isInvalid, nextReport, pidOf, reported, shown } from "./support/inProcesses.ts"
import { childrenOf, commandOf, isRunning, leavesNothingBehind, untilGone } from "./support/processes.ts"
import { spawners } from "./support/spawners.ts"
import { within } from "./support/waiting.ts"

leavesNothingBehind()

processSuite(...spawners.thread)
childrenSuite(...spawners.thread)

const inThreads = inProcessesOf(spawners.thread[1])

describe("a thread has no signals", () => {
  it.live(
    "terminate and kill fail with Unsupported, which says what to do, and the thread goes on",
    inThreads(
      Effect.gen(function*() {
        const process = yield* Mp.Process.spawn(patient)
        const question = yield* Question.left
        yield* question.recv()
        const terminated = yield* Effect.flip(process.terminate)
        assert.instanceOf(terminated, Mp.Unsupported)
        assert.strictEqual(
          terminated.message,
          "Process-1: SIGTERM is not supported here: a thread has no signals. Use interrupt, or close the scope."
        )
        const killed = yield* Effect.flip(process.kill)
        assert.instanceOf(killed, Mp.Unsupported)
        assert.strictEqual(
          killed.message,
          "Process-1: SIGKILL is not supported here: a thread has no signals. Use interrupt, or close the scope."
        )
        assert.isTrue(yield* process.isAlive)
        yield* question.send("still here")
        assert.strictEqual(yield* process.join(), "still here!")
      }).pipe(Effect.provide(Question.layer))
    )
  )

  it.live(
    "interrupt does nothing to one in a synchronous loop, and the end of its scope ends it",
    inThreads(Effect.gen(function*() {
      const scope = yield* Scope.make()
      const process = yield* Scope.provide(Mp.Process.spawn(spinner, undefined, { gracePeriod: 0 }), scope)
      yield* reported("running")
      yield* command("spin")
      yield* reported("spinning")
      yield* process.interrupt
      assert.instanceOf(yield* Effect.flip(process.join({ timeout: "100 millis" })), Mp.TimedOut)
      const joining = yield* Effect.forkChild(Effect.flip(process.join()), { startImmediately: true })
      yield* closed(scope, Exit.fail("an error"))
      assert.deepStrictEqual(shown(process).exitCode, "-SIGKILL")
      const error = yield* Fiber.join(joining)
      assert.strictEqual(error.message, "Process-1 was ended by SIGKILL before its target had a result.")
    }))
  )
})

describe("a thread that is ended by force", () => {
  it.live(
    "takes its children with it",
    inThreads(Effect.gen(function*() {
      const scope = yield* Scope.make()
      yield* Scope.provide(Mp.Process.spawn(holdsOn, undefined, { gracePeriod: 0 }), scope)
      const lines = [yield* nextReport, yield* nextReport].sort()
      assert.strictEqual(lines[1], "running")
      const child = Number(lines[0]!.replace("child ", ""))
      assert.isTrue(isRunning(child))
      yield* command("spin")
      yield* reported("spinning")
      yield* closed(scope, Exit.fail("an error"))
      yield* untilGone([child])
    }))
  )
})

describe("what a thread shares with its parent", () => {
  it.live(
    "the pid; and its own children are processes",
    inThreads(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(nest, 1)
      assert.strictEqual(yield* pidOf(process), globalThis.process.pid)
      const [thread, child] = yield* process.join()
      assert.strictEqual(thread!.pid, globalThis.process.pid)
      assert.notStrictEqual(child!.pid, globalThis.process.pid)
      assert.strictEqual(child!.parentPid, globalThis.process.pid)
    }))
  )

  it.live(
    "the process of the operating system: none is started",
    inThreads(Effect.gen(function*() {
      yield* Mp.Process.spawn(sleeper, undefined, { daemon: true })
      yield* reported("running")
      // A guard watches over the socket of the hub.
      const children = childrenOf(process.pid).map(commandOf)
      assert.deepStrictEqual(children.filter((command) => !command.startsWith("/bin/sh")), [])
    }))
  )
})

describe("the standard streams of a thread", () => {
  const textOf = <E>(stream: Stream.Stream<Uint8Array, E>) => Stream.mkString(Stream.decodeText(stream))
  const much = 8 * 1024 * 1024

  it.live(
    "are streams when they are piped, also after its end",
    inThreads(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(prints, undefined, { stdout: "pipe", stderr: "pipe" })
      yield* process.join()
      assert.strictEqual(yield* textOf(process.stdout), "to stdout: grüße\n")
      assert.strictEqual(yield* textOf(process.stderr), "to stderr\n")
    }))
  )

  it.live(
    "deliver every byte of a long output",
    inThreads(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(writesMuch, much, { stdout: "pipe" })
      const length = yield* Stream.runFold(process.stdout, () => 0, (length, chunk) => length + chunk.length)
      assert.strictEqual(length, much)
      assert.strictEqual(yield* process.join(), "written")
    }))
  )

  it.live(
    "deliver every byte that was printed before the target was over",
    inThreads(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(printsMuch, much, { stdout: "pipe" })
      const length = yield* Stream.runFold(process.stdout, () => 0, (length, chunk) => length + chunk.length)
      assert.strictEqual(length, much + 1)
      yield* process.join()
    }))
  )

  it.live(
    "can be written to: what is piped into it comes out at the other end",
    inThreads(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(shouts, undefined, { stdin: "pipe", stdout: "pipe" })
      yield* Stream.run(Stream.make("hello ", new TextEncoder().encode("world\n")), yield* process.stdin)
      assert.strictEqual(yield* textOf(process.stdout).pipe(within("10 seconds", "the output")), "HELLO WORLD\n")
      yield* process.join()
    }))
  )

  it.live(
    "that are not piped can't be read, and what is ignored keeps nobody waiting",
    inThreads(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(writesMuch, much, { stdout: "ignore", stderr: "ignore" })
      yield* isInvalid(Stream.runDrain(process.stdout), "NotPiped")
      yield* isInvalid(Stream.runDrain(process.stderr), "NotPiped")
      yield* isInvalid(process.stdin, "NotPiped")
      assert.strictEqual(yield* process.join(), "written")
    }))
  )

  it.live(
    "that are piped and full keep no scope from closing",
    inThreads(Effect.gen(function*() {
      const scope = yield* Scope.make()
      const process = yield* Scope.provide(Mp.Process.spawn(writesMuch, much, { stdout: "pipe" }), scope)
      const joining = yield* Effect.forkChild(process.join(), { startImmediately: true })
      yield* Scope.close(scope, Exit.void).pipe(within("10 seconds", "the end of the scope"))
      assert.strictEqual(yield* Fiber.join(joining), "written")
    }))
  )
})

describe("a thread does not start", () => {
  const broken = (file: string) =>
    Mp.Target.make("work", { module: new URL(`./fixtures/process/broken/${file}`, import.meta.url) }, () => Effect.void)

  const failures: ReadonlyArray<
    readonly [what: string, Mp.Target.Target<void, void, never, never>, Mp.SpawnErrorReason]
  > = [
    ["is not there", Mp.Target.make("work", { module: "file:///nowhere.ts" }, () => Effect.void), "ModuleNotFound"],
    ["throws", broken("throws.ts"), "ModuleFailed"],
    ["leaves a rejection to nobody", broken("rejects.ts"), "ModuleFailed"],
    ["calls process.exit", broken("exits.ts"), "EndedEarly"],
    ["defines no target", broken("empty.ts"), "TargetNotFound"],
    ["defines two of a name", one, "TargetAmbiguous"]
  ]
  for (const [what, target, reason] of failures) {
    it.live(
      `when its module ${what}: ${reason}`,
      inThreads(Effect.gen(function*() {
        const process = yield* Mp.Process.make(target, undefined, { stderr: "ignore" })
        const error = yield* Effect.flip(process.start)
        assert.instanceOf(error, Mp.SpawnError)
        assert.strictEqual((error as Mp.SpawnError).reason, reason)
        assert.notInclude(error.message, "\n")
        assert.deepStrictEqual(yield* Mp.activeChildren, [])
        assert.isTrue(Option.isSome(yield* process.exitCode))
      }))
    )
  }

  it.live(
    "when it is interrupted while its module is imported",
    inThreads(Effect.gen(function*() {
      const process = yield* Mp.Process.make(broken("rejects.ts"), undefined, { stderr: "ignore" })
      const starting = yield* Effect.forkChild(process.start, { startImmediately: true })
      yield* Effect.yieldNow.pipe(Effect.repeat({ until: () => process.isAlive }))
      yield* Fiber.interrupt(starting)
      assert.deepStrictEqual(yield* Mp.activeChildren, [])
    }))
  )
})
