/**
 * `npm run test:attack`: a hub serves a child while somebody attacks its socket, in every way that needs no key. Prints how fast it is meanwhile,
 * compared with its speed in peace; exit code 1 if that is less than half.
 *
 * Peace and attack take turns, and the medians of the rounds are compared, because other programs use the machine too. A ratio that is
 * too low is measured again, twice at most. `RATE` is the number of connections a second (0: as many as the attacker can make),
 * `ROUNDS` the number of rounds.
 */
import { Effect, Layer, Schema, type Scope } from "effect"
import * as Mp from "effect-multiprocessing"
import { type ChildProcess, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { constants, setPriority } from "node:os"
import { fileURLToPath } from "node:url"
import { Calls, customer, forger, Items } from "./targets.ts"

const rate = Number(process.env["RATE"] ?? 5000)
const rounds = Number(process.env["ROUNDS"] ?? 7)
const attempts = 3
/** Of the speed in peace. */
const demanded = 0.5

class TooSlow extends Schema.TaggedError<TooSlow>()("TooSlow", { message: Schema.String }) {}

const strangers = ["wrong key", "replay", "silence", "half a header", "4 GiB", "connect and drop"]
/** Of a child that knows the key. */
const forgers = { "a forged reference": 1, "64 forged references at a time": 64 }
const works = { "one after another": { puts: 800, concurrency: 1 }, "16 at a time": { puts: 4000, concurrency: 16 } }

const file = fileURLToPath(new URL("../fixtures/attacks/stranger.mjs", import.meta.url))

interface Attack {
  connections: number
  seconds: number
}

/** Attacks until the scope closes, with fewer connections at a time than the attacker has descriptors. */
const attack = (address: string, what: string): Effect.Effect<Attack, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<{ readonly child: ChildProcess; readonly done: Attack }>((resume) => {
      // What somebody once said, but no conversation of this hub.
      const args = [file, address, what, "0", "200", String(rate), randomBytes(64).toString("hex")]
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
      // It attacks the hub, and not the processors that the hub needs.
      if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW)
      const done: Attack = { connections: 0, seconds: 0 }
      let heard = ""
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        heard += text
        if (heard.startsWith("attacking\n")) resume(Effect.succeed({ child, done }))
        const end = /^\{.*\}$/m.exec(heard)
        if (end === null) return
        const { connected, milliseconds } = JSON.parse(end[0])
        done.connections = connected
        done.seconds = milliseconds / 1000
      })
    }).pipe(Effect.timeout("20 seconds"), Effect.orDie),
    ({ child }) =>
      Effect.callback<void>((resume) => {
        child.once("close", () => resume(Effect.void))
        child.kill("SIGTERM")
      }).pipe(Effect.timeout("10 seconds"), Effect.orDie)
  ).pipe(Effect.map(({ done }) => done))

const median = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!

const program = Effect.gen(function*() {
  const { address: getAddress } = yield* Mp.Hub.Hub
  const calls = yield* Calls.left
  yield* Mp.Process.spawn(customer, undefined, { daemon: true })
  const address = yield* getAddress

  /** How long the child takes for its work. */
  const work = (work: { readonly puts: number; readonly concurrency: number }) =>
    Effect.andThen(calls.send(work), calls.recv({ timeout: "60 seconds" }))

  const insider = Effect.fnUntraced(
    function*(atATime: number) {
      const begun = yield* Mp.SimpleQueue.make({ item: Schema.Int })
      yield* Mp.Process.spawn(forger, { address, atATime, begun }, { daemon: true, gracePeriod: 100 })
      yield* begun.get()
      return { connections: 0, seconds: 1 }
    },
    Effect.timeout("20 seconds"),
    Effect.orDie
  )

  const measure = Effect.fnUntraced(
    function*(attacking: Effect.Effect<Attack, never, Mp.Hub.Hub | Mp.Spawner.Spawner | Scope.Scope>) {
      const times = Object.keys(works).map(() => ({ peace: [] as Array<number>, war: [] as Array<number> }))
      const all: Attack = { connections: 0, seconds: 0 }
      for (let round = 0; round < rounds; round++) {
        for (const [i, size] of Object.values(works).entries()) times[i]!.peace.push(yield* work(size))
        const done = yield* Effect.scoped(Effect.gen(function*() {
          const done = yield* attacking
          for (const [i, size] of Object.values(works).entries()) times[i]!.war.push(yield* work(size))
          return done
        }))
        all.connections += done.connections
        all.seconds += done.seconds
      }
      return {
        perSecond: Math.round(all.connections / all.seconds),
        ratios: times.map(({ peace, war }) => median(peace) / median(war))
      }
    }
  )

  // Compiled and warm.
  for (let i = 0; i < 5; i++) for (const size of Object.values(works)) yield* work(size)

  const slow: Array<string> = []
  const attacks = [
    ...strangers.map((what) => [what, attack(address, what)] as const),
    ...(Object.keys(forgers) as Array<keyof typeof forgers>).map((what) => [what, insider(forgers[what])] as const)
  ]
  for (const [what, attacking] of attacks) {
    for (let attempt = 1;; attempt++) {
      const { perSecond, ratios } = yield* measure(attacking)
      const texts = Object.keys(works).map((name, i) => `${name} ${Math.round(ratios[i]! * 100)} %`)
      const often = perSecond === 0 ? "" : ` (${perSecond} a second)`
      console.log(`${what}${often}: ${texts.join(", ")} of the speed in peace`)
      if (Math.min(...ratios) >= demanded) break
      if (attempt < attempts) continue
      slow.push(what)
      break
    }
  }
  if (slow.length > 0) {
    return yield* Effect.fail(new TooSlow({ message: `less than half the speed under attack: ${slow.join(", ")}` }))
  }
})

Mp.runMain(
  program.pipe(
    Effect.scoped,
    Effect.provide(Layer.merge(Items.layer, Calls.layer).pipe(Layer.provideMerge(Mp.layer)))
  )
)
