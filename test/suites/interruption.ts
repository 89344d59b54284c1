/**
 * Interruption and timeouts at random moments: whatever becomes of the fibers, every item is accounted for exactly once. Takes a layer of
 * `Sides`.
 */
import { assert, layer as withLayer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { MaxOpsBeforeYield } from "effect/Scheduler"
import * as Schema from "effect/Schema"
import * as Mp from "../../src/index.ts"
import { Ledger } from "../support/ledger.ts"
import { anyMoment, harried } from "../support/moments.ts"
import { Random, seed, seedNote } from "../support/random.ts"
import { give, shared, sharedPipe, Sides } from "../support/sides.ts"
import { within } from "../support/waiting.ts"

class Items extends Mp.Queue.Service<Items>()("test/Items", { item: Schema.Number, maxsize: 5 }) {}
class Jobs extends Mp.JoinableQueue.Service<Jobs>()("test/HarriedJobs", { item: Schema.Number, maxsize: 5 }) {}
class Link extends Mp.Pipe.Service<Link>()("test/HarriedLink", { message: Schema.Number, maxBytes: 1600 }) {}

const perProducer = 300

type AnyQueue = Mp.Queue.Queue<number> | Mp.JoinableQueue.JoinableQueue<number>

/** Puts items in every way, some of which are given up. */
const produce = (queue: AnyQueue, producer: number, ledger: Ledger, random: Random) =>
  Effect.forEach(ledger.itemsOf(producer, perProducer), (item) => {
    switch (random.int(5)) {
      case 0:
        return Effect.map(Effect.exit(queue.putNowait(item)), (exit) => ledger.put(item, exit, "Full"))
      case 1:
        return Effect.map(
          Effect.exit(queue.put(item, { timeout: random.int(3) })),
          (exit) => ledger.put(item, exit, "Full")
        )
      case 2:
        return Effect.map(harried(random, queue.put(item)), (exit) => ledger.put(item, exit))
      default:
        return Effect.map(Effect.exit(queue.put(item)), (exit) => ledger.put(item, exit))
    }
  }, { discard: true })

/** Gets in every way, most of which are given up sooner or later; ends when the queue is shut down. */
const consume = (
  queue: AnyQueue,
  consumer: number,
  ledger: Ledger,
  random: Random,
  onItem: Effect.Effect<void> = Effect.void
) =>
  Effect.gen(function*() {
    for (;;) {
      const exit = yield* attempt(queue, random)
      if (Exit.isSuccess(exit)) {
        if (Option.isNone(exit.value)) continue
        ledger.received(consumer, exit.value.value)
        yield* onItem
      } else {
        const error = Exit.findErrorOption(exit)
        if (Option.isSome(error) && error.value._tag === "ShutDown") return
        if (Option.isSome(error) && error.value._tag !== "Empty") return yield* Effect.die(error.value)
      }
    }
  })

const attempt = (queue: AnyQueue, random: Random) => {
  switch (random.int(7)) {
    case 0:
      return Effect.exit(Effect.asSome(queue.getNowait))
    case 1:
      return Effect.exit(Effect.asSome(queue.get({ timeout: random.int(3) })))
    case 2:
      return Effect.exit(Effect.timeoutOption(queue.get(), random.int(3)))
    case 3:
      // Of two that are answered at the same time, one loses.
      return Effect.exit(Effect.asSome(Effect.raceFirst(queue.get(), queue.get())))
    case 4:
      return Effect.exit(Effect.asSome(Effect.raceFirst(queue.get(), queue.get({ timeout: "1 second" }))))
    default:
      return harried(random, Effect.asSome(random.chance(0.5) ? queue.get() : queue.get({ timeout: "10 seconds" })))
  }
}

const checked = <A, E, R>(random: Random, effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    within("25 seconds", "the end of the run"),
    Effect.onError(() => Effect.logError(seedNote(random)))
  )

/** Also with a scheduler that suspends fibers at every turn. */
const schedulers = [2048, 4, 7] as const

export const interruptionSuite = (name: string, layer: Layer.Layer<Sides>) => {
  withLayer(layer, { excludeTestServices: true })(`Interruption, with ${name} between the sides`, (it) => {
    for (const maxOps of schedulers) {
      const title = (text: string) => maxOps === 2048 ? text : `${text}, yielding after ${maxOps} operations`
      const withScheduler = Effect.provideService(MaxOpsBeforeYield, maxOps)

      for (const [consumers, where] of [[[0], "near"], [[1], "far"], [[0, 1, 1], "both sides"]] as const) {
        it.effect(
          title(`every item of a queue arrives exactly once at consumers on ${where}, whoever gives up when`),
          () => {
            const random = new Random(seed + consumers.length)
            return checked(
              random,
              Effect.gen(function*() {
                const queues = yield* shared(Items)
                const ledger = new Ledger()
                const consuming = yield* Effect.forkScoped(Effect.forEach(
                  consumers,
                  (side, consumer) => consume(queues[side], consumer, ledger, random.fork()),
                  { concurrency: "unbounded" }
                ))
                yield* Effect.forEach(
                  [0, 1, 1],
                  (side, producer) => produce(queues[side]!, producer, ledger, random.fork()),
                  {
                    concurrency: "unbounded"
                  }
                )
                // Behind all that any side has asked.
                yield* queues[0].qsize
                yield* queues[1].qsize
                yield* queues[0].shutdown()
                yield* Fiber.join(consuming)
                ledger.check({ ordered: consumers.length === 1 })
                assert.strictEqual(yield* queues[0].qsize, 0)
              }).pipe(withScheduler)
            )
          }
        )
      }

      it.effect(title("an item is not lost with a holder that closes while it waits"), () => {
        const random = new Random(seed)
        return checked(
          random,
          Effect.gen(function*() {
            const { far, near } = yield* Sides
            const queues = yield* shared(Items)
            const ledger = new Ledger()
            const producing = yield* Effect.forkScoped(produce(queues[1], 0, ledger, random.fork()))
            // Others come and go while it produces.
            const passersBy = Effect.gen(function*() {
              while (producing.pollUnsafe() === undefined) {
                const queue = yield* give(Items, queues[0], random.chance(0.5) ? near : far)
                const gets = yield* Effect.forkChild(
                  Effect.exit(queue.get()).pipe(Effect.replicateEffect(2, { concurrency: 2 }))
                )
                yield* anyMoment(random)
                yield* queue.close
                for (const exit of yield* Fiber.join(gets)) {
                  if (Exit.isSuccess(exit)) ledger.received(1, exit.value)
                  else assert.strictEqual(Option.getOrThrow(Exit.findErrorOption(exit))._tag, "Closed")
                }
              }
            }).pipe(Effect.scoped)
            const passing = yield* Effect.forkScoped(passersBy)
            const consuming = yield* Effect.forkScoped(consume(queues[0], 0, ledger, random.fork()))
            yield* Fiber.join(producing)
            yield* Fiber.join(passing)
            yield* queues[1].qsize
            yield* queues[0].qsize
            yield* queues[1].shutdown()
            yield* Fiber.join(consuming)
            ledger.check({ ordered: false })
          }).pipe(withScheduler)
        )
      })

      it.effect(title("every message of a pipe arrives exactly once, and poll takes none"), () => {
        const random = new Random(seed)
        return checked(
          random,
          Effect.gen(function*() {
            const { far } = yield* Sides
            const [left, right] = yield* sharedPipe(Link)
            const senders = [left, yield* give(Link.left, left, far)]
            const ledger = new Ledger()
            const receive = Effect.gen(function*() {
              for (;;) {
                const way = random.int(6)
                if (way === 0) yield* harried(random, right.poll({ timeout: "10 seconds" }))
                if (way === 1) yield* right.poll({ timeout: random.int(2) })
                if (way === 2) yield* harried(random, Mp.wait([right]))
                const exit = way === 3
                  ? yield* Effect.exit(right.recv({ timeout: random.int(3) }))
                  : way === 4
                  ? yield* Effect.exit(right.recv())
                  : yield* harried(random, right.recv())
                if (Exit.isSuccess(exit)) ledger.received(0, exit.value)
                else {
                  const error = Exit.findErrorOption(exit)
                  if (Option.isSome(error) && error.value._tag === "EndOfFile") return
                  if (Option.isSome(error) && error.value._tag !== "TimedOut") return yield* Effect.die(error.value)
                }
              }
            })
            const receiving = yield* Effect.forkScoped(receive)
            yield* Effect.forEach(
              senders,
              (end, sender) =>
                Effect.forEach(ledger.itemsOf(sender, perProducer), (item) =>
                  Effect.map(
                    random.chance(0.4) ? harried(random, end.send(item)) : Effect.exit(end.send(item)),
                    (exit) => ledger.put(item, exit)
                  ), { discard: true }),
              { concurrency: "unbounded" }
            )
            yield* Effect.forEach(senders, (end) => end.close)
            yield* Fiber.join(receiving)
            ledger.check({ ordered: true })
          }).pipe(withScheduler)
        )
      })

      it.effect(title("join returns when every item is done, whoever gives up joining or getting"), () => {
        const random = new Random(seed)
        return checked(
          random,
          Effect.gen(function*() {
            const queues = yield* shared(Jobs)
            const ledger = new Ledger()
            const consuming = yield* Effect.forkScoped(Effect.forEach(
              queues,
              (queue, consumer) => consume(queue, consumer, ledger, random.fork(), Effect.orDie(queue.taskDone)),
              { concurrency: "unbounded" }
            ))
            const joining = yield* Effect.forkScoped(Effect.gen(function*() {
              for (;;) {
                const queue = random.pick(queues)
                if (random.chance(0.5)) yield* harried(random, queue.join())
                else yield* Effect.exit(queue.join({ timeout: random.int(3) }))
                yield* Effect.sleep(1)
              }
            }))
            yield* Effect.forEach(queues, (queue, producer) => produce(queue, producer, ledger, random.fork()), {
              concurrency: "unbounded"
            })
            yield* queues[0].join()
            yield* queues[1].join()
            assert.strictEqual((yield* Effect.flip(queues[0].taskDone))._tag, "InvalidState")
            yield* Fiber.interrupt(joining)
            yield* queues[0].shutdown()
            yield* Fiber.join(consuming)
            ledger.check({ ordered: false })
          }).pipe(withScheduler)
        )
      })
    }
  })
}
