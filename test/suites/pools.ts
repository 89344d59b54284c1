/**
 * What a pool is to the one that made it, however its workers were started. Takes a layer of `Hub` and `Spawner`.
 */
import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Deferred,
  Duration,
  Effect,
  Equal,
  Exit,
  Fiber,
  Layer,
  Metric,
  Option,
  Queue,
  Result,
  Schedule,
  Schema,
  Scope,
  Stream
} from "effect"
import * as fs from "node:fs"
import * as Mp from "../../src/index.ts"
import { count, counting } from "../fixtures/pool/counter.ts"
import { crashes } from "../fixtures/pool/crashes.ts"
import {
  crashesOnArrival,
  crashesOnDeparture,
  exitsOnArrival,
  exitsOnDeparture,
  throwsOnReturn
} from "../fixtures/pool/crossing.ts"
import { endless } from "../fixtures/pool/endless.ts"
import { Failed, failsOrStays } from "../fixtures/pool/failsOrStays.ts"
import { halve, Odd } from "../fixtures/pool/halve.ts"
import { keeps } from "../fixtures/pool/keeps.ts"
import { keepsBusy } from "../fixtures/pool/keepsBusy.ts"
import { fillsHeap, hoards, hoardsAndSpins } from "../fixtures/pool/memory.ts"
import { multiply } from "../fixtures/pool/multiply.ts"
import { squares } from "../fixtures/pool/nested.ts"
import { Disobeyed, obeys } from "../fixtures/pool/obeys.ts"
import { NotBuilt, ordered } from "../fixtures/pool/ordered.ts"
import { puts } from "../fixtures/pool/puts.ts"
import { runaway } from "../fixtures/pool/runaway.ts"
import { countTo, eager, Enough, failsAfter, floods } from "../fixtures/pool/series.ts"
import { silent } from "../fixtures/pool/silent.ts"
import { Slow, slowToTell } from "../fixtures/pool/slowToTell.ts"
import { square } from "../fixtures/pool/square.ts"
import { tells } from "../fixtures/pool/tells.ts"
import { timesOut } from "../fixtures/pool/timesOut.ts"
import { waits } from "../fixtures/pool/waits.ts"
import { workerName } from "../fixtures/pool/workerName.ts"
import { spans } from "../fixtures/process/logs.ts"
import {
  dies,
  exits,
  givesTooMuch,
  givesUnreadable,
  isInterrupted,
  rejects,
  signalsItself,
  throwsInTimer
} from "../fixtures/process/outcomes.ts"
import { Reports } from "../fixtures/process/reports.ts"
import { services } from "../fixtures/process/services.ts"
import { Settings, settings } from "../fixtures/process/settings.ts"
import { command, inProcessesOf, nextReport, nothingReported, reported } from "../support/inProcesses.ts"
import { temporaryDirectory } from "../support/processes.ts"
import type { Abilities } from "../support/spawners.ts"
import { eventually, within } from "../support/waiting.ts"

const { make } = Mp.Pool

type AnyPool = Mp.Pool.Pool<never, unknown>

const start = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

const begun = (...labels: ReadonlyArray<string>) =>
  Effect.forEach(labels, () => nextReport).pipe(
    Effect.map((lines) => assert.deepStrictEqual(lines.sort(), labels.map((label) => `${label} begun`).sort()))
  )

const numbers = (length: number): Array<number> => Array.from({ length }, (_, n) => n)

const squaresOf = (numbers: ReadonlyArray<number>): Array<number> => numbers.map((n) => n * n)

/** An iterable that throws when its element `at` is asked for. */
const throwingAt = function*(at: number): Generator<number> {
  for (let n = 0; n < at; n++) yield n
  throw new Error(`no element ${at}`)
}

/** All that a stream gives, and how it ends. */
const runAll = <A, E, R>(stream: Stream.Stream<A, E, R>) =>
  Effect.gen(function*() {
    const values: Array<A> = []
    const exit = yield* Effect.exit(Stream.runForEach(stream, (value) => Effect.sync(() => void values.push(value))))
    return { values, exit, failure: Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined }
  })

const defectOf = (exit: Exit.Exit<unknown, unknown>): unknown =>
  Exit.isFailure(exit) ? Result.getOrUndefined(Cause.findDefect(exit.cause)) : undefined

const isInterruption = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)

/** The argument can't be right, and the message says which. */
const isInvalid = <R>(effect: Effect.Effect<unknown, unknown, R>, problem: RegExp) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.instanceOf(error, Mp.InvalidArgument)
    assert.match((error as Error).message, problem)
  })

const isClosed = (effect: Effect.Effect<unknown, unknown>) =>
  Effect.map(Effect.flip(effect), (error) => assert.instanceOf(error, Mp.PoolClosed))

const isLost = (error: unknown, reason: Mp.WorkerLostReason): Mp.WorkerLost => {
  assert.instanceOf(error, Mp.WorkerLost)
  assert.strictEqual((error as Mp.WorkerLost).reason, reason)
  return error as Mp.WorkerLost
}

const workersOf = (pool: AnyPool) => Effect.map(pool.stats, ({ workers }) => workers)

/** Waits until the pool looks like this. */
const untilStats = (pool: AnyPool, what: string, is: (stats: Mp.Pool.Stats) => boolean) =>
  eventually(what, Effect.map(pool.stats, is), "20 seconds")

const promptly = within("20 seconds", "what must not take long")

const settingsValue = { retries: 3, since: new Date("2020-02-20T20:20:20.020Z"), tags: new Set(["a", "b"]) }

/** Only so many workers can be started. */
const onlyStarts = (count: number) =>
  Layer.effect(Mp.Spawner.Spawner)(Effect.map(Mp.Spawner.Spawner, (spawner) => {
    let left = count
    return Object.assign(Object.create(spawner), {
      spawn: (request: Mp.Spawner.Request) =>
        left-- > 0
          ? spawner.spawn(request)
          : Effect.fail({ reason: "InterpreterFailed", cause: new Error("no more processes") })
    })
  }))

export const poolSuite = (
  name: string,
  layer: Layer.Layer<Mp.Hub.Hub | Mp.Spawner.Spawner>,
  abilities: Abilities
): void => {
  const inProcesses = inProcessesOf(layer)

  /** Kills a worker from outside. */
  const killWorker = Effect.fnUntraced(function*(name: string) {
    const process = (yield* Mp.activeChildren).find((child) => child.name === name)
    assert.isDefined(process, name)
    yield* process!.kill
  }, Effect.orDie)

  describe(`pools of workers that are ${name}`, () => {
    describe("one task", () => {
      it.live(
        "POOL-01, PPE-01 gives what its target gives",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1 })
          assert.strictEqual(yield* pool.run(square, 5), 25)
          assert.strictEqual(yield* pool.run(multiply, [6, 7]), 42)
          const task = yield* pool.submit(square, 16)
          assert.strictEqual(yield* task.result, 256)
        }))
      )

      it.live(
        "POOL-05 is submitted, and its value is waited for later",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2, targets: [waits] })
          const task = yield* pool.submit(waits, "late")
          const mapping = yield* start(pool.map(square, numbers(10)))
          yield* begun("late")
          yield* command("go on")
          assert.strictEqual(yield* task.result, "late")
          assert.deepStrictEqual(yield* Fiber.join(mapping), squaresOf(numbers(10)))
        }))
      )

      it.live(
        "leaves to its target what that was given, and to its caller what was sent",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1 })
          // The pool gives the memory back of large copies that it has made on the way.
          const sent = Array.from({ length: 5 }, (_, i) => new Uint8Array(100_000).fill(i))
          for (const bytes of sent) yield* pool.run(keeps, bytes)
          const kept = yield* pool.run(keeps, Uint8Array.of(9))
          assert.deepStrictEqual(kept.slice(-6), [...sent.map((bytes, i) => [bytes.length, i] as const), [1, 9]])
          assert.deepStrictEqual(
            sent.map((bytes, i) => bytes.length === 100_000 && bytes.every((byte) => byte === i)),
            sent.map(() => true)
          )
        }))
      )

      it.live(
        "POOL-28 fails as its target: a typed failure in its class, a defect with its message",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1 })
          const error = yield* Effect.flip(pool.run(halve, 3))
          assert.deepStrictEqual(error, new Odd({ number: 3 }))
          assert.instanceOf(error, Odd)
          const defect = defectOf(yield* Effect.exit(pool.run(dies)))
          assert.instanceOf(defect, Error)
          assert.strictEqual((defect as Error).message, "41 is wrong")
          assert.strictEqual(yield* pool.run(halve, 4), 2)
        }))
      )

      it.live(
        "that interrupts itself is an interruption for who waits, and harms nothing else",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1 })
          assert.isTrue(isInterruption(yield* Effect.exit(pool.run(isInterrupted))))
          assert.strictEqual(yield* pool.run(square, 3), 9)
          assert.strictEqual((yield* pool.stats).lost, 0)
        }))
      )

      it.live(
        "POOL-06, POOL-33 calls what waits for its success, or for its failure, once and before whoever waits for both",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2 })
          const calls: Array<unknown> = []
          const note = (what: string) => (value: unknown) => Effect.sync(() => void calls.push([what, value]))
          const observed = <A, E>(effect: Effect.Effect<A, E>) =>
            effect.pipe(Effect.tap(note("success")), Effect.tapError(note("failure")), Effect.exit)
          yield* observed(pool.map(square, [1, 2, 3]))
          assert.deepStrictEqual(calls.splice(0), [["success", [1, 4, 9]]])
          yield* observed(pool.map(halve, [2, 4, 5]))
          assert.deepStrictEqual(calls.splice(0), [["failure", new Odd({ number: 5 })]])
          const task = yield* pool.submit(halve, 7)
          yield* observed(task.result)
          assert.deepStrictEqual(calls, [["failure", new Odd({ number: 7 })]])
        }))
      )

      it.live(
        "PPE-05 that fails with a time limit of its own is told from a time limit of who waits",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, targets: [endless] })
          const own = yield* Effect.flip(Effect.timeout(pool.run(timesOut), "20 seconds"))
          assert.instanceOf(own, Mp.TimedOut)
          const late = yield* Effect.flip(Effect.timeout(pool.run(endless, "late"), "50 millis"))
          assert.strictEqual(late._tag, "TimeoutError")
          const { failure } = yield* runAll(pool.imap(timesOut, [undefined, undefined]))
          assert.instanceOf(failure, Mp.TimedOut)
        }))
      )

      it.live(
        "has the services that its target inherits, and no others",
        inProcesses(
          Effect.gen(function*() {
            const pool = yield* make({ size: 1, targets: [settings, services] })
            assert.deepStrictEqual(yield* pool.run(settings), {
              ...settingsValue,
              since: new Date("2001-02-20T20:20:20.020Z")
            })
            assert.deepStrictEqual(yield* pool.run(services), [true, false, true, true])
          }).pipe(Effect.provide(Settings.layer(settingsValue)))
        )
      )

      it.live(
        "may have a queue in its payload, also when it was taken back from a worker and sent again",
        inProcesses(Effect.gen(function*() {
          const queue = yield* Mp.Queue.make({ item: Schema.String })
          const pool = yield* make({ size: 1, targets: [waits, tells] })
          yield* pool.run(puts, { line: "at once", queue })
          assert.strictEqual(yield* queue.get(), "at once")
          const first = yield* pool.submit(waits, "first")
          yield* begun("first")
          const tasks = yield* Effect.forEach(["a", "b", "c"], (line) => pool.submit(puts, { line, queue }))
          const urgent = yield* pool.submit(tells, "urgent", { priority: 1 })
          yield* command("go on")
          for (const task of [first, urgent, ...tasks]) yield* task.result
          yield* reported("urgent")
          assert.deepStrictEqual([yield* queue.get(), yield* queue.get(), yield* queue.get()], ["a", "b", "c"])
        }))
      )

      it.live(
        "PPE-37, POOL-42 may have processes and pools of its own",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2 })
          assert.deepStrictEqual(
            yield* pool.map(squares, [[1, 2, 3], [], [4]], { chunkSize: 1 }),
            [[1, 4, 9], [], [16]]
          )
        }))
      )

      it.live(
        "is traced below the span of its caller, and only if there is one",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ name: "Traced", size: 1 })
          assert.isNull((yield* pool.run(spans)).parent)
          yield* Effect.gen(function*() {
            const span = yield* Effect.orDie(Effect.currentSpan)
            const { ownParent, parent } = yield* pool.run(spans)
            assert.strictEqual(parent?.traceId, span.traceId)
            assert.deepStrictEqual(ownParent, parent)
            const [mapped] = yield* pool.map(spans, [undefined])
            assert.strictEqual(mapped!.parent?.traceId, span.traceId)
            const task = yield* pool.submit(spans)
            assert.strictEqual((yield* task.result).parent?.traceId, span.traceId)
          }).pipe(Effect.withSpan("caller"))
          assert.isNull((yield* pool.run(spans)).parent)
        }))
      )

      it.live(
        "FUT-02, POOL-26 is queued, then running, then done, and can be polled at any time",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, targets: [waits, endless] })
          const first = yield* pool.submit(waits, "first")
          const second = yield* pool.submit(waits, "second")
          const third = yield* pool.submit(halve, 1)
          yield* begun("first")
          assert.deepStrictEqual(
            [yield* first.state, yield* second.state, yield* third.state],
            ["running", "queued", "queued"]
          )
          assert.deepStrictEqual(yield* first.poll, Option.none())
          yield* command("go on")
          assert.strictEqual(yield* first.result, "first")
          assert.strictEqual(yield* first.state, "done")
          assert.deepStrictEqual(yield* first.poll, Option.some(Exit.succeed("first")))
          yield* begun("second")
          assert.strictEqual(yield* second.state, "running")
          yield* second.cancel
          yield* reported("second interrupted")
          assert.strictEqual(yield* second.state, "done")
          assert.isTrue(isInterruption(Option.getOrThrow(yield* second.poll)))
          const exit = yield* third.await
          assert.deepStrictEqual(exit, Exit.fail(new Odd({ number: 1 })))
          assert.deepStrictEqual(yield* third.poll, Option.some(exit))
          assert.isBelow(first.id, second.id)
          assert.isBelow(second.id, third.id)
        }))
      )

      it.live(
        "POOL-10, FUT-03 goes on when who waits for its result gives up, and can be waited for again",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, targets: [waits] })
          const task = yield* pool.submit(waits, "slow")
          const queued = yield* pool.submit(square, 3)
          yield* begun("slow")
          const ways: Array<Effect.Effect<unknown, unknown>> = [task.result, queued.result, task.await]
          for (const waiting of ways) {
            assert.deepStrictEqual(yield* Effect.timeoutOption(waiting, "20 millis"), Option.none())
          }
          yield* nothingReported
          yield* command("go on")
          assert.strictEqual(yield* task.result, "slow")
          assert.strictEqual(yield* task.result, "slow")
          assert.strictEqual(yield* queued.result, 9)
        }))
      )

      it.live(
        "FUT-04 wakes whoever waits for it by its success, its failure, or its cancellation",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, targets: [obeys] })
          for (const end of ["done", "fail", "cancel"] as const) {
            const task = yield* pool.submit(obeys, "it")
            const waiting = yield* start(task.await)
            yield* begun("it")
            assert.isUndefined(waiting.pollUnsafe())
            yield* end === "cancel" ? task.cancel : command(end)
            const exit = yield* Fiber.join(waiting)
            if (end === "cancel") assert.isTrue(isInterruption(exit))
            else {
              assert.deepStrictEqual(
                exit,
                end === "done" ? Exit.succeed("it done") : Exit.fail(new Disobeyed({ label: "it" }))
              )
            }
          }
        }))
      )

      it.live(
        "FUT-05 tells every one of many that wait, each once, also those that come later; none disturbs another",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, targets: [waits] })
          const task = yield* pool.submit(waits, "it")
          const told: Array<number> = []
          const observers = yield* Effect.forEach([0, 1, 2], (n) =>
            start(Effect.flatMap(task.result, () => {
              told.push(n)
              return n === 1 ? Effect.die(new Error("an observer that fails")) : Effect.void
            })))
          const interrupted = yield* start(task.result)
          yield* begun("it")
          yield* Fiber.interrupt(interrupted)
          yield* command("go on")
          const exits = yield* Effect.forEach(observers, Fiber.await)
          assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false, true])
          assert.deepStrictEqual(told, [0, 1, 2])
          assert.strictEqual(yield* task.result, "it")
        }))
      )
    })

    describe("tasks that are waited for together", () => {
      const submitted = Effect.fnUntraced(function*() {
        const pool = yield* make({ size: 3, targets: [obeys] })
        const tasks = yield* Effect.forEach(["a", "b", "c"], (label) => pool.submit(obeys, label))
        yield* begun("a", "b", "c")
        return { pool, tasks }
      })

      it.live(
        "FUT-09 come as a stream, each once, those that are done already first",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2, targets: [waits] })
          const slow = yield* pool.submit(waits, "slow")
          const quick = yield* pool.submit(square, 2)
          yield* begun("slow")
          yield* quick.await
          const seen: Array<unknown> = []
          const results: Array<Effect.Effect<string | number, unknown>> = [slow.result, quick.result]
          yield* Stream.mergeAll(results.map((result) => Stream.fromEffect(result)), { concurrency: "unbounded" }).pipe(
            Stream.runForEach((value) => {
              seen.push(value)
              return command("go on")
            })
          )
          assert.deepStrictEqual(seen, [4, "slow"])
        }))
      )

      it.live(
        "FUT-10, FUT-11 with a deadline give those that are done, and it can be counted how many are not",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, targets: [endless] })
          const done = yield* Effect.forEach([1, 2], (n) => pool.submit(square, n))
          const never = yield* Effect.forEach(["a", "b"], (label) => pool.submit(endless, label))
          const tasks: ReadonlyArray<Mp.Pool.Task<unknown, unknown>> = [...done, ...never]
          const seen: Array<unknown> = []
          const stream = Stream.mergeAll(tasks.map(({ result }) => Stream.fromEffect(result)), {
            concurrency: "unbounded"
          })
          yield* begun("a")
          const collecting = Stream.runForEach(stream, (value) => Effect.sync(() => void seen.push(value)))
          assert.deepStrictEqual(yield* Effect.timeoutOption(collecting, "100 millis"), Option.none())
          assert.deepStrictEqual(seen, [1, 4])
          const states = yield* Effect.forEach(tasks, ({ poll }) => poll)
          assert.strictEqual(states.filter(Option.isNone).length, 2)
          for (const task of never) yield* task.cancel
        }))
      )

      it.live(
        "FUT-14 can be raced for the first that is done, also if it is done already, and the others go on",
        inProcesses(Effect.gen(function*() {
          const { tasks } = yield* submitted()
          const racing = yield* start(Effect.raceAllFirst(tasks.map((task) => task.await)))
          assert.isUndefined(racing.pollUnsafe())
          yield* command("done")
          const first = yield* Fiber.join(racing)
          assert.isTrue(Exit.isSuccess(first))
          assert.deepStrictEqual(yield* Effect.raceAllFirst(tasks.map((task) => task.await)), first)
          const states = yield* Effect.forEach(tasks, (task) => task.state)
          assert.deepStrictEqual(states.sort(), ["done", "running", "running"])
          yield* command("done")
          yield* command("done")
          for (const task of tasks) yield* task.result
        }))
      )

      it.live(
        "FUT-15 can be waited for until the first that fails, and then it is known which are done",
        inProcesses(Effect.gen(function*() {
          const { tasks } = yield* submitted()
          const all = yield* start(
            Effect.flip(Effect.all(tasks.map((task) => task.result), { concurrency: "unbounded" }))
          )
          yield* command("done")
          yield* Effect.raceAllFirst(tasks.map((task) => task.await))
          assert.isUndefined(all.pollUnsafe())
          yield* command("fail")
          assert.instanceOf(yield* Fiber.join(all), Disobeyed)
          const ends = Array.from(yield* Effect.forEach(tasks, ({ poll }) => poll), Option.getOrUndefined)
          assert.strictEqual(ends.filter((exit) => exit !== undefined && Exit.isSuccess(exit)).length, 1)
          assert.strictEqual(ends.filter((exit) => exit !== undefined && Exit.isFailure(exit)).length, 1)
          assert.instanceOf(
            yield* Effect.flip(Effect.all(tasks.map((task) => task.result), { concurrency: "unbounded" })),
            Disobeyed
          )
          yield* command("done")
        }))
      )
    })

    describe("map", () => {
      it.live(
        "POOL-02, PPE-02 gives the values in the order of the payloads, for every size of chunks",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 3 })
          assert.deepStrictEqual(yield* pool.map(square, numbers(10)), squaresOf(numbers(10)))
          for (const chunkSize of [1, 3, 20, 1000, undefined]) {
            assert.deepStrictEqual(yield* pool.map(square, numbers(100), { chunkSize }), squaresOf(numbers(100)))
          }
        }))
      )

      it.live(
        "PPE-08, POOL-19 takes chunks of any size from one; others fail and say what is wrong",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2 })
          for (const chunkSize of [6, 40, 50]) {
            assert.deepStrictEqual(yield* pool.map(square, numbers(40), { chunkSize }), squaresOf(numbers(40)))
          }
          for (const chunkSize of [0, -1, 1.5, NaN, Infinity]) {
            yield* isInvalid(pool.map(square, [1], { chunkSize }), /chunkSize is .*must be a whole number, 1 or more/)
            yield* isInvalid(pool.forEach(square, [1], { chunkSize }), /chunkSize/)
            yield* isInvalid(Stream.runDrain(pool.imap(square, [1], { chunkSize })), /chunkSize/)
            yield* isInvalid(Stream.runDrain(pool.imapUnordered(square, [1], { chunkSize })), /chunkSize/)
          }
        }))
      )

      it.live(
        "POOL-03 makes four chunks for each worker by default, also of an iterable without a length",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2 })
          const chunks = Effect.map(pool.stats, ({ completed }) => completed)
          // 13 at a time.
          yield* pool.map(square, numbers(100))
          assert.strictEqual(yield* chunks, 8)
          assert.deepStrictEqual(yield* pool.map(square, new Set(numbers(100))), squaresOf(numbers(100)))
          assert.strictEqual(yield* chunks, 16)
          yield* pool.map(square, numbers(3))
          assert.strictEqual(yield* chunks, 19)
          yield* pool.map(square, [])
          assert.strictEqual(yield* chunks, 19)
        }))
      )

      if (abilities.interpreter) {
        // The program sleeps while a worker computes, and is not woken for each value of a map.
        const fewMilliseconds = Array.from({ length: 8 }, () => 3)

        it.live(
          "gives its values when all are there, whatever keeps its worker busy then",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 1, targets: [keepsBusy] })
            const file = `${yield* temporaryDirectory}/go on`
            const first = yield* start(pool.map(keepsBusy, fewMilliseconds, { chunkSize: 1 }))
            const other = yield* pool.submit(keepsBusy, { file, waits: false })
            const second = yield* start(pool.map(keepsBusy, fewMilliseconds, { chunkSize: 1 }))
            yield* promptly(Fiber.join(first))
            fs.writeFileSync(file, "")
            yield* promptly(other.result)
            yield* promptly(Fiber.join(second))
          }))
        )

        it.live(
          "tells of each value before its worker waits for something",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 1, targets: [keepsBusy] })
            const file = `${yield* temporaryDirectory}/go on`
            const all = [...fewMilliseconds, { file, waits: true }, ...fewMilliseconds]
            const mapping = yield* start(pool.map(keepsBusy, all, { chunkSize: 1 }))
            yield* untilStats(pool, "the values before the task that waits", ({ completed }) => completed === 8)
            fs.writeFileSync(file, "")
            yield* promptly(Fiber.join(mapping))
          }))
        )

        if (abilities.signals) {
          it.live(
            "has every value that its worker had before it was killed",
            inProcesses(Effect.gen(function*() {
              const pool = yield* make({ size: 1, targets: [keepsBusy] })
              const all = [...fewMilliseconds, "SIGKILL", ...fewMilliseconds] as const
              isLost(yield* promptly(Effect.flip(pool.map(keepsBusy, all, { chunkSize: 1 }))), "Signaled")
              const { completed, lost } = yield* pool.stats
              assert.deepStrictEqual({ completed, lost }, { completed: 8, lost: 1 })
            }))
          )
        }
      }

      it.live(
        "POOL-04 takes several arguments as one payload",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2 })
          const pairs = numbers(100).map((n): readonly [number, number] => [n, n + 1])
          const products = pairs.map(([a, b]) => a * b)
          assert.deepStrictEqual(yield* pool.map(multiply, pairs), products)
          assert.deepStrictEqual(yield* pool.map(multiply, pairs, { chunkSize: 20 }), products)
          const later = yield* start(pool.map(multiply, pairs))
          assert.deepStrictEqual(yield* Fiber.join(later), products)
        }))
      )

      it.live(
        "POOL-08 of nothing gives nothing, and so does every other form of it",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1 })
          for (const chunkSize of [undefined, 1]) {
            assert.deepStrictEqual(yield* pool.map(square, [], { chunkSize }), [])
            yield* pool.forEach(square, [], { chunkSize })
            assert.deepStrictEqual(yield* Stream.runCollect(pool.imap(square, [], { chunkSize })), [])
            assert.deepStrictEqual(yield* Stream.runCollect(pool.imapUnordered(square, [], { chunkSize })), [])
            assert.deepStrictEqual(
              yield* Stream.runCollect(Stream.empty.pipe(pool.stream(square, { chunkSize }))),
              []
            )
          }
        }))
      )

      it.live(
        "POOL-07, PPED-01 fails when a payload does not fit its schema; the pool goes on",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2 })
          const unfit = numbers(10).map((n) => `text ${n}` as unknown as number)
          const operations = {
            map: pool.map(square, unfit),
            "map of chunks": pool.map(square, unfit, { chunkSize: 3 }),
            "map of one": pool.map(square, [...numbers(200), unfit[0]!], { chunkSize: 1 }),
            forEach: pool.forEach(square, unfit),
            imap: Stream.runDrain(pool.imap(square, unfit)),
            run: pool.run(square, unfit[0]!),
            submit: pool.submit(square, unfit[0]!),
            broadcast: pool.broadcast(square, unfit[0]!)
          }
          for (const [operation, effect] of Object.entries<Effect.Effect<unknown, unknown>>(operations)) {
            assert.instanceOf(yield* Effect.flip(promptly(effect)), Mp.EncodeError, operation)
            assert.strictEqual(yield* pool.run(square, 3), 9)
          }
          assert.strictEqual((yield* pool.stats).lost, 0)
        }))
      )

      it.live(
        "POOL-30 fails with the first failure that becomes known, when the other tasks have been cancelled",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2, targets: [obeys] })
          const mapping = yield* start(Effect.flip(pool.map(obeys, ["a", "b", "c", "d", "e"], { chunkSize: 1 })))
          yield* begun("a", "b")
          yield* command("fail")
          assert.instanceOf(yield* promptly(Fiber.join(mapping)), Disobeyed)
          const { queued, running } = yield* pool.stats
          assert.deepStrictEqual({ queued, running }, { queued: 0, running: 0 })
          assert.strictEqual(yield* pool.run(square, 3), 9)
        }))
      )

      it.live(
        "fails also when the first failure is known at once and the other tasks would never end",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2 })
          for (let round = 0; round < 20; round++) {
            const mapping = pool.map(failsOrStays, ["fail", "stay"], { chunkSize: 1 })
            assert.instanceOf(yield* promptly(Effect.flip(mapping)), Failed)
          }
        }))
      )

      it.live(
        "that is interrupted cancels all of its tasks, those that run and those that wait",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2, targets: [endless] })
          const mapping = yield* start(pool.map(endless, ["a", "b", "c", "d"], { chunkSize: 1 }))
          yield* begun("a", "b")
          yield* promptly(Fiber.interrupt(mapping))
          assert.deepStrictEqual([yield* nextReport, yield* nextReport].sort(), ["a interrupted", "b interrupted"])
          yield* nothingReported
          const { queued, running } = yield* pool.stats
          assert.deepStrictEqual({ queued, running }, { queued: 0, running: 0 })
        }))
      )

      it.live(
        "counts in a progress what is done, whatever the chunks are",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2 })
          for (const chunkSize of [1, 7]) {
            const progress = yield* Mp.Progress.make({ label: "squares" })
            yield* pool.map(square, numbers(100), { chunkSize, progress })
            const { done, isComplete, total } = yield* progress.snapshot
            assert.deepStrictEqual({ done, isComplete, total }, {
              done: 100,
              isComplete: true,
              total: Option.some(100)
            })
          }
          const progress = yield* Mp.Progress.make({ total: 30 })
          yield* pool.forEach(square, numbers(10), { progress })
          yield* Stream.runDrain(pool.imap(square, numbers(10), { progress }))
          yield* Stream.runDrain(Stream.fromIterable(numbers(10)).pipe(pool.stream(square, { chunkSize: 4, progress })))
          assert.isTrue((yield* progress.snapshot).isComplete)
        }))
      )

      it.live(
        "forEach runs a task for each payload and gives nothing",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2, targets: [tells] })
          assert.isUndefined(yield* pool.forEach(tells, ["a", "b", "c"]))
          const lines = [yield* nextReport, yield* nextReport, yield* nextReport]
          assert.deepStrictEqual(lines.sort(), ["a", "b", "c"])
          assert.instanceOf(yield* Effect.flip(pool.forEach(halve, [2, 3, 4])), Odd)
        }))
      )

      it.live(
        "PPED-12 dies when a value can't be read here, and the pool goes on",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1 })
          // Where values are not encoded, nothing is read either.
          const ways: Array<Effect.Effect<unknown, unknown>> = [
            pool.run(throwsOnReturn),
            pool.map(throwsOnReturn, [undefined, undefined])
          ]
          for (const effect of ways) {
            assert.isDefined(defectOf(yield* Effect.exit(promptly(effect))))
          }
          assert.strictEqual(yield* pool.run(square, 3), 9)
          assert.strictEqual((yield* pool.stats).lost, 0)
        }))
      )

      it.live(
        "POOL-34, PPED-10 dies when a value does not fit its schema, says so, and no worker is lost",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1 })
          const worker = yield* pool.run(workerName)
          for (let n = 0; n < 20; n++) {
            const ways: Array<Effect.Effect<unknown, unknown>> = [
              pool.run(givesTooMuch),
              pool.map(givesTooMuch, [undefined])
            ]
            const defect = defectOf(yield* Effect.exit(ways[n % 2]!))
            assert.instanceOf(defect, Error)
            assert.match((defect as Error).message, /givesTooMuch/)
          }
          assert.strictEqual(yield* pool.run(workerName), worker)
          assert.strictEqual((yield* pool.stats).lost, 0)
        }))
      )

      it.live(
        "PPED-10 dies when reading a value throws, says what, and no worker is lost",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1 })
          const worker = yield* pool.run(workerName)
          const ways: Array<Effect.Effect<unknown, unknown>> = [
            pool.run(givesUnreadable),
            pool.map(givesUnreadable, [undefined, undefined])
          ]
          for (const effect of ways) {
            const defect = defectOf(yield* Effect.exit(promptly(effect)))
            assert.instanceOf(defect, Error)
            assert.match((defect as Error).message, /givesUnreadable.*RangeError: out of reach/)
          }
          assert.strictEqual(yield* pool.run(workerName), worker)
          assert.strictEqual((yield* pool.stats).lost, 0)
        }))
      )
    })

    describe("a stream of tasks", () => {
      it.live(
        "POOL-11 gives the values in the order of the payloads",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2 })
          assert.deepStrictEqual(yield* Stream.runCollect(pool.imap(square, numbers(10))), squaresOf(numbers(10)))
          assert.deepStrictEqual(
            yield* Stream.runCollect(pool.imap(square, numbers(1000), { chunkSize: 100 })),
            squaresOf(numbers(1000))
          )
          const ofStream = Stream.fromIterable(numbers(50)).pipe(pool.stream(square, { chunkSize: 7 }))
          assert.deepStrictEqual(yield* Stream.runCollect(ofStream), squaresOf(numbers(50)))
        }))
      )

      it.live(
        "gives the values as the tasks end, if the order does not matter",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2, targets: [obeys] })
          const values = yield* Stream.runCollect(pool.imapUnordered(square, numbers(100), { chunkSize: 3 }))
          assert.deepStrictEqual(values.sort((a, b) => a - b), squaresOf(numbers(100)))
          const blocked = yield* pool.submit(obeys, "blocked")
          yield* begun("blocked")
          const inOrder = Stream.fromIterable([1, 2, 3]).pipe(pool.stream(square, { unordered: true }))
          assert.deepStrictEqual((yield* Stream.runCollect(inOrder)).sort(), [1, 4, 9])
          yield* command("done")
          yield* blocked.result
        }))
      )

      it.live(
        "POOL-13 gives the values of all that came before its input fails, then fails with the input's failure",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2 })
          for (const [at, chunkSize] of [[0, 1], [3, 1], [7, 2], [7, 4], [8, 4]] as const) {
            const thrown = yield* runAll(pool.imap(square, throwingAt(at), { chunkSize }))
            assert.deepStrictEqual(thrown.values, squaresOf(numbers(at)))
            assert.strictEqual((thrown.failure as Error).message, `no element ${at}`)
            const failing = Stream.concat(Stream.fromIterable(numbers(at)), Stream.fail(new Odd({ number: at })))
            const failed = yield* runAll(failing.pipe(pool.stream(square, { chunkSize })))
            assert.deepStrictEqual(failed.values, squaresOf(numbers(at)))
            assert.deepStrictEqual(failed.failure, new Odd({ number: at }))
          }
          assert.strictEqual(yield* pool.run(square, 3), 9)
        }))
      )

      it.live(
        "POOL-14 without an order gives some of the values, none of them twice, then the input's failure",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2 })
          for (const [at, chunkSize] of [[0, 1], [3, 1], [7, 2], [7, 4]] as const) {
            const { failure, values } = yield* runAll(pool.imapUnordered(square, throwingAt(at), { chunkSize }))
            assert.strictEqual(new Set(values).size, values.length)
            for (const value of values) assert.include(squaresOf(numbers(at)), value)
            assert.strictEqual((failure as Error).message, `no element ${at}`)
          }
        }))
      )

      it.live(
        "POOL-15 ends with the first task that fails, after the values of all before it, whatever the chunks are",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2 })
          const payloads = [0, 2, 4, 6, 8, 10, 11, 12, 13]
          for (const chunkSize of [1, 2, 3, 4, 100]) {
            const { failure, values } = yield* runAll(pool.imap(halve, payloads, { chunkSize }))
            assert.deepStrictEqual(values, [0, 1, 2, 3, 4, 5])
            assert.deepStrictEqual(failure, new Odd({ number: 11 }))
          }
        }))
      )

      it.live(
        "gives the values before a payload that does not fit its schema, whatever the chunks are",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2 })
          const payloads = [1, 2, 3, 4, "five" as unknown as number, 6]
          for (const chunkSize of [1, 2, 3, 100]) {
            const { failure, values } = yield* runAll(pool.imap(square, payloads, { chunkSize }))
            assert.deepStrictEqual(values, [1, 4, 9, 16])
            assert.instanceOf(failure, Mp.EncodeError)
          }
        }))
      )

      it.live(
        "POOL-16 does not lose the value when who asks its queue for it gives up, and asks again",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, targets: [waits] })
          const values = yield* Stream.toQueue(pool.imap(waits, ["a", "b"]), { capacity: 1 })
          yield* begun("a")
          assert.deepStrictEqual(yield* Effect.timeoutOption(Queue.take(values), "20 millis"), Option.none())
          yield* command("go on")
          assert.strictEqual(yield* promptly(Queue.take(values)), "a")
          yield* begun("b")
          assert.deepStrictEqual(yield* Effect.timeoutOption(Queue.take(values), "20 millis"), Option.none())
          yield* command("go on")
          assert.strictEqual(yield* promptly(Queue.take(values)), "b")
        }))
      )

      it.live(
        "PPE-04 with a deadline gives what came until then; the other tasks are cancelled",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, targets: [waits] })
          const values: Array<string> = []
          // Virtual time would be over before the target is loaded.
          yield* command("go on")
          yield* pool.run(waits, "first")
          yield* begun("first")
          const stream = pool.imap(waits, ["a", "b", "c"])
          const limited = yield* start(
            Stream.runForEach(stream, (value) => Effect.sync(() => void values.push(value))).pipe(
              Effect.timeout("2 seconds"),
              Effect.flip
            )
          )
          yield* begun("a")
          yield* command("go on")
          assert.strictEqual((yield* promptly(Fiber.join(limited)))._tag, "TimeoutError")
          assert.deepStrictEqual(values, ["a"])
          yield* begun("b")
          yield* reported("b interrupted")
          yield* nothingReported
          assert.strictEqual((yield* pool.stats).queued, 0)
        }))
      )

      it.live(
        "PPE-06 of which no more is taken cancels what it had begun and what waits",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2, targets: [obeys, endless] })
          for (const chunkSize of [1, 3]) {
            const payloads = [...numbers(chunkSize).map(() => "first"), "second", "third", "fourth", "fifth"]
            for (let n = 0; n < chunkSize; n++) yield* command("done")
            const taking = Stream.runCollect(
              Stream.take(pool.imap(obeys, payloads, { chunkSize, readAhead: 1 }), 1)
            )
            assert.deepStrictEqual(yield* promptly(taking), ["first done"])
            const { queued, running } = yield* pool.stats
            assert.deepStrictEqual({ queued, running }, { queued: 0, running: 0 })
            // Of those after the first, one may have begun.
            const left = yield* Reports.use((reports) => reports.qsize)
            for (let n = 0; n < left; n++) yield* nextReport
          }
          const taking = Stream.runDrain(pool.imap(endless, ["a", "b", "c"]))
          const interrupted = yield* start(taking)
          yield* begun("a", "b")
          yield* promptly(Fiber.interrupt(interrupted))
          assert.deepStrictEqual([yield* nextReport, yield* nextReport].sort(), ["a interrupted", "b interrupted"])
          yield* nothingReported
        }))
      )

      it.live(
        "PPE-07 takes payloads as its values are taken, no more than readAhead before, also without end",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2 })
          for (const readAhead of [0, -1, 2.5, NaN]) {
            yield* isInvalid(Stream.runDrain(pool.imap(square, [1], { readAhead })), /readAhead is .*1 or more/)
          }
          for (const readAhead of [1, 2, 20, 40]) {
            assert.deepStrictEqual(
              yield* Stream.runCollect(pool.imap(square, numbers(20), { readAhead })),
              squaresOf(numbers(20))
            )
          }
          let taken = 0
          const endless = function*() {
            for (;;) yield taken++
          }
          const values = yield* Stream.runCollect(Stream.take(pool.imap(square, endless(), { readAhead: 2 }), 100))
          assert.deepStrictEqual(values, squaresOf(numbers(100)))
          assert.isAtMost(taken, 110)
          taken = 0
          const pull = yield* Stream.toPull(pool.imap(square, endless(), { readAhead: 2 }))
          yield* pull
          yield* untilStats(
            pool,
            "the end of the tasks that were read ahead",
            ({ queued, running }) => queued + running === 0
          )
          // The one that was taken, those that are ready, and the next one, which waits for room.
          assert.isAtMost(taken, 1 + 2 + 1)
        }))
      )
    })

    describe("a task that gives a stream", () => {
      it.live(
        "gives its values in their order, and then its failure",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1 })
          assert.deepStrictEqual(yield* Stream.runCollect(pool.runStream(countTo, 100)), numbers(101).slice(1))
          assert.deepStrictEqual(yield* Stream.runCollect(pool.runStream(countTo, 0)), [])
          const { failure, values } = yield* runAll(pool.runStream(failsAfter, 3))
          assert.deepStrictEqual(values, [1, 2, 3])
          assert.deepStrictEqual(failure, new Enough({ after: 3 }))
          assert.strictEqual((yield* pool.stats).lost, 0)
        }))
      )

      it.live(
        "is ended when no more of its values are taken, and its worker runs the next task",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, targets: [floods] })
          const values = yield* Stream.runCollect(Stream.take(pool.runStream(floods), 3))
          assert.deepStrictEqual(values.map(({ length }) => length), [1024 * 1024, 1024 * 1024, 1024 * 1024])
          yield* reported("the flood is over")
          assert.strictEqual(yield* pool.run(square, 3), 9)
        }))
      )

      it.live(
        "waits while its values are not taken",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2, targets: [eager] })
          const pull = yield* Stream.toPull(pool.runStream(eager, 1024 * 1024))
          assert.strictEqual((yield* promptly(pull))[0]![0], 1)
          // It has come as far as it can when a task of another worker has had its time.
          const before = yield* Reports.use((reports) => reports.qsize)
          for (let n = 0; n < 20; n++) yield* pool.run(square, n)
          assert.isBelow(yield* Reports.use((reports) => reports.qsize), before + 200)
          const next = yield* promptly(pull)
          assert.strictEqual(next[0]![0], 2)
        }))
      )

      it.live(
        "can be among the targets that a pool is for",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, targets: [countTo, eager, square] })
          assert.deepStrictEqual(yield* Stream.runCollect(pool.runStream(countTo, 3)), [1, 2, 3])
        }))
      )

      it.live(
        "fails with PoolClosed when the pool is shut down, after the values that came before",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1 })
          yield* pool.shutdown()
          const { failure, values } = yield* runAll(pool.runStream(countTo, 3))
          assert.deepStrictEqual(values, [])
          assert.instanceOf(failure, Mp.PoolClosed)
        }))
      )
    })

    describe("the workers of a pool", () => {
      it.live(
        "POOL-20, PPE-10 are as many as was asked for, at once; less than one is not possible",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 3 })
          assert.strictEqual(pool.size, 3)
          const workers = yield* workersOf(pool)
          assert.deepStrictEqual(workers.map(({ state }) => state), ["idle", "idle", "idle"])
          assert.isTrue(workers.every(({ pid }) => Option.isSome(pid)))
          for (const size of [0, -1, 1.5, NaN, Infinity]) {
            yield* isInvalid(make({ size }), /size is .*must be a whole number, 1 or more/)
          }
          assert.strictEqual((yield* Mp.activeChildren).length, 3)
        }))
      )

      it.live(
        "POOL-42 are named after the pool; a pool shows no secrets",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2 })
          const named = yield* make({ name: "Images", size: 1, output: "ignore" })
          assert.isTrue(Mp.Pool.isPool(pool))
          assert.isFalse(Mp.Pool.isPool({}))
          assert.deepStrictEqual(
            (yield* workersOf(pool)).map(({ name }) => name),
            ["Pool-Worker-1", "Pool-Worker-2"]
          )
          assert.strictEqual(yield* named.run(workerName), "Images-Worker-1")
          assert.deepStrictEqual(JSON.parse(JSON.stringify(named)), {
            _id: "Pool",
            name: "Images",
            size: 1,
            workers: 1
          })
        }))
      )

      it.live(
        "POOL-41 may be many",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: abilities.interpreter ? 8 : 200 })
          const values = yield* pool.map(square, numbers(1000))
          assert.strictEqual(values.reduce((sum, n) => sum + n, 0), 332_833_500)
        }))
      )

      it.live(
        "PPE-18 are never more than its size, however many tasks wait",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 3, minSize: 0, targets: [waits] })
          assert.deepStrictEqual(yield* workersOf(pool), [])
          const tasks = yield* Effect.forEach(numbers(45), (n) => pool.submit(waits, `${n}`))
          yield* untilStats(pool, "three busy workers", ({ running }) => running === 3)
          assert.strictEqual((yield* workersOf(pool)).length, 3)
          assert.strictEqual((yield* Mp.activeChildren).length, 3)
          for (const _ of tasks) yield* command("go on")
          for (const task of tasks) yield* task.result
          assert.strictEqual((yield* workersOf(pool)).length, 3)
        }))
      )

      it.live(
        "PPE-19 are started when tasks wait, and not before",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 5, minSize: 0, targets: [waits] })
          for (let n = 0; n < 5; n++) assert.strictEqual(yield* pool.run(workerName), "Pool-Worker-1")
          assert.strictEqual((yield* workersOf(pool)).length, 1)
          const tasks = yield* Effect.forEach(["a", "b", "c"], (label) => pool.submit(waits, label))
          yield* begun("a", "b", "c")
          for (const _ of tasks) yield* command("go on")
          for (const task of tasks) yield* task.result
          yield* pool.map(square, numbers(3), { chunkSize: 1 })
          assert.strictEqual((yield* workersOf(pool)).length, 3)
        }))
      )

      it.live(
        "go when they have had nothing to do for long, down to the smallest size",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 3, minSize: 1, idleTimeToLive: "100 millis", targets: [waits] })
          const tasks = yield* Effect.forEach(["a", "b", "c"], (label) => pool.submit(waits, label))
          yield* begun("a", "b", "c")
          for (const _ of tasks) yield* command("go on")
          for (const task of tasks) yield* task.result
          yield* untilStats(pool, "one worker", ({ workers }) => workers.length === 1)
          assert.strictEqual((yield* pool.stats).recycled, 2)
          assert.strictEqual((yield* Mp.activeChildren).length, 1)
          assert.strictEqual(yield* pool.run(square, 3), 9)
        }))
      )

      it.live(
        "PPE-20 are replaced after so many tasks, one at a time",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, maxTasksPerWorker: 3 })
          const names: Array<string> = []
          for (let n = 0; n < 7; n++) names.push(yield* pool.run(workerName))
          assert.deepStrictEqual(names, [1, 1, 1, 2, 2, 2, 3].map((n) => `Pool-Worker-${n}`))
          assert.strictEqual((yield* pool.stats).recycled, 2)
          yield* untilStats(pool, "one worker", ({ workers }) => workers.length === 1)
          for (const maxTasksPerWorker of [0, -1, 1.5, NaN]) {
            yield* isInvalid(make({ maxTasksPerWorker }), /maxTasksPerWorker is .*must be a whole number, 1 or more/)
          }
        }))
      )

      it.live(
        "POOL-35 that are replaced lose no task, and are as many as before",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 3, maxTasksPerWorker: 10 })
          const before = yield* workersOf(pool)
          assert.deepStrictEqual(yield* pool.map(square, numbers(100), { chunkSize: 1 }), squaresOf(numbers(100)))
          yield* untilStats(
            pool,
            "three workers that are ready",
            ({ workers }) => workers.length === 3 && workers.every(({ state }) => state === "idle")
          )
          const after = yield* workersOf(pool)
          const pids = new Set(after.map(({ pid }) => Option.getOrThrow(pid)))
          if (abilities.ownPid) assert.strictEqual(pids.size, 3)
          assert.notDeepEqual(after.map(({ name }) => name), before.map(({ name }) => name))
          assert.isAtLeast((yield* pool.stats).recycled, 8)
          assert.strictEqual((yield* Mp.activeChildren).length, 3)
        }))
      )

      it.live(
        "build their layer once, before the first task, and release it after the last one",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, worker: counting, targets: [count] })
          yield* reported("built")
          assert.strictEqual(yield* pool.run(count), 1)
          assert.deepStrictEqual(yield* pool.map(count, [undefined, undefined], { chunkSize: 1 }), [2, 3])
          yield* nothingReported
          yield* pool.shutdown()
          yield* reported("released")
          yield* nothingReported
        }))
      )

      it.live(
        "build and release their layer each for itself",
        inProcesses(Effect.gen(function*() {
          yield* Effect.scoped(Effect.gen(function*() {
            const pool = yield* make({ size: 2, worker: counting, targets: [count], maxTasksPerWorker: 2 })
            yield* reported("built")
            yield* reported("built")
            assert.deepStrictEqual(yield* pool.broadcast(count), [1, 1])
            assert.deepStrictEqual(yield* pool.broadcast(count), [2, 2])
            assert.strictEqual(yield* pool.run(count), 1)
            yield* untilStats(
              pool,
              "two new workers",
              ({ workers }) => workers.length === 2 && workers.every(({ state }) => state === "idle")
            )
          }))
          const lines = yield* Effect.replicateEffect(nextReport, 6)
          assert.deepStrictEqual(lines.sort(), ["built", "built", "released", "released", "released", "released"])
          yield* nothingReported
        }))
      )

      it.live(
        "that can't build their layer fail make with its error, and none is left",
        inProcesses(Effect.gen(function*() {
          yield* command("refuse")
          const error = yield* promptly(Effect.flip(make({ size: 1, worker: ordered })))
          assert.deepStrictEqual(error, new NotBuilt({ why: "refuse" }))
          assert.instanceOf(error, NotBuilt)
          assert.deepStrictEqual(yield* Mp.activeChildren, [])
        }))
      )

      it.live(
        "POOL-40 fail make when one of many can't be made, and the others are ended",
        inProcesses(Effect.gen(function*() {
          const making = yield* start(Effect.flip(make({ size: 5, worker: ordered })))
          for (const line of ["build", "build", "build", "refuse"]) yield* command(line)
          assert.instanceOf(yield* promptly(Fiber.join(making)), NotBuilt)
          assert.deepStrictEqual(yield* Mp.activeChildren, [])
        }))
      )

      it.live(
        "PPE-34 that can't build their layer later fail the pool, all that wait, and all that come; none is started again",
        inProcesses(Effect.gen(function*() {
          yield* command("build")
          const pool = yield* make({ size: 2, minSize: 1, worker: ordered, targets: [endless] })
          yield* reported("building")
          const running = yield* pool.submit(endless, "a")
          yield* begun("a")
          const waiting = yield* Effect.forEach(["b", "c"], (label) => pool.submit(endless, label))
          yield* reported("building")
          yield* command("refuse")
          for (const task of waiting) assert.instanceOf(yield* promptly(Effect.flip(task.result)), NotBuilt)
          assert.instanceOf(yield* Effect.flip(pool.run(square, 3)), NotBuilt)
          assert.instanceOf(yield* Effect.flip(pool.submit(square, 3)), NotBuilt)
          assert.instanceOf(yield* Effect.flip(pool.map(square, [1, 2])), NotBuilt)
          assert.strictEqual(yield* running.state, "running")
          yield* running.cancel
          yield* reported("a interrupted")
          yield* nothingReported
          // PPE-30
          yield* promptly(pool.shutdown())
          assert.deepStrictEqual(yield* Mp.activeChildren, [])
        }))
      )

      it.live(
        "PPE-25 that can't be started any more fail what waits with WorkerLost, and no task waits for ever",
        inProcesses(
          Effect.gen(function*() {
            const pool = yield* make({ size: 1, maxTasksPerWorker: 1 })
            const tasks = yield* Effect.forEach([1, 2, 3], (n) => pool.submit(square, n))
            assert.strictEqual(yield* tasks[0]!.result, 1)
            for (const task of tasks.slice(1)) isLost(yield* promptly(Effect.flip(task.result)), "StartFailed")
            isLost(yield* promptly(Effect.flip(pool.run(square, 3))), "StartFailed")
            yield* promptly(pool.shutdown())
          }).pipe(Effect.provide(onlyStarts(1)))
        )
      )

      it.live(
        "PPE-25 that can't be started any more while the pool is drained do not keep it from its end",
        inProcesses(
          Effect.gen(function*() {
            const pool = yield* make({ size: 1, maxTasksPerWorker: 1 })
            const tasks = yield* Effect.forEach([1, 2, 3], (n) => pool.submit(square, n))
            yield* promptly(pool.shutdown())
            assert.strictEqual(yield* tasks[0]!.result, 1)
            for (const task of tasks.slice(1)) isLost(yield* promptly(Effect.flip(task.result)), "StartFailed")
          }).pipe(Effect.provide(onlyStarts(1)))
        )
      )

      it.live(
        "that can't be started at first fail make, and none is left",
        inProcesses(
          Effect.gen(function*() {
            const error = yield* promptly(Effect.flip(make({ size: 3 })))
            assert.instanceOf(error, Mp.SpawnError)
            assert.deepStrictEqual(yield* Mp.activeChildren, [])
          }).pipe(Effect.provide(onlyStarts(1)))
        )
      )

      it.live(
        "are those of one pool: two pools do not disturb each other",
        inProcesses(Effect.gen(function*() {
          const first = yield* make({ name: "First", size: 1 })
          const second = yield* make({ name: "Second", size: 1, targets: [waits] })
          const waiting = yield* second.submit(waits, "a")
          yield* begun("a")
          assert.strictEqual(yield* first.run(workerName), "First-Worker-1")
          yield* first.shutdown()
          assert.deepStrictEqual((yield* Mp.activeChildren).map(({ name }) => name), ["Second-Worker-1"])
          yield* command("go on")
          assert.strictEqual(yield* waiting.result, "a")
        }))
      )

      it.live(
        "each run a broadcast once, also those that are busy, when they have time",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 3, targets: [waits] })
          assert.deepStrictEqual(
            yield* pool.broadcast(workerName),
            ["Pool-Worker-1", "Pool-Worker-2", "Pool-Worker-3"]
          )
          const busy = yield* pool.submit(waits, "a")
          yield* begun("a")
          const broadcast = yield* start(pool.broadcast(workerName))
          assert.isUndefined(broadcast.pollUnsafe())
          yield* command("go on")
          assert.strictEqual((yield* Fiber.join(broadcast)).length, 3)
          yield* busy.result
          yield* pool.shutdown()
          yield* isClosed(pool.broadcast(workerName))
        }))
      )

      it.live(
        "run a broadcast before tasks of the pool that came later",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, targets: [waits, tells] })
          const busy = yield* pool.submit(waits, "a")
          yield* begun("a")
          const first = yield* pool.submit(tells, "first")
          const broadcast = yield* start(pool.broadcast(tells, "broadcast"))
          const others = yield* Effect.forEach(numbers(200), (n) => pool.submit(tells, `${n}`))
          yield* command("go on")
          for (const task of [busy, first, ...others]) yield* task.result
          yield* Fiber.join(broadcast)
          const lines = yield* Effect.replicateEffect(nextReport, 202)
          assert.isBelow(lines.indexOf("broadcast"), 100)
        }))
      )
    })

    describe("tasks that wait", () => {
      it.live(
        "are run in the order of their priorities, also when others were sent ahead",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, targets: [waits, tells] })
          yield* pool.submit(waits, "first")
          yield* begun("first")
          const tasks: Array<Mp.Pool.Task<void, unknown>> = []
          const order = [["low", -1], ["none", 0], ["high", 5], ["middle", 1], ["none too", undefined]] as const
          for (const [label, priority] of order) tasks.push(yield* pool.submit(tells, label, { priority }))
          assert.strictEqual((yield* pool.stats).queued, 5)
          yield* command("go on")
          for (const task of tasks) yield* task.result
          for (const label of ["high", "middle", "none", "none too", "low"]) yield* reported(label)
        }))
      )

      it.live(
        "are no more than maxQueued: submit and run wait for room",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, maxQueued: 2, targets: [waits] })
          const running = yield* pool.submit(waits, "a")
          yield* begun("a")
          const queued = yield* Effect.forEach(["b", "c"], (label) => promptly(pool.submit(waits, label)))
          const submitting = yield* start(pool.submit(waits, "d"))
          const gaveUp = yield* start(pool.run(waits, "never"))
          const last = yield* start(pool.run(waits, "e"))
          yield* Effect.replicateEffect(Effect.yieldNow, 20)
          assert.isUndefined(submitting.pollUnsafe())
          assert.strictEqual((yield* pool.stats).queued, 2)
          yield* Fiber.interrupt(gaveUp)
          for (const _ of [running, ...queued, submitting, last]) yield* command("go on")
          const submitted = yield* promptly(Fiber.join(submitting))
          assert.strictEqual(yield* promptly(submitted.result), "d")
          assert.strictEqual(yield* promptly(Fiber.join(last)), "e")
          yield* begun("b", "c", "d", "e")
          yield* nothingReported
        }))
      )

      it.live(
        "learn of the end of the pool also where they wait for room",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, maxQueued: 1, targets: [endless] })
          yield* pool.submit(endless, "a")
          yield* begun("a")
          yield* pool.submit(endless, "b")
          const waiting = yield* start(pool.submit(endless, "c"))
          yield* promptly(pool.shutdown({ mode: "interrupt" }))
          yield* isClosed(promptly(Fiber.join(waiting)))
        }))
      )

      it.live(
        "FUT-01, PPE-36 can all be cancelled, also those that were sent ahead, and are not run",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, targets: [waits, tells] })
          const running = yield* pool.submit(waits, "first")
          yield* begun("first")
          const tasks = yield* Effect.forEach(numbers(300), (n) => pool.submit(tells, `${n}`))
          for (const [n, task] of tasks.entries()) {
            if (n === 150) continue
            yield* task.cancel
            yield* task.cancel
            assert.strictEqual(yield* task.state, "done")
          }
          yield* command("go on")
          assert.strictEqual(yield* running.result, "first")
          yield* tasks[150]!.result
          yield* reported("150")
          yield* nothingReported
          assert.isTrue(isInterruption(yield* tasks[0]!.await))
          yield* running.cancel
          assert.strictEqual(yield* running.result, "first")
        }))
      )

      it.live(
        "PPED-16 may be submitted faster than workers start",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2, minSize: 0 })
          const tasks = yield* Effect.forEach(numbers(100), (n) => pool.submit(square, n), { concurrency: "unbounded" })
          const values = yield* promptly(Effect.forEach(tasks, (task) => task.result))
          assert.deepStrictEqual(values, squaresOf(numbers(100)))
        }))
      )

      it.live(
        "are not overtaken while their worker is told of their target",
        inProcesses(
          Effect.gen(function*() {
            const pool = yield* make({ size: 1 })
            yield* pool.run(square, 1)
            // Of a target that the pool was made for, its workers are told before any task.
            const unknown = slowToTell as unknown as Mp.Target.Target<string, void, never, never>
            const tasks = yield* Effect.forEach(["a", "b", "c"], (label) => start(pool.run(unknown, label)))
            assert.deepStrictEqual([yield* nextReport, yield* nextReport, yield* nextReport], ["a", "b", "c"])
            yield* Effect.forEach(tasks, Fiber.join)
          }).pipe(Effect.provide(Slow.layer("")))
        )
      )
    })

    describe("a task that is interrupted", () => {
      it.live(
        "FUT-01 ends with its finalizers before its interruption returns, and the tasks sent ahead are run",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, targets: [endless, tells] })
          const running = yield* start(pool.run(endless, "a"))
          yield* begun("a")
          const tasks = yield* Effect.forEach(["b", "c"], (label) => pool.submit(tells, label))
          yield* promptly(Fiber.interrupt(running))
          yield* reported("a interrupted")
          for (const task of tasks) yield* task.result
          yield* reported("b")
          yield* reported("c")
          const { failed, lost, workers } = yield* pool.stats
          assert.deepStrictEqual({ failed, lost, workers: workers.length }, { failed: 1, lost: 0, workers: 1 })
          assert.strictEqual(yield* pool.run(workerName), "Pool-Worker-1")
        }))
      )

      it.live(
        "ends by a time limit, and its worker lives on",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, targets: [endless] })
          // Virtual time would be over before the target is loaded.
          const loading = yield* start(pool.run(endless, "first"))
          yield* begun("first")
          yield* Fiber.interrupt(loading)
          yield* reported("first interrupted")
          const limited = Effect.timeoutOption(pool.run(endless, "a"), "1 second")
          assert.deepStrictEqual(yield* promptly(limited), Option.none())
          yield* begun("a")
          yield* reported("a interrupted")
          assert.strictEqual(yield* pool.run(workerName), "Pool-Worker-1")
        }))
      )

      it.live(
        "PPES-07 at any moment is over soon, and costs no worker",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, gracePeriod: "1 minute" })
          for (let n = 0; n < 100; n++) {
            const before = yield* pool.submit(square, n)
            const task = yield* pool.submit(silent)
            if (n % 3 === 0) yield* before.result
            if (n % 3 === 1) yield* Effect.yieldNow
            yield* promptly(task.cancel)
            yield* before.result
          }
          for (let n = 0; n < 100; n++) {
            const running = yield* start(pool.run(silent))
            if (n % 2 === 0) yield* Effect.yieldNow
            yield* promptly(Fiber.interrupt(running))
          }
          assert.strictEqual(yield* pool.run(workerName), "Pool-Worker-1")
          const last = yield* pool.submit(silent)
          yield* promptly(last.cancel)
          yield* promptly(pool.shutdown())
        }))
      )

      if (abilities.interpreter) {
        it.live(
          "and does not listen is ended with its worker after the grace period; the tasks sent ahead are run",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 1, gracePeriod: "200 millis", targets: [runaway, tells] })
            const running = yield* pool.submit(runaway, undefined, { idempotent: true })
            yield* reported("spinning")
            const tasks = yield* Effect.forEach(["b", "c"], (label) => pool.submit(tells, label))
            yield* promptly(running.cancel)
            assert.isTrue(isInterruption(yield* running.await))
            for (const task of tasks) yield* promptly(task.result)
            yield* reported("b")
            yield* reported("c")
            yield* nothingReported
            assert.strictEqual(yield* pool.run(workerName), "Pool-Worker-2")
          }))
        )

        it.live(
          "does not disturb a neighbour whose worker is another one, also when it has to be killed",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 2, gracePeriod: "200 millis", targets: [runaway, waits] })
            const neighbour = yield* pool.submit(waits, "a")
            yield* begun("a")
            const running = yield* start(pool.run(runaway))
            yield* reported("spinning")
            yield* promptly(Fiber.interrupt(running))
            yield* nothingReported
            yield* command("go on")
            assert.strictEqual(yield* neighbour.result, "a")
          }))
        )
      }
    })

    if (abilities.signals) {
      describe("a worker that is killed", () => {
        it.live(
          "PPE-14, PPE-15 fails the task that it ran and no other; another worker takes its place",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 2, targets: [waits, tells] })
            const [a, b] = yield* Effect.forEach(["a", "b"], (label) => pool.submit(waits, label))
            yield* begun("a", "b")
            const ahead = yield* Effect.forEach(["c", "d", "e"], (label) => pool.submit(tells, label))
            yield* killWorker("Pool-Worker-1")
            const error = isLost(yield* promptly(Effect.flip(a!.result)), "Signaled")
            const { exitCode, pool: itsPool, target, worker } = error
            assert.deepStrictEqual(
              { exitCode, pool: itsPool, target, worker },
              { exitCode: -9, pool: "Pool", target: "waits", worker: "Pool-Worker-1" }
            )
            assert.match(error.message, /Pool-Worker-1 was ended by SIGKILL while it ran target "waits".*idempotent/)
            for (const task of ahead) yield* promptly(task.result)
            assert.deepStrictEqual((yield* Effect.replicateEffect(nextReport, 3)).sort(), ["c", "d", "e"])
            yield* killWorker("Pool-Worker-2")
            const other = isLost(yield* promptly(Effect.flip(b!.result)), "Signaled")
            assert.notStrictEqual(other, error)
            assert.strictEqual(other.worker, "Pool-Worker-2")
            assert.strictEqual(yield* pool.run(square, 3), 9)
            assert.strictEqual((yield* pool.stats).lost, 2)
          }))
        )

        it.live(
          "while it has nothing to do costs no task",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 1 })
            yield* killWorker("Pool-Worker-1")
            assert.strictEqual(yield* promptly(pool.run(workerName)), "Pool-Worker-2")
            assert.strictEqual((yield* pool.stats).lost, 0)
          }))
        )

        it.live(
          "does not cost an idempotent task, which is run again, as often as it may",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 1, maxLosses: 3, targets: [waits] })
            const task = yield* pool.submit(waits, "a", { idempotent: true })
            for (const n of [1, 2]) {
              yield* begun("a")
              yield* killWorker(`Pool-Worker-${n}`)
            }
            yield* begun("a")
            yield* command("go on")
            assert.strictEqual(yield* promptly(task.result), "a")
            assert.strictEqual((yield* pool.stats).lost, 2)

            const poisonous = yield* pool.submit(waits, "b", { idempotent: true })
            for (const n of [3, 4, 5]) {
              yield* begun("b")
              yield* killWorker(`Pool-Worker-${n}`)
            }
            const error = yield* promptly(Effect.flip(poisonous.result))
            assert.instanceOf(error, Mp.PoisonousTask)
            assert.strictEqual((error as Mp.PoisonousTask).losses, 3)
            isLost((error as Mp.PoisonousTask).last, "Signaled")
            assert.strictEqual(yield* pool.run(square, 3), 9)
          }))
        )

        it.live(
          "costs an idempotent task when its schedule says so",
          inProcesses(Effect.gen(function*() {
            const retry = Schedule.recurs(1)
            const pool = yield* make({ size: 1, maxLosses: 10, retry, targets: [waits] })
            const task = yield* pool.submit(waits, "a", { idempotent: true })
            for (const n of [1, 2]) {
              yield* begun("a")
              yield* killWorker(`Pool-Worker-${n}`)
            }
            isLost(yield* promptly(Effect.flip(task.result)), "Signaled")
          }))
        )

        it.live(
          "costs map a chunk, and map fails; with idempotent tasks it does not",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 1, targets: [waits] })
            const mapping = yield* start(Effect.flip(pool.map(waits, ["a", "b"], { chunkSize: 2 })))
            yield* begun("a")
            yield* killWorker("Pool-Worker-1")
            isLost(yield* promptly(Fiber.join(mapping)), "Signaled")
            const again = yield* start(pool.map(waits, ["a", "b"], { chunkSize: 1, idempotent: true }))
            yield* begun("a")
            yield* killWorker("Pool-Worker-2")
            yield* begun("a")
            yield* command("go on")
            yield* begun("b")
            yield* command("go on")
            assert.deepStrictEqual(yield* promptly(Fiber.join(again)), ["a", "b"])
          }))
        )

        it.live(
          "sends the queues of an idempotent task again",
          inProcesses(Effect.gen(function*() {
            const queue = yield* Mp.Queue.make({ item: Schema.String })
            const pool = yield* make({ size: 1, targets: [waits] })
            const first = yield* pool.submit(waits, "a")
            yield* begun("a")
            const task = yield* pool.submit(puts, { line: "here", queue }, { idempotent: true })
            yield* killWorker("Pool-Worker-1")
            isLost(yield* promptly(Effect.flip(first.result)), "Signaled")
            yield* promptly(task.result)
            assert.strictEqual(yield* promptly(queue.get()), "here")
          }))
        )

        it.live(
          "PPED-13 after the shutdown began costs its task; the shutdown returns",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 1, targets: [waits] })
            const lost = yield* pool.submit(waits, "a")
            const waiting = yield* pool.submit(waits, "b")
            yield* begun("a")
            const shutdown = yield* start(pool.shutdown())
            yield* killWorker("Pool-Worker-1")
            isLost(yield* promptly(Effect.flip(lost.result)), "Signaled")
            yield* begun("b")
            yield* command("go on")
            assert.strictEqual(yield* promptly(waiting.result), "b")
            yield* promptly(Fiber.join(shutdown))
          }))
        )
      })
    }

    if (abilities.interpreter) {
      describe("a worker that ends itself", () => {
        it.live(
          "PPED-06 by process.exit fails its task with the exit code",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 1, output: "ignore" })
            for (const code of [1, 0, 7]) {
              const error = isLost(yield* promptly(Effect.flip(pool.run(exits, code))), "Exited")
              assert.strictEqual(error.exitCode, code)
              assert.strictEqual(yield* pool.run(square, 3), 9)
            }
          }))
        )

        it.live(
          "by an error that escapes from a callback fails its task with that error",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 1, output: "ignore" })
            for (const [target, message] of [[throwsInTimer, "41 is wrong"], [rejects, "43 is wrong"]] as const) {
              const error = isLost(yield* promptly(Effect.flip(pool.run(target))), "Exited")
              assert.include(error.message, message)
              assert.strictEqual(yield* pool.run(square, 3), 9)
            }
          }))
        )

        it.live(
          "PPED-02 while it reads the payload fails its task, and no other",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 1, output: "ignore" })
            const task = yield* pool.submit(exitsOnArrival, "7")
            const next = yield* pool.submit(square, 3)
            assert.strictEqual(isLost(yield* promptly(Effect.flip(task.result)), "Exited").exitCode, 7)
            assert.strictEqual(yield* promptly(next.result), 9)
          }))
        )

        it.live(
          "PPED-09 while it writes the value fails its task, and no other",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 1, output: "ignore" })
            const task = yield* pool.submit(exitsOnDeparture, "7")
            const next = yield* pool.submit(square, 3)
            assert.strictEqual(isLost(yield* promptly(Effect.flip(task.result)), "Exited").exitCode, 7)
            assert.strictEqual(yield* promptly(next.result), 9)
          }))
        )

        it.live(
          "while the tasks before were idempotent, or were sent ahead, costs only what it ran",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 1, output: "ignore", targets: [obeys] })
            const first = yield* pool.submit(obeys, "a", { idempotent: true })
            const second = yield* pool.submit(obeys, "b")
            for (const line of ["exit", "exit", "done"]) {
              yield* begun("a")
              yield* command(line)
            }
            assert.strictEqual(yield* promptly(first.result), "a done")
            yield* begun("b")
            yield* command("exit")
            isLost(yield* promptly(Effect.flip(second.result)), "Exited")
          }))
        )
      })
    }

    if (abilities.ownPid) {
      describe("a worker with a process of its own", () => {
        it.live(
          "PPED-05 that crashes fails its task with the signal",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 1 })
            for (const [signal, exitCode] of [["SIGSEGV", -11], ["SIGKILL", -9]] as const) {
              const error = isLost(yield* promptly(Effect.flip(pool.run(signalsItself, signal))), "Signaled")
              assert.strictEqual(error.exitCode, exitCode)
              assert.include(error.message, signal)
              assert.strictEqual(yield* pool.run(square, 3), 9)
            }
          }))
        )

        it.live(
          "PPED-04 that crashes while it reads the payload fails its task with the signal",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 1 })
            const error = isLost(yield* promptly(Effect.flip(pool.run(crashesOnArrival, "SIGSEGV"))), "Signaled")
            assert.strictEqual(error.exitCode, -11)
            assert.strictEqual(yield* pool.run(square, 3), 9)
          }))
        )

        it.live(
          "PPED-08 that crashes while it writes the value fails its task with the signal",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 1 })
            const error = isLost(yield* promptly(Effect.flip(pool.run(crashesOnDeparture, "SIGSEGV"))), "Signaled")
            assert.strictEqual(error.exitCode, -11)
            assert.strictEqual(yield* pool.run(square, 3), 9)
          }))
        )

        it.live(
          "PPED-15 that crashes while large payloads are on their way to it costs one task after the other, and nobody hangs",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 2 })
            const payload = new Uint8Array(2 * 1024 * 1024)
            const tasks = yield* Effect.replicateEffect(pool.submit(crashes, payload), 10)
            for (const task of tasks) isLost(yield* promptly(Effect.flip(task.result)), "Signaled")
            assert.strictEqual(yield* pool.run(square, 3), 9)
          }))
        )

        it.live(
          "that has no room left in its heap fails its task with OutOfMemory",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 1, maxHeap: "64 MiB", output: "ignore" })
            isLost(
              yield* within("40 seconds", "the end of the worker")(Effect.flip(pool.run(fillsHeap))),
              "OutOfMemory"
            )
            assert.strictEqual(yield* pool.run(square, 3), 9)
          }))
        )

        it.live(
          "that takes more memory than it may finishes its task, and is replaced",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 1, maxMemory: "400 MiB" })
            assert.strictEqual(yield* pool.run(hoards, 1024), "Pool-Worker-1")
            assert.strictEqual(yield* pool.run(hoards, 500 * 1024 * 1024), "Pool-Worker-1")
            yield* untilStats(pool, "another worker", ({ recycled, workers }) => recycled === 1 && workers.length === 1)
            assert.strictEqual(yield* pool.run(hoards, 1024), "Pool-Worker-2")
            yield* untilStats(pool, "its memory", ({ workers }) => workers.some(({ memory }) => Option.isSome(memory)))
            assert.strictEqual((yield* pool.stats).lost, 0)
          }))
        )

        it.live(
          "that takes more memory than it may is stopped, if the pool is told so",
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size: 1, maxMemory: "400 MiB", onMaxMemory: "stop" })
            const error = isLost(yield* promptly(Effect.flip(pool.run(hoardsAndSpins, 500 * 1024 * 1024))), "Recycled")
            assert.include(error.message, "took more memory than maxMemory")
            assert.strictEqual(yield* pool.run(workerName), "Pool-Worker-2")
          }))
        )
      })
    } else {
      describe("a limit of memory", () => {
        it.live(
          "is not supported, and make says so",
          inProcesses(Effect.gen(function*() {
            const error = yield* Effect.flip(make({ size: 1, maxMemory: "400 MiB" }))
            assert.instanceOf(error, Mp.Unsupported)
            assert.match((error as Mp.Unsupported).message, /maxMemory/)
            assert.deepStrictEqual(yield* Mp.activeChildren, [])
          }))
        )
      })
    }

    describe("shutdown", () => {
      it.live(
        "PPES-01, PPE-32 takes no more tasks: all operations fail with PoolClosed, and no worker is left",
        inProcesses(Effect.gen(function*() {
          for (const mode of [undefined, "drain", "interrupt", "kill"] as const) {
            const pool = yield* make({ size: 2 })
            yield* promptly(pool.shutdown({ mode }))
            assert.deepStrictEqual(yield* Mp.activeChildren, [])
            yield* isClosed(pool.run(square, 1))
            yield* isClosed(pool.submit(square, 1))
            yield* isClosed(pool.map(square, [1, 2]))
            yield* isClosed(pool.map(square, []))
            yield* isClosed(pool.forEach(square, [1, 2]))
            yield* isClosed(Stream.runDrain(pool.imap(square, [1, 2])))
            yield* isClosed(Stream.runDrain(pool.imapUnordered(square, [1, 2])))
            yield* isClosed(Stream.runDrain(Stream.make(1, 2).pipe(pool.stream(square))))
            assert.deepStrictEqual((yield* pool.stats).workers, [])
          }
        }))
      )

      it.live(
        "POOL-25 finishes what was submitted; a second one does nothing, and results can be asked for afterwards",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2, targets: [waits] })
          const tasks = yield* Effect.forEach(["a", "b", "c"], (label) => pool.submit(waits, label))
          yield* begun("a", "b")
          const first = yield* start(pool.shutdown())
          const second = yield* start(pool.shutdown())
          yield* isClosed(pool.run(square, 1))
          assert.deepStrictEqual([first.pollUnsafe(), second.pollUnsafe()], [undefined, undefined])
          for (const _ of tasks) yield* command("go on")
          yield* promptly(Fiber.join(first))
          yield* promptly(Fiber.join(second))
          yield* promptly(pool.shutdown())
          yield* promptly(pool.shutdown({ mode: "kill" }))
          assert.deepStrictEqual(yield* Effect.forEach(tasks, (task) => task.result), ["a", "b", "c"])
          assert.deepStrictEqual(yield* Mp.activeChildren, [])
        }))
      )

      it.live(
        "PPES-04, PPES-11 that nobody waits for finishes what was submitted",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 5 })
          const tasks = yield* Effect.forEach(numbers(50), (n) => pool.submit(square, n))
          const shutdown = yield* start(pool.shutdown())
          assert.deepStrictEqual(yield* Effect.forEach(tasks, (task) => task.result), squaresOf(numbers(50)))
          yield* promptly(Fiber.join(shutdown))
          assert.deepStrictEqual(yield* Mp.activeChildren, [])
        }))
      )

      it.live(
        "PPES-06 that was begun and interrupted goes on: the next one, and the scope, wait for it",
        inProcesses(Effect.gen(function*() {
          const scope = yield* Scope.make()
          const pool = yield* Scope.provide(make({ size: 1, targets: [waits] }), scope)
          const task = yield* pool.submit(waits, "a")
          yield* begun("a")
          assert.deepStrictEqual(yield* Effect.timeoutOption(pool.shutdown(), "20 millis"), Option.none())
          const closing = yield* start(Scope.close(scope, Exit.void))
          assert.isUndefined(closing.pollUnsafe())
          yield* command("go on")
          assert.strictEqual(yield* promptly(task.result), "a")
          yield* promptly(Fiber.join(closing))
          yield* promptly(pool.shutdown())
          assert.deepStrictEqual(yield* Mp.activeChildren, [])
        }))
      )

      it.live(
        "POOL-22 by interruption fails what waits and what runs with PoolClosed, soon, however much it is",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 3, targets: [endless] })
          const running = yield* Effect.forEach(["a", "b", "c"], (label) => pool.submit(endless, label))
          yield* begun("a", "b", "c")
          const tasks = yield* Effect.forEach(numbers(10_000), () => pool.submit(silent))
          yield* promptly(pool.shutdown({ mode: "interrupt" }))
          for (const task of [...running, ...tasks]) yield* isClosed(task.result)
          const lines = yield* Effect.replicateEffect(nextReport, 3)
          assert.deepStrictEqual(lines.sort(), ["a interrupted", "b interrupted", "c interrupted"])
          assert.deepStrictEqual(yield* Mp.activeChildren, [])
        }))
      )

      it.live(
        "PPES-05 by interruption keeps the values of what was done, and every task is done one way or the other",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 5, targets: [waits] })
          const tasks = yield* Effect.forEach(numbers(50), (n) => pool.submit(waits, `${n}`))
          yield* command("go on")
          yield* Effect.raceAllFirst(tasks.map((task) => task.await))
          yield* promptly(pool.shutdown({ mode: "interrupt" }))
          const exits = yield* promptly(Effect.forEach(tasks, (task) => task.await))
          assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
          const errors = exits.filter(Exit.isFailure).map(({ cause }) => Cause.squash(cause))
          assert.strictEqual(errors.filter((error) => error instanceof Mp.PoolClosed).length, 49)
        }))
      )

      it.live(
        "PPE-28 by force ends every worker at once; a task that was blocked never goes on",
        inProcesses(Effect.gen(function*() {
          for (const mode of ["interrupt", "kill"] as const) {
            const pool = yield* make({ size: 2, targets: [waits] })
            const task = yield* pool.submit(waits, "a")
            yield* begun("a")
            yield* promptly(pool.shutdown({ mode }))
            yield* isClosed(task.result)
            assert.deepStrictEqual(yield* Mp.activeChildren, [])
            const left = yield* Reports.use((reports) => reports.qsize)
            // What has no process of its own is ended by interruption.
            if (left > 0 && !(mode === "kill" && abilities.ownPid)) yield* reported("a interrupted")
            yield* nothingReported
          }
        }))
      )

      it.live(
        "PPE-24 by force starts no worker any more, also where one was just replaced",
        inProcesses(Effect.gen(function*() {
          for (const mode of ["interrupt", "kill"] as const) {
            const pool = yield* make({ size: 1, maxTasksPerWorker: 1, targets: [endless] })
            const first = yield* pool.submit(square, 3)
            const others = yield* Effect.forEach(["a", "b"], (label) => pool.submit(endless, label))
            yield* first.result
            yield* promptly(pool.shutdown({ mode }))
            for (const task of others) yield* isClosed(task.result)
            assert.deepStrictEqual(yield* Mp.activeChildren, [])
            assert.deepStrictEqual((yield* pool.stats).workers, [])
            for (let left = yield* Reports.use((reports) => reports.qsize); left > 0; left--) yield* nextReport
          }
        }))
      )

      it.live(
        "PPE-31 of a pool that has no worker yet has nothing to do",
        inProcesses(Effect.gen(function*() {
          for (const mode of ["drain", "interrupt", "kill"] as const) {
            const pool = yield* make({ size: 2, minSize: 0 })
            yield* promptly(pool.shutdown({ mode }))
            assert.deepStrictEqual(yield* Mp.activeChildren, [])
          }
        }))
      )

      it.live(
        "PPE-30, PPE-35 of a pool that has failed succeeds, and leaves nothing",
        inProcesses(
          Effect.gen(function*() {
            for (const mode of ["drain", "interrupt", "kill"] as const) {
              const pool = yield* make({ size: 1, minSize: 0 })
              isLost(yield* promptly(Effect.flip(pool.run(square, 3))), "StartFailed")
              yield* promptly(pool.shutdown({ mode }))
              assert.deepStrictEqual(yield* Mp.activeChildren, [])
            }
          }).pipe(Effect.provide(onlyStarts(0)))
        )
      )

      it.live(
        "with a timeout interrupts what is not finished when it passes",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, targets: [endless, waits] })
          const task = yield* pool.submit(endless, "a")
          yield* begun("a")
          yield* promptly(pool.shutdown({ timeout: "100 millis" }))
          yield* reported("a interrupted")
          yield* isClosed(task.result)
          const another = yield* make({ size: 1, targets: [waits] })
          const done = yield* another.submit(waits, "b")
          yield* begun("b")
          yield* command("go on")
          yield* promptly(another.shutdown({ timeout: "20 seconds" }))
          assert.strictEqual(yield* done.result, "b")
        }))
      )

      it.live(
        "that is in a greater hurry overtakes one that waits",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1, targets: [endless] })
          const task = yield* pool.submit(endless, "a")
          yield* begun("a")
          const patient = yield* start(pool.shutdown())
          yield* promptly(pool.shutdown({ mode: "interrupt" }))
          yield* promptly(Fiber.join(patient))
          yield* isClosed(task.result)
        }))
      )

      it.live(
        "POOL-36, PPE-26, PPE-23 replaces worn-out workers until all that was submitted is done",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 3, maxTasksPerWorker: 1 })
          const tasks = yield* Effect.forEach(numbers(6), (n) => pool.submit(square, n))
          const shutdown = yield* start(pool.shutdown())
          const values = yield* promptly(Effect.forEach(tasks, (task) => task.result))
          assert.deepStrictEqual(values, squaresOf(numbers(6)))
          yield* promptly(Fiber.join(shutdown))
          assert.deepStrictEqual(yield* Mp.activeChildren, [])
        }))
      )

      it.live.each([2, 4])(
        "PPES-12 at once after a task that fails in a worker that is worn out does not hang: %d workers",
        (size) =>
          inProcesses(Effect.gen(function*() {
            const pool = yield* make({ size, maxTasksPerWorker: 1 })
            const task = yield* pool.submit(halve, 1)
            const shutdown = yield* start(pool.shutdown())
            assert.instanceOf(yield* promptly(Effect.flip(task.result)), Odd)
            yield* promptly(Fiber.join(shutdown))
          }))()
      )

      it.live(
        "PPED-14 at once after a payload that does not fit returns, and the failure is the caller's",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2 })
          const submitting = yield* start(Effect.flip(pool.submit(square, "unfit" as unknown as number)))
          yield* promptly(pool.shutdown())
          const error = yield* promptly(Fiber.join(submitting))
          assert.instanceOf(error, Mp.EncodeError)
        }))
      )
    })

    describe("the scope of a pool", () => {
      it.live(
        "POOL-23, PPES-02, PPES-09 that succeeds waits for what was submitted, then ends all workers",
        inProcesses(Effect.gen(function*() {
          const scope = yield* Scope.make()
          const pool = yield* Scope.provide(make({ size: 1, targets: [waits] }), scope)
          assert.deepStrictEqual(
            yield* pool.map(square, numbers(10).map((n) => n - 5)),
            squaresOf(numbers(10).map((n) => n - 5))
          )
          const tasks = yield* Effect.forEach(["a", "b"], (label) => pool.submit(waits, label))
          yield* begun("a")
          const closing = yield* start(Scope.close(scope, Exit.void))
          assert.isUndefined(closing.pollUnsafe())
          yield* command("go on")
          yield* begun("b")
          yield* command("go on")
          yield* promptly(Fiber.join(closing))
          assert.deepStrictEqual(yield* Effect.forEach(tasks, (task) => task.result), ["a", "b"])
          assert.deepStrictEqual(yield* Mp.activeChildren, [])
          yield* isClosed(pool.map(square, [1]))
        }))
      )

      it.live(
        "POOL-23 that fails or is interrupted interrupts what runs, and fails what waits",
        inProcesses(Effect.gen(function*() {
          for (const exit of [Exit.fail("no"), Exit.interrupt(1), Exit.die("no")]) {
            const scope = yield* Scope.make()
            const pool = yield* Scope.provide(make({ size: 1, targets: [endless] }), scope)
            const tasks = yield* Effect.forEach(["a", "b"], (label) => pool.submit(endless, label))
            yield* begun("a")
            yield* promptly(Scope.close(scope, exit))
            yield* reported("a interrupted")
            for (const task of tasks) yield* isClosed(task.result)
            yield* nothingReported
            assert.deepStrictEqual(yield* Mp.activeChildren, [])
          }
        }))
      )

      it.live(
        "POOL-24, PPES-03 can't be opened again: after it, and in its earlier finalizers, the pool is closed",
        inProcesses(Effect.gen(function*() {
          const seen = yield* Deferred.make<unknown>()
          const pool = yield* Effect.scoped(Effect.gen(function*() {
            let pool: Mp.Pool.Pool | undefined
            yield* Effect.addFinalizer(() =>
              Effect.flatMap(Effect.exit(pool!.submit(square, 1)), (exit) => Deferred.succeed(seen, exit))
            )
            pool = yield* make({ size: 1 })
            return pool
          }))
          const exit = (yield* Deferred.await(seen)) as Exit.Exit<unknown, unknown>
          assert.instanceOf(Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined, Mp.PoolClosed)
          yield* isClosed(pool.run(square, 1))
          yield* promptly(pool.shutdown())
        }))
      )

      it.live(
        "leaves no worker behind when make is interrupted",
        inProcesses(Effect.gen(function*() {
          const making = yield* start(Effect.scoped(make({ size: 2, worker: ordered })))
          yield* reported("building")
          yield* promptly(Fiber.interrupt(making))
          assert.deepStrictEqual(yield* Mp.activeChildren, [])
        }))
      )

      it.live("may be larger than that of the layer: the pool ends with the layer", () =>
        Effect.gen(function*() {
          const pool = yield* make({ size: 2 }).pipe(Effect.provide(layer))
          yield* isClosed(pool.run(square, 3))
        }).pipe(Effect.scoped, promptly))

      it.live("may be larger than that of the layer: what was submitted is finished before", () =>
        Effect.gen(function*() {
          const [task, value] = yield* Effect.gen(function*() {
            const pool = yield* make({ size: 2 })
            return [yield* pool.submit(square, 4), yield* pool.run(square, 3)] as const
          }).pipe(Effect.provide(layer))
          assert.strictEqual(value, 9)
          assert.strictEqual(yield* task.result, 16)
        }).pipe(Effect.scoped, promptly))

      it.live(
        "is that of its layer, if it is a service",
        inProcesses(Effect.gen(function*() {
          class Squares extends Mp.Pool.Service<Squares>()("test/Squares", { size: 1, targets: [square] }) {}
          const values = yield* Squares.use((pool) => pool.map(square, [1, 2, 3])).pipe(Effect.provide(Squares.layer))
          assert.deepStrictEqual(values, [1, 4, 9])
          const worker = Squares.use((pool) => pool.run(workerName)).pipe(Effect.provide(Squares.layer))
          assert.strictEqual(yield* worker, "test/Squares-Worker-1")
          assert.deepStrictEqual(yield* Mp.activeChildren, [])
        }))
      )
    })

    describe("what a pool tells of itself", () => {
      it.live(
        "is how many tasks wait, run and are over, and what its workers do",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 2, targets: [waits] })
          const tasks = yield* Effect.forEach(["a", "b", "c"], (label) => pool.submit(waits, label))
          yield* begun("a", "b")
          const busy = yield* pool.stats
          assert.deepStrictEqual([busy.queued, busy.running, busy.completed, busy.failed, busy.lost], [1, 2, 0, 0, 0])
          assert.deepStrictEqual(busy.workers.map(({ state, tasks }) => ({ state, tasks })), [
            { state: "busy", tasks: 0 },
            { state: "busy", tasks: 0 }
          ])
          for (const _ of tasks) yield* command("go on")
          for (const task of tasks) yield* task.result
          yield* Effect.exit(pool.run(halve, 1))
          const after = yield* pool.stats
          assert.deepStrictEqual([after.queued, after.running, after.completed, after.failed], [0, 0, 3, 1])
          assert.strictEqual(after.workers.reduce((sum, { tasks }) => sum + tasks, 0), 4)
          for (const { memory, name, state, utilization } of after.workers) {
            assert.strictEqual(state, "idle")
            assert.match(name, /^Pool-Worker-[12]$/)
            assert.isAtLeast(utilization, 0)
            assert.isAtMost(utilization, 1)
            assert.deepStrictEqual(memory, Option.none())
          }
        }))
      )

      it.live(
        "comes as a stream, at once and again, until the pool is shut down",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ size: 1 })
          const seen = yield* Deferred.make<void>()
          let count = 0
          const watching = yield* start(Stream.runForEach(pool.progress, ({ workers }) => {
            assert.isAtMost(workers.length, 1)
            return ++count === 3 ? Deferred.succeed(seen, undefined) : Effect.void
          }))
          yield* promptly(Deferred.await(seen))
          yield* pool.shutdown()
          yield* promptly(Fiber.join(watching))
        }))
      )

      it.live(
        "is in Effect's metrics, by the name of the pool, and no gauge of a worker outlives it",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({ name: `Metered ${name}`, size: 1, maxTasksPerWorker: 3 })
          const own = Effect.map(
            Metric.snapshot,
            (metrics) => metrics.filter(({ attributes }) => attributes?.["pool"] === pool.name)
          )
          const stateOf = (id: string) =>
            Effect.map(
              own,
              (metrics) => metrics.find((metric) => metric.id === `effect_multiprocessing_pool_${id}`)?.state
            )
          yield* pool.map(square, numbers(3), { chunkSize: 1 })
          yield* Effect.exit(pool.run(halve, 1))
          for (const [what, count] of [["completed", 3], ["failed", 1]] as const) {
            yield* eventually(
              `${count} tasks that are counted as ${what}`,
              Effect.map(stateOf(`tasks_${what}`), (state) => Equal.equals(state, { count, incremental: true }))
            )
          }
          assert.deepStrictEqual(yield* stateOf("queued"), { value: 0 } as never)
          const ran = (yield* stateOf("ran_milliseconds")) as unknown as { readonly count: number }
          assert.strictEqual(ran.count, 4)
          yield* untilStats(pool, "the end of the first worker", ({ workers }) => workers.length === 1)
          yield* pool.shutdown()
          assert.deepStrictEqual(yield* stateOf("workers_recycled"), { count: 1, incremental: true } as never)
          const ofWorkers = (yield* own).filter(({ attributes }) => attributes?.["worker"] !== undefined)
          assert.deepStrictEqual(ofWorkers, [])
        }))
      )
    })

    describe("options of a pool that can't be right", () => {
      const bad: ReadonlyArray<readonly [options: Mp.Pool.Options, problem: RegExp]> = [
        [{ size: 2, minSize: 3 }, /minSize is 3, and must be a whole number from 0 to size, which is 2/],
        [{ minSize: -1 }, /minSize is -1/],
        [{ minSize: 0.5 }, /minSize is 0.5/],
        [{ maxQueued: 0 }, /maxQueued is 0/],
        [{ maxLosses: 0 }, /maxLosses is 0/],
        [{ maxTasksPerWorker: 0 }, /maxTasksPerWorker is 0/],
        [{ maxHeap: 0 }, /maxHeap is 0, and must be a size in bytes/],
        [{ maxHeap: "many" as never }, /maxHeap is many/],
        [{ maxMemory: -5 }, /maxMemory is -5/]
      ]
      for (const [options, problem] of bad) {
        it.live(
          `fail make and say what is wrong: ${JSON.stringify(options)}`,
          inProcesses(Effect.gen(function*() {
            yield* isInvalid(make({ name: "Wrong", ...options }), problem)
            yield* isInvalid(make({ name: "Wrong", ...options }), /^Wrong: make: /)
            assert.deepStrictEqual(yield* Mp.activeChildren, [])
          }))
        )
      }

      it.live(
        "do not hide those that are: Infinity means no limit",
        inProcesses(Effect.gen(function*() {
          const pool = yield* make({
            size: 1,
            maxQueued: Infinity,
            maxTasksPerWorker: Infinity,
            maxLosses: Infinity,
            idleTimeToLive: Duration.infinity,
            gracePeriod: 0
          })
          assert.strictEqual(yield* pool.run(square, 3), 9)
        }))
      )
    })
  })
}
