import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option, Scope, Stream } from "effect"
import * as Mp from "../src/index.ts"
import {
  closesItsOutput,
  fillsItsOutput,
  prints,
  printsMuch,
  reads,
  shouts,
  writesMuch,
  writesOnCommand
} from "./fixtures/process/stdio.ts"
import { command, inProcesses, isInvalid, pidOf, reported } from "./support/inProcesses.ts"
import { isRunning, leavesNothingBehind, runProgram, startProgram } from "./support/processes.ts"
import { within } from "./support/waiting.ts"

leavesNothingBehind()

const textOf = <E>(stream: Stream.Stream<Uint8Array, E>) => Stream.mkString(Stream.decodeText(stream))

/** Far more than a pipe and the buffers of its ends hold. */
const much = 8 * 1024 * 1024

describe("standard output and error", () => {
  it.live(
    "are streams when they are piped, also after the end of the process",
    inProcesses(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(prints, undefined, { stdout: "pipe", stderr: "pipe" })
      yield* process.join()
      assert.strictEqual(yield* textOf(process.stdout), "to stdout: grüße\n")
      assert.strictEqual(yield* textOf(process.stderr), "to stderr\n")
    }))
  )

  it.live(
    "can be read to the end once; then they are empty",
    inProcesses(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(prints, undefined, { stdout: "pipe", stderr: "ignore" })
      assert.strictEqual(yield* textOf(process.stdout), "to stdout: grüße\n")
      assert.strictEqual(yield* textOf(process.stdout), "")
      yield* process.join()
      assert.strictEqual(yield* textOf(process.stdout), "")
    }))
  )

  it.live(
    "deliver every byte of a long output",
    inProcesses(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(writesMuch, much, { stdout: "pipe" })
      const length = yield* Stream.runFold(process.stdout, () => 0, (length, chunk) => length + chunk.length)
      assert.strictEqual(length, much)
      assert.strictEqual(yield* process.join(), "written")
    }))
  )

  it.live(
    "deliver every byte that was printed before the target was over",
    inProcesses(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(printsMuch, much, { stdout: "pipe" })
      const length = yield* Stream.runFold(process.stdout, () => 0, (length, chunk) => length + chunk.length)
      assert.strictEqual(length, much + 1)
      yield* process.join()
    }))
  )

  it.live(
    "that are not piped can't be read",
    inProcesses(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(prints, undefined, { stdout: "ignore", stderr: "ignore" })
      yield* isInvalid(Stream.runDrain(process.stderr), "NotPiped")
      yield* isInvalid(process.stdin, "NotPiped")
      const error = yield* isInvalid(Stream.runDrain(process.stdout), "NotPiped")
      assert.strictEqual(
        error.message,
        "Process-1: stdout: this stream is not piped. Ask for it with the option \"pipe\" when the process is made."
      )
    }))
  )

  it.live(
    "are those of the parent by default",
    Effect.fnUntraced(function*() {
      const program = new URL("./fixtures/process/programs/prints.ts", import.meta.url)
      const { code, stderr, stdout } = yield* runProgram(program, { args: ["inherit"] })
      assert.deepStrictEqual({ code, stdout, stderr }, { code: 0, stdout: "to stdout: grüße\n", stderr: "to stderr\n" })
    })
  )

  it.live(
    "are thrown away when they are ignored",
    Effect.fnUntraced(function*() {
      const program = new URL("./fixtures/process/programs/prints.ts", import.meta.url)
      const { code, stderr, stdout } = yield* runProgram(program, { args: ["ignore"] })
      assert.deepStrictEqual({ code, stdout, stderr }, { code: 0, stdout: "", stderr: "" })
    })
  )

  it.live(
    "that are piped and full keep a child waiting, but not the scope that closes",
    inProcesses(Effect.gen(function*() {
      const scope = yield* Scope.make()
      const process = yield* Scope.provide(Mp.Process.spawn(writesMuch, much, { stdout: "pipe" }), scope)
      assert.instanceOf(yield* Effect.flip(process.join({ timeout: "300 millis" })), Mp.TimedOut)
      const joining = yield* Effect.forkChild(process.join(), { startImmediately: true })
      yield* Scope.close(scope, Exit.void).pipe(within("10 seconds", "the end of the scope"))
      assert.strictEqual(yield* Fiber.join(joining), "written")
    }))
  )

  it.live(
    "that are piped and full do not keep a scope that fails",
    inProcesses(Effect.gen(function*() {
      const scope = yield* Scope.make()
      const process = yield* Scope.provide(Mp.Process.spawn(writesMuch, much, { stdout: "pipe" }), scope)
      const pid = yield* pidOf(process)
      yield* Scope.close(scope, Exit.fail("an error")).pipe(within("4 seconds", "the end of the scope"))
      assert.isFalse(isRunning(pid))
    }))
  )

  it.live(
    "that are piped and full do not keep a child from ending that is told to end",
    inProcesses(Effect.gen(function*() {
      const stopped = Effect.fnUntraced(function*(how: "interrupt" | "terminate") {
        const process = yield* Mp.Process.spawn(fillsItsOutput, undefined, { stdout: "pipe" })
        yield* reported("running")
        yield* process[how]
        yield* process.sentinel.pipe(within("10 seconds", "the end of the process"))
        return Option.getOrUndefined(yield* process.exitCode)
      })
      assert.deepStrictEqual([yield* stopped("interrupt"), yield* stopped("terminate")], [1, -15])
    }))
  )

  it.live(
    "PROC-30 may be closed by the child: its exit code is 0",
    inProcesses(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(closesItsOutput, undefined, { stdout: "pipe", stderr: "pipe" })
      assert.strictEqual(yield* process.join(), "unharmed")
      assert.deepStrictEqual(yield* process.exitCode, Option.some(0))
    }))
  )

  it.live(
    "PROC-30 may have lost their reader: the exit code is 0",
    inProcesses(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(writesOnCommand, undefined, { stdout: "pipe", stderr: "pipe" })
      yield* Stream.runDrain(Stream.interruptWhen(process.stdout, Effect.void))
      yield* Stream.runDrain(Stream.interruptWhen(process.stderr, Effect.void))
      yield* command("write")
      assert.strictEqual(yield* process.join(), "unharmed")
      assert.deepStrictEqual(yield* process.exitCode, Option.some(0))
    }))
  )
})

describe("a standard output that nobody reads any more", () => {
  it.live(
    "PROC-29 keeps no child from starting, and its exit code is 0, as that of its parent",
    Effect.fnUntraced(function*() {
      const main = yield* startProgram(new URL("./fixtures/process/programs/unread.ts", import.meta.url))
      yield* main.line(/ready/).pipe(within("10 seconds", "the beginning of the program"))
      yield* main.stopReading
      yield* main.signal("SIGUSR2")
      const { code, stderr } = yield* main.finished.pipe(within("15 seconds", "the end of the program"))
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "unharmed\n" })
    })
  )
})

describe("standard input", () => {
  it.live(
    "is a sink when it is piped, and ends with what runs into it",
    inProcesses(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(shouts, undefined, { stdin: "pipe", stdout: "pipe" })
      yield* Stream.run(Stream.make("hello ", new TextEncoder().encode("world\n")), yield* process.stdin)
      assert.strictEqual(yield* textOf(process.stdout), "HELLO WORLD\n")
      yield* process.join()
    }))
  )

  it.live(
    "is that of the parent when it is inherited",
    Effect.fnUntraced(function*() {
      const program = new URL("./fixtures/process/programs/reads.ts", import.meta.url)
      const { code, stderr, stdout } = yield* runProgram(program, { input: "a line" })
      assert.deepStrictEqual({ code, stdout, stderr }, { code: 0, stdout: "the child has read: a line\n", stderr: "" })
    })
  )

  it.live(
    "PROC-43 is empty by default",
    inProcesses(Effect.gen(function*() {
      assert.strictEqual(yield* Mp.Process.run(reads), "")
    }))
  )

  it.live(
    "that nobody writes to ends with the scope",
    inProcesses(Effect.gen(function*() {
      yield* Effect.scoped(Mp.Process.spawn(reads, undefined, { stdin: "pipe" })).pipe(
        within("10 seconds", "the end of the scope")
      )
    }))
  )

  it.live(
    "of a process that has ended fails with BrokenPipe",
    inProcesses(Effect.gen(function*() {
      const process = yield* Mp.Process.spawn(prints, undefined, { stdin: "pipe", stdout: "ignore", stderr: "ignore" })
      yield* process.join()
      const sink = yield* process.stdin
      const error = yield* Effect.flip(
        Stream.run(Stream.make("too late"), sink).pipe(Effect.andThen(Effect.void))
      ).pipe(within("5 seconds", "the failure of the write"))
      assert.instanceOf(error, Mp.BrokenPipe)
    }))
  )
})
