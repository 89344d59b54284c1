/**
 * Queues and pipes between processes, however these were started. Takes a layer of `Hub` and `Spawner`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Schema, Scope } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Mp from "../../src/index.ts"
import { Bulk, bulk } from "../fixtures/objects/bulk.ts"
import { drains } from "../fixtures/objects/drains.ts"
import { echoesBytes, echoesValues } from "../fixtures/objects/echoes.ts"
import { ends } from "../fixtures/objects/ends.ts"
import { fills } from "../fixtures/objects/fills.ts"
import { handles } from "../fixtures/objects/handles.ts"
import { putHastily, putsHastily, takeHastily, takesHastily } from "../fixtures/objects/hasty.ts"
import { hogs, hogsOnce } from "../fixtures/objects/hogs.ts"
import { jots } from "../fixtures/objects/jots.ts"
import { leaves } from "../fixtures/objects/leaves.ts"
import { listens } from "../fixtures/objects/listens.ts"
import { marks, takesMarks } from "../fixtures/objects/marks.ts"
import { Jobs, JobsOnce, Line, Marks, Numbers, Reports, Six, Values } from "../fixtures/objects/objects.ts"
import { pauses } from "../fixtures/objects/pauses.ts"
import { polls } from "../fixtures/objects/polls.ts"
import { puts } from "../fixtures/objects/puts.ts"
import { Letters, receivesEnds } from "../fixtures/objects/receivesEnds.ts"
import { says } from "../fixtures/objects/says.ts"
import { streamsLines, streamsTuples, Tenth } from "../fixtures/objects/streams.ts"
import { takes } from "../fixtures/objects/takes.ts"
import { toils } from "../fixtures/objects/toils.ts"
import { topLevel } from "../fixtures/objects/topLevel.ts"
import { submits, works } from "../fixtures/objects/works.ts"
import { withChildrenOf } from "../support/children.ts"
import { temporaryDirectory } from "../support/processes.ts"
import { Random, seed, seedNote } from "../support/random.ts"
import { give } from "../support/sides.ts"
import type { Abilities } from "../support/spawners.ts"
import { within } from "../support/waiting.ts"

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

type Period = readonly [start: number, end: number]

const bytesOf = (text: string) => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/** Lets go of the parent's own copy of the end that its child has. */
const closeRight = Effect.flatMap(Line.right, (right) => right.close)

export const childrenSuite = (
  name: string,
  layer: Layer.Layer<Mp.Hub.Hub | Mp.Spawner.Spawner>,
  abilities: Abilities
): void => {
  const withChildren = withChildrenOf(layer)

  describe(`between processes that are ${name}`, () => {
    describe("a queue and other processes", () => {
      it.live(
        "QUEUE-03 is empty and not full when another process has drained it",
        withChildren(Six.layer)(Effect.gen(function*() {
          const queue = yield* Six
          for (const n of range(0, 6)) yield* queue.put(n)
          assert.isTrue(yield* queue.full)
          assert.deepStrictEqual(yield* Mp.Process.run(drains, 6), range(0, 6))
          assert.deepStrictEqual([yield* queue.empty, yield* queue.full], [true, false])
        }))
      )

      it.live(
        "QUEUE-04 gives what a child put in its order, by every form of get",
        withChildren(Numbers.layer)(Effect.gen(function*() {
          const queue = yield* Numbers
          yield* Mp.Process.run(puts, range(0, 4))
          const got = [
            yield* queue.get(),
            yield* queue.get({}),
            yield* queue.get({ timeout: "1 second" }),
            yield* queue.getNowait
          ]
          assert.deepStrictEqual(got, range(0, 4))
        }))
      )

      it.live(
        "QUEUE-08 keeps what was put before a child started and what the child put, also when it has ended",
        withChildren(Numbers.layer)(Effect.gen(function*() {
          const queue = yield* Numbers
          for (const n of range(0, 10)) yield* queue.put(n)
          const child = yield* Mp.Process.spawn(puts, range(10, 20))
          yield* child.join()
          assert.deepStrictEqual(yield* Effect.replicateEffect(queue.get(), 20), range(0, 20))
          assert.strictEqual((yield* Effect.flip(queue.getNowait))._tag, "Empty")
        }))
      )

      it.live(
        "QUEUE-09 keeps the order of each of several children",
        withChildren(Numbers.layer)(Effect.gen(function*() {
          const queue = yield* Numbers
          const starts = [0, 1000, 2000]
          yield* Effect.forEach(starts, (from) => Mp.Process.spawn(puts, range(from, from + 200)), {
            concurrency: "unbounded"
          })
          const got = yield* Effect.replicateEffect(queue.get(), 600)
          for (const from of starts) {
            assert.deepStrictEqual(got.filter((n) => n >= from && n < from + 1000), range(from, from + 200))
          }
        }))
      )

      it.live(
        "QUEUE-09 gives its items in their order, whoever takes them: those who pause keep none from the others",
        withChildren(Layer.mergeAll(Marks.layer, Numbers.layer, Reports.layer))(
          Effect.gen(function*() {
            const [marks, numbers, reports] = [yield* Marks, yield* Numbers, yield* Reports]
            for (const _ of range(0, 2)) yield* Mp.Process.spawn(pauses, undefined, { daemon: true })
            for (const n of range(0, 1000)) yield* numbers.put(n)
            const turn = (first: number) =>
              Effect.gen(function*() {
                yield* marks.put(true)
                assert.strictEqual(yield* reports.get(), range(first, first + 3).join())
                assert.strictEqual(yield* numbers.get(), first + 3)
              })
            for (const n of range(0, 60)) yield* turn(4 * n)
          }).pipe(within("20 seconds", "turns of three who take from a queue"))
        )
      )

      it.live(
        "QUEUE-21 can be used while a module is imported",
        withChildren(Layer.empty)(Effect.gen(function*() {
          assert.strictEqual(yield* Mp.Process.run(topLevel), "at the top level")
        }))
      )

      it.live(
        "QUEUE-26 travels in a payload, alone, among others, and on to the child of a child",
        withChildren(Layer.empty)(Effect.gen(function*() {
          const queues = yield* Effect.replicateEffect(Mp.Queue.make({ item: Schema.String }), 3)
          const jobs = yield* Mp.JoinableQueue.make({ item: Schema.String })
          const lines = yield* Mp.SimpleQueue.make({ item: Schema.String })
          yield* Mp.Process.run(handles, { name: "child", queues, jobs, lines, generations: 1 })
          for (const queue of [...queues, jobs, lines]) {
            assert.deepStrictEqual([yield* queue.get(), yield* queue.get()], ["child", "child of child"])
            assert.isTrue(yield* queue.empty)
          }
        }))
      )

      it.live(
        "QUEUE-19 may be closed by the parent as soon as the child has started",
        withChildren(Numbers.layer)(Effect.gen(function*() {
          const queue = yield* Numbers
          const other = yield* give(Numbers, queue, yield* Mp.Hub.Hub)
          const child = yield* Mp.Process.spawn(puts, [1, 2])
          yield* queue.close
          yield* child.join()
          assert.deepStrictEqual([yield* other.get(), yield* other.get()], [1, 2])
        }))
      )

      it.live(
        "joining a child before its megabyte is taken does not deadlock",
        withChildren(Bulk.layer)(Effect.gen(function*() {
          const child = yield* Mp.Process.spawn(bulk)
          yield* child.join()
          const queue = yield* Bulk
          assert.strictEqual(yield* queue.qsize, 1024)
          for (let i = 0; i < 1024; i++) assert.strictEqual((yield* queue.get()).length, 1024)
        }))
      )

      if (abilities.interpreter) {
        it.live(
          "is worked on by all who take from it, however long each of them works on an item",
          withChildren(Layer.merge(Numbers.layer, Reports.layer))(Effect.gen(function*() {
            const [numbers, reports] = [yield* Numbers, yield* Reports]
            for (const _ of range(0, 2)) yield* Mp.Process.spawn(toils, undefined, { daemon: true })
            for (const _ of range(0, 2)) assert.strictEqual(yield* reports.get(), "ready")
            for (const n of range(0, 1000)) yield* numbers.put(n + 1)
            for (const _ of range(0, 2)) yield* numbers.put(0)
            const [ones, others] = yield* Effect.replicateEffect(Effect.map(reports.get(), JSON.parse), 2).pipe(
              within("20 seconds", "the times of work")
            )
            assert.strictEqual(ones.length + others.length, 1000)
            const together = ones.filter(([start, end]: Period) =>
              others.some(([from, to]: Period) => from < end && start < to)
            )
            assert.isAtLeast(together.length, 200)
          }))
        )

        it.live(
          "gives an item to who waits for it, also if the fiber that has put it does not come to rest",
          withChildren(Layer.merge(Numbers.layer, Reports.layer))(Effect.gen(function*() {
            const [numbers, reports] = [yield* Numbers, yield* Reports]
            const file = path.join(yield* temporaryDirectory, "number")
            yield* Mp.Process.spawn(jots, file, { daemon: true })
            assert.strictEqual(yield* reports.get(), "waits")
            yield* numbers.put(7)
            const start = performance.now()
            while (!fs.existsSync(file) || fs.readFileSync(file, "utf8") === "") {
              assert.isBelow(performance.now() - start, 10_000, "the item has not left")
            }
            assert.strictEqual(fs.readFileSync(file, "utf8"), "7")
          }))
        )
      }

      if (abilities.signals) {
        it.live(
          "does not lose an item to a child that is killed while it waits for one",
          withChildren(Layer.merge(Numbers.layer, Reports.layer))(Effect.gen(function*() {
            const queue = yield* Numbers
            const reports = yield* Reports
            const first = yield* Mp.Process.spawn(takes, "first", { daemon: true })
            assert.strictEqual(yield* reports.get(), "first waits")
            yield* Mp.Process.spawn(takes, "second", { daemon: true })
            assert.strictEqual(yield* reports.get(), "second waits")
            yield* first.kill
            // At the same time: whoever was to have it may be dead already.
            for (const n of range(0, 20)) yield* queue.put(n)
            yield* Effect.flip(first.join())
            const taken = yield* Effect.replicateEffect(reports.get(), 20).pipe(within("10 seconds", "all items"))
            assert.deepStrictEqual(
              taken.map((report) => Number(report.split(" ")[1])).sort((a, b) => a - b),
              range(0, 20)
            )
          }))
        )
      }

      it.live(
        "every item is accounted for once while parent and children give up puts and gets at any moment",
        withChildren(Six.layer)(Effect.gen(function*() {
          const random = new Random(seed)
          yield* Effect.gen(function*() {
            const queue = yield* Six
            const takers = yield* Effect.forEach([1, 2], (i) => Mp.Process.spawn(takesHastily, random.int(1e9) + i))
            const putters = yield* Effect.forEach(
              [1, 2],
              (i) =>
                Mp.Process.spawn(putsHastily, { seed: random.int(1e9), items: range(i * 10_000, i * 10_000 + 500) })
            )
            const taking = yield* Effect.forkScoped(takeHastily(queue, random.fork()))
            const own = yield* putHastily(queue, range(0, 500), random.fork())
            const all = [own, ...yield* Effect.forEach(putters, (process) => process.join())]
            yield* queue.shutdown()
            const taken = [
              ...yield* Fiber.join(taking),
              ...(yield* Effect.forEach(takers, (process) => process.join())).flat()
            ]
            const certain = all.flatMap(({ certain }) => certain)
            const possible = new Set(all.flatMap(({ possible }) => possible))
            assert.strictEqual(new Set(taken).size, taken.length, "no item arrives twice")
            const arrived = new Set(taken)
            assert.deepStrictEqual(certain.filter((item) => !arrived.has(item)), [], "no item is lost")
            const put = new Set(certain)
            assert.deepStrictEqual(
              taken.filter((item) => !put.has(item) && !possible.has(item)),
              [],
              "nothing else arrives"
            )
            assert.isAbove(certain.length, 300)
            assert.strictEqual(yield* queue.qsize, 0)
          }).pipe(Effect.onError(() => Effect.logError(seedNote(random))))
        }))
      )
    })

    describe("a pipe to another process", () => {
      it.live(
        "CONN-01 brings values to a child and back as they were",
        withChildren(Values.layer)(Effect.gen(function*() {
          const left = yield* Values.left
          const child = yield* Mp.Process.spawn(echoesValues)
          yield* (yield* Values.right).close
          assert.isUndefined(yield* left.send([1, 2.25, null]))
          assert.deepStrictEqual(yield* left.recv(), [1, 2.25, null])
          assert.isTrue(Number.isInteger(yield* left.fileno))
          yield* left.close
          yield* child.join()
        }))
      )

      it.live(
        "CONN-02 brings bytes to a child and back as they were, also 16 MiB",
        withChildren(Line.layer)(Effect.gen(function*() {
          const left = yield* Line.left
          const child = yield* Mp.Process.spawn(echoesBytes)
          yield* closeRight
          yield* left.sendBytes(bytesOf("hello world"))
          assert.strictEqual(textOf(yield* left.recvBytes()), "hello world")
          const large = new Uint8Array(16 * 1024 * 1024).map((_, i) => i * 31)
          yield* left.sendBytes(large)
          assert.strictEqual(Buffer.compare(yield* left.recvBytes(), large), 0)
          yield* left.close
          yield* child.join()
        }))
      )

      if (abilities.signals) {
        it.live(
          "CONN-07 gives what a child had sent before it was killed, then EndOfFile; and the child's reader is gone",
          withChildren(Line.layer)(Effect.gen(function*() {
            const left = yield* Line.left
            const child = yield* Mp.Process.spawn(says, { texts: ["one", "two"], pause: 0, stay: true })
            yield* closeRight
            assert.isTrue(yield* left.poll({ timeout: "10 seconds" }))
            assert.strictEqual(textOf(yield* left.recvBytes()), "one")
            assert.isTrue(yield* left.poll({ timeout: "10 seconds" }))
            yield* child.kill
            assert.strictEqual(textOf(yield* left.recvBytes()), "two")
            const end = yield* Effect.flip(left.recvBytes()).pipe(within("10 seconds", "the end of file"))
            assert.strictEqual(end._tag, "EndOfFile")
            assert.strictEqual((yield* Effect.flip(left.send("x")))._tag, "BrokenPipe")
          }))
        )
      }

      it.live(
        "CONN-23 gives messages that come one by one separately and in order to one that polls",
        withChildren(Line.layer)(Effect.gen(function*() {
          const texts = ["hello", "", "a", "b", "", "bye", "", "lop"]
          const left = yield* Line.left
          yield* Mp.Process.spawn(says, { texts, pause: 20, stay: false })
          yield* closeRight
          for (const text of texts) {
            while (!(yield* left.poll({ timeout: 10 }))) { /* not yet */ }
            assert.strictEqual(textOf(yield* left.recvBytes()), text)
          }
          assert.isTrue(yield* left.poll({ timeout: "10 seconds" }))
          assert.strictEqual((yield* Effect.flip(left.recv()))._tag, "EndOfFile")
        }))
      )

      it.live(
        "CONN-24 a child that polls an end it shares takes no part of a message",
        withChildren(Line.layer)(Effect.gen(function*() {
          const left = yield* Line.left
          const right = yield* Line.right
          const child = yield* Mp.Process.spawn(polls, 100)
          const messages = Array.from({ length: 20 }, (_, i) => String(i).repeat(1 + i * 5000))
          yield* Effect.forkScoped(Effect.forEach(messages, (message) => left.send(message)))
          for (const message of messages) {
            yield* Effect.sleep(5)
            assert.strictEqual(yield* right.recv(), message)
          }
          yield* left.send("one more")
          assert.isAtLeast(yield* child.join(), 1, "it saw a message")
          assert.strictEqual(yield* right.recv(), "one more")
          assert.isFalse(yield* right.poll())
        }))
      )

      it.live(
        "CONN-27 an end of a pipe can be sent through a pipe, and works in both directions for whoever receives it",
        withChildren(Letters.layer)(Effect.gen(function*() {
          const letters = yield* Letters.left
          const child = yield* Mp.Process.spawn(receivesEnds, 1)
          const [mine, theirs] = yield* Mp.Pipe.make({ message: Schema.String })
          yield* letters.send({ use: "answer", end: theirs })
          yield* theirs.close
          yield* mine.send("a question")
          assert.strictEqual(yield* mine.recv(), "answer to a question")
          assert.strictEqual((yield* Effect.flip(mine.recv()))._tag, "EndOfFile")
          assert.deepStrictEqual(yield* child.join(), ["a question"])
        }))
      )

      it.live(
        "CONN-28 either end of a one-way pipe can be sent to a child, the sender closes its own, and data flows",
        withChildren(Letters.layer)(Effect.gen(function*() {
          const letters = yield* Letters.left
          const child = yield* Mp.Process.spawn(receivesEnds, 2)
          const make = Mp.Pipe.make({ message: Schema.String, duplex: false })
          const [theirReceiver, mySender] = yield* make
          // The types have no handle for an end of one direction.
          yield* letters.send({ use: "receive", end: theirReceiver as Mp.Connection.Connection<string, string> })
          yield* theirReceiver.close
          const [myReceiver, theirSender] = yield* make
          yield* letters.send({ use: "send", end: theirSender as Mp.Connection.Connection<string, string> })
          yield* theirSender.close
          yield* mySender.send("for the child")
          assert.strictEqual(yield* myReceiver.recv(), "sent by the child")
          assert.strictEqual((yield* Effect.flip(myReceiver.recv()))._tag, "EndOfFile")
          assert.deepStrictEqual(yield* child.join(), ["for the child"])
          assert.strictEqual((yield* Effect.flip(mySender.send("too late")))._tag, "BrokenPipe")
        }))
      )
    })

    describe("wait and other processes", () => {
      for (const slow of [false, true]) {
        it.live(
          `WAIT-01 four children send ten messages each${
            slow ? ", slowly" : ""
          }: all arrive, then each reader is at its end`,
          withChildren(Layer.empty)(Effect.gen(function*() {
            const left: Array<Mp.Connection.Receiver<typeof Tenth.Type>> = []
            for (const id of [0, 1, 2, 3]) {
              const [reader, writer] = yield* Mp.Pipe.make({ message: Tenth })
              yield* Mp.Process.spawn(streamsTuples, { id, end: writer, slow })
              yield* writer.close
              left.push(reader)
            }
            const messages: Array<typeof Tenth.Type> = []
            while (left.length > 0) {
              for (const reader of yield* Mp.wait(left)) {
                yield* reader.recv({ timeout: 0 }).pipe(
                  Effect.map((message) => {
                    messages.push(message)
                  }),
                  Effect.catchTag("EndOfFile", () => Effect.sync(() => left.splice(left.indexOf(reader), 1)))
                )
              }
            }
            const expected = [0, 1, 2, 3].flatMap((id) =>
              Array.from({ length: 10 }, (_, i): typeof Tenth.Type => [i, id])
            )
            assert.deepStrictEqual(messages.sort(([a, x], [b, y]) => x - y || a - b), expected)
          }))
        )

        it.live(
          `WAIT-02 four children send lines of bytes${
            slow ? ", slowly" : ""
          }: each stream is whole, and its end is ready`,
          withChildren(Layer.empty)(Effect.gen(function*() {
            const texts = new Map<Mp.Connection.Receiver<string>, string>()
            for (const id of [0, 1, 2, 3]) {
              const [reader, writer] = yield* Mp.Pipe.make({ message: Schema.String })
              yield* Mp.Process.spawn(streamsLines, { id, end: writer, slow })
              yield* writer.close
              texts.set(reader, "")
            }
            const open = new Set(texts.keys())
            while (open.size > 0) {
              for (const reader of yield* Mp.wait(Array.from(open))) {
                yield* reader.recvBytes().pipe(
                  Effect.map((bytes) => {
                    texts.set(reader, texts.get(reader)! + textOf(bytes))
                  }),
                  Effect.catchTag("EndOfFile", () => Effect.sync(() => open.delete(reader)))
                )
              }
            }
            const whole = Array.from({ length: 10 }, (_, i) => `${i}\n`).join("")
            assert.deepStrictEqual(Array.from(texts.values()), [whole, whole, whole, whole])
          }))
        )
      }

      it.live(
        "WAIT-04 gives the sentinel of a process that ends, and everything else that is ready with it",
        withChildren(Line.layer)(Effect.gen(function*() {
          const line = yield* Line.left
          const [a, toA] = yield* Mp.Pipe.make({ message: Schema.String })
          const [b, toB] = yield* Mp.Pipe.make({ message: Schema.String })
          const child = yield* Mp.Process.spawn(ends)
          const sentinel = child.sentinel
          assert.deepStrictEqual(yield* Mp.wait([a, sentinel, b], { timeout: 20 }), [])
          const waiting = yield* Effect.forkScoped(Mp.wait([a, sentinel, b]), { startImmediately: true })
          yield* line.send("end")
          assert.deepStrictEqual(yield* Fiber.join(waiting), [sentinel])
          yield* toA.send("a")
          assert.deepStrictEqual(yield* Mp.wait([a, sentinel, b], { timeout: "20 seconds" }), [a, sentinel])
          yield* toB.send("b")
          assert.deepStrictEqual(yield* Mp.wait([a, sentinel, b], { timeout: "20 seconds" }), [a, sentinel, b])
          assert.deepStrictEqual([yield* a.recv(), yield* b.recv()], ["a", "b"])
        }))
      )
    })

    describe("a joinable queue and other processes", () => {
      it.live(
        "QUEUE-13 join returns when four workers have finished ten jobs, and they end when they are told to",
        withChildren(Jobs.layer)(Effect.gen(function*() {
          const jobs = yield* Jobs
          const workers = yield* Effect.forEach([1, 2, 3, 4], () => Mp.Process.spawn(works), { concurrency: 2 })
          for (let i = 0; i < 10; i++) yield* jobs.put(i)
          yield* jobs.join()
          assert.strictEqual(yield* jobs.qsize, 0)
          assert.strictEqual((yield* Effect.flip(jobs.taskDone))._tag, "InvalidState")
          for (const _ of workers) yield* jobs.put(null)
          for (const worker of workers) yield* worker.join()
        }))
      )

      if (abilities.signals) {
        it.live(
          "what a killed consumer had not finished is delivered again, and join waits for it",
          withChildren(Layer.merge(Jobs.layer, Reports.layer))(Effect.gen(function*() {
            const jobs = yield* Jobs
            const reports = yield* Reports
            for (const n of [1, 2, 3, 4]) yield* jobs.put(n)
            const hog = yield* Mp.Process.spawn(hogs, 3, { daemon: true })
            assert.strictEqual(yield* reports.get(), "1,2,3")
            const joining = yield* Effect.forkScoped(jobs.join())
            yield* hog.kill
            yield* Effect.flip(hog.join())
            const again = yield* Effect.replicateEffect(
              Effect.tap(jobs.get(), () => Effect.sync(() => assert.isUndefined(joining.pollUnsafe()))),
              3
            ).pipe(within("10 seconds", "the items of the dead"))
            // The last one may have been there before the others came back.
            assert.deepStrictEqual(again.sort(), [2, 3, 4])
            for (const _ of again) yield* jobs.taskDone
            yield* jobs.join()
          }))
        )

        it.live(
          "or counts as done, with onConsumerDeath: \"done\", so that join returns",
          withChildren(Layer.merge(JobsOnce.layer, Reports.layer))(Effect.gen(function*() {
            const jobs = yield* JobsOnce
            const reports = yield* Reports
            for (const n of [1, 2, 3]) yield* jobs.put(n)
            const hog = yield* Mp.Process.spawn(hogsOnce, 3, { daemon: true })
            assert.strictEqual(yield* reports.get(), "1,2,3")
            assert.strictEqual((yield* Effect.flip(jobs.join({ timeout: 0 })))._tag, "TimedOut")
            yield* hog.kill
            yield* jobs.join().pipe(within("10 seconds", "join returns without the dead"))
            assert.strictEqual((yield* Effect.flip(jobs.getNowait))._tag, "Empty")
          }))
        )
      }
    })

    describe("a simple queue and other processes", () => {
      it.live(
        "SQ-01 shows a child what it has just put: it is empty, and then it is not",
        withChildren(Marks.layer)(Effect.gen(function*() {
          const queue = yield* Marks
          assert.isTrue(yield* queue.empty)
          yield* Mp.Process.run(marks)
          assert.isFalse(yield* queue.empty)
          assert.deepStrictEqual([yield* queue.get(), yield* queue.get()], [true, false])
          assert.isTrue(yield* queue.empty)
        }))
      )
    })

    describe("what the other side learns when a child is stopped", () => {
      /** Stops all processes of the scope in which the effect runs. */
      const stopped = (scope: Scope.Closeable) =>
        Scope.close(scope, Exit.fail("stopped")).pipe(within("10 seconds", "the end of the child"))

      it.live(
        "what it had sent, then EndOfFile; and BrokenPipe",
        withChildren(Line.layer)(Effect.gen(function*() {
          const left = yield* Line.left
          const scope = yield* Scope.make()
          yield* Scope.provide(Mp.Process.spawn(says, { texts: ["one", "two"], pause: 0, stay: true }), scope)
          yield* closeRight
          assert.strictEqual(textOf(yield* left.recvBytes()), "one")
          assert.isTrue(yield* left.poll({ timeout: "10 seconds" }))
          yield* stopped(scope)
          assert.strictEqual(textOf(yield* left.recvBytes()), "two")
          const end = yield* Effect.flip(left.recvBytes()).pipe(within("10 seconds", "the end of file"))
          assert.instanceOf(end, Mp.EndOfFile)
          assert.instanceOf(yield* Effect.flip(left.send("x")), Mp.BrokenPipe)
        }))
      )

      it.live(
        "the jobs that it had not finished are delivered again, and join waits for them",
        withChildren(Layer.merge(Jobs.layer, Reports.layer))(Effect.gen(function*() {
          const jobs = yield* Jobs
          const reports = yield* Reports
          for (const n of [1, 2, 3]) yield* jobs.put(n)
          const scope = yield* Scope.make()
          yield* Scope.provide(Mp.Process.spawn(hogs, 3), scope)
          assert.strictEqual(yield* reports.get(), "1,2,3")
          yield* stopped(scope)
          const again = yield* Effect.replicateEffect(jobs.get(), 2).pipe(within("10 seconds", "the items of the dead"))
          assert.deepStrictEqual(again.sort(), [2, 3])
          assert.instanceOf(yield* Effect.flip(jobs.join({ timeout: 0 })), Mp.TimedOut)
          for (const _ of again) yield* jobs.taskDone
          yield* jobs.join().pipe(within("10 seconds", "the end of all jobs"))
        }))
      )

      it.live(
        "an item goes to another child that waits for one",
        withChildren(Layer.merge(Numbers.layer, Reports.layer))(Effect.gen(function*() {
          const queue = yield* Numbers
          const reports = yield* Reports
          const scope = yield* Scope.make()
          yield* Scope.provide(Mp.Process.spawn(takes, "first"), scope)
          assert.strictEqual(yield* reports.get(), "first waits")
          yield* Mp.Process.spawn(takes, "second", { daemon: true })
          assert.strictEqual(yield* reports.get(), "second waits")
          yield* stopped(scope)
          yield* queue.put(1)
          assert.strictEqual(yield* reports.get().pipe(within("10 seconds", "the item")), "second 1")
        }))
      )
    })

    if (abilities.interpreter) {
      describe("what the other side learns when a child calls process.exit", () => {
        it.live(
          "what it had sent, then EndOfFile; and its job is delivered again",
          withChildren(Layer.merge(Line.layer, Jobs.layer))(Effect.gen(function*() {
            const left = yield* Line.left
            const jobs = yield* Jobs
            yield* jobs.put(7)
            const child = yield* Mp.Process.spawn(leaves)
            yield* closeRight
            assert.strictEqual(yield* left.recv(), "has 7")
            const end = yield* Effect.flip(left.recv()).pipe(within("10 seconds", "the end of file"))
            assert.instanceOf(end, Mp.EndOfFile)
            assert.strictEqual(yield* jobs.get().pipe(within("10 seconds", "the job")), 7)
            assert.deepStrictEqual(
              yield* Effect.flip(child.join()),
              new Mp.ProcessExited({ process: "Process-1", exitCode: 3 })
            )
            yield* jobs.taskDone
            yield* jobs.join()
          }))
        )
      })
    }

    describe("two children", () => {
      it.live(
        "one fills a queue and the other one drains it, while the parent only waits",
        withChildren(Six.layer)(Effect.gen(function*() {
          const drain = yield* Mp.Process.spawn(drains, 20)
          const fill = yield* Mp.Process.spawn(fills, range(0, 20))
          assert.deepStrictEqual(yield* drain.join(), range(0, 20))
          yield* fill.join()
        }))
      )

      it.live(
        "one submits jobs and the other ones do them, and the one that submits knows when all are done",
        withChildren(Jobs.layer)(Effect.gen(function*() {
          const workers = yield* Effect.replicateEffect(Mp.Process.spawn(works), 2)
          assert.strictEqual(yield* Mp.Process.run(submits, 10), 0)
          const jobs = yield* Jobs
          for (const _ of workers) yield* jobs.put(null)
          for (const worker of workers) yield* worker.join()
        }))
      )

      it.live(
        "one takes from a simple queue what the other one puts",
        withChildren(Marks.layer)(Effect.gen(function*() {
          const taker = yield* Mp.Process.spawn(takesMarks)
          yield* Mp.Process.run(marks)
          assert.strictEqual((yield* taker.join()).length, 2)
          assert.isTrue(yield* (yield* Marks).empty)
        }))
      )

      it.live(
        "one speaks to the other over a pipe of which the parent holds no end any more",
        withChildren(Line.layer)(Effect.gen(function*() {
          const listener = yield* Mp.Process.spawn(listens)
          yield* Mp.Process.spawn(says, { texts: ["a", "b"], pause: 0, stay: false })
          yield* (yield* Line.left).close
          yield* closeRight
          assert.deepStrictEqual(yield* listener.join(), ["a", "b"])
        }))
      )
    })
  })
}
