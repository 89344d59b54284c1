/**
 * `npm run test:attack`: a hub serves a child while somebody attacks its socket, in every way that needs no key, and in two that need one. Prints
 * how fast it is meanwhile; exit code 1 if that is less than half of its speed in peace.
 *
 * An attack takes a processor, whomever it is aimed at, and that is not what is measured: the attacker has a processor to itself, and the hub and
 * its child have the others, in peace too. Peace and attack take turns, and the medians of the rounds are compared, because other programs
 * use the machine too. A ratio that is too low is measured again, twice at most. `RATE` is the number of connections a second (0: as many as
 * the attacker can make), `ROUNDS` the number of rounds. Needs two processors and `taskset` (Linux).
 */
import { Effect, Layer, Option, Schema, type Scope } from "effect"
import * as Mp from "effect-multiprocessing"
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { fileURLToPath } from "node:url"
import { Calls, customer, forger, Items } from "./targets.ts"

const rate = Number(process.env["RATE"] ?? 5000)
const rounds = Number(process.env["ROUNDS"] ?? 7)
const attempts = 3
/** Of the speed in peace. */
const demanded = 0.5

/** The processors that this program may use: a list such as `0,2-5`. */
const processors = (process: string): ReadonlyArray<number> =>
  execFileSync("taskset", ["-c", "-p", process], { encoding: "utf8" }).split(": ").at(-1)!.trim().split(",").flatMap(
    (range) => {
      const [first, last = first] = range.split("-").map(Number)
      return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i)
    }
  )

/** All threads of a process. */
const bind = (process: number, processors: ReadonlyArray<number>): void => {
  execFileSync("taskset", ["-a", "-c", "-p", processors.join(), `${process}`], {
    stdio: ["ignore", "ignore", "inherit"]
  })
}

const available = processors(`${process.pid}`)
if (available.length < 2) {
  console.error("An attacker needs a processor to itself, and here is only one.")
  process.exit(1)
}
/** The attacker's. */
const foreign = available.slice(-1)
bind(process.pid, available.slice(0, -1))

class TooSlow extends Schema.TaggedError<TooSlow>()("TooSlow", { message: Schema.String }) {}

const strangers = ["wrong key", "replay", "silence", "half a header", "4 GiB", "connect and drop"]
/** Of a child that knows the key. */
const forgers = { "a forged reference": 1, "64 forged references at a time": 64 }
const works = { "one after another": { puts: 2000, concurrency: 1 }, "16 at a time": { puts: 10_000, concurrency: 16 } }

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
      if (child.pid !== undefined) bind(child.pid, foreign)
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
      const process = yield* Mp.Process.spawn(forger, { address, atATime, begun }, { daemon: true, gracePeriod: 100 })
      const pid = yield* process.pid
      if (Option.isSome(pid)) bind(pid.value, foreign)
      yield* begun.get()
      return { connections: 0, seconds: 1 }
    },
    Effect.timeout("20 seconds"),
    Effect.orDie
  )

  type Attacking = Effect.Effect<Attack, never, Mp.Hub.Hub | Mp.Spawner.Spawner | Scope.Scope>

  const measure = Effect.fnUntraced(
    function*(attacking: Attacking) {
      const kinds = Object.values(works)
      const times = kinds.map(() => ({ peace: [] as Array<number>, war: [] as Array<number> }))
      const workAll = Effect.fnUntraced(function*(when: "peace" | "war") {
        for (const [i, size] of kinds.entries()) times[i]![when].push(yield* work(size))
      })
      const all: Attack = { connections: 0, seconds: 0 }
      for (let round = 0; round < rounds; round++) {
        yield* workAll("peace")
        const done = yield* Effect.scoped(Effect.tap(attacking, () => workAll("war")))
        all.connections += done.connections
        all.seconds += done.seconds
      }
      return {
        perSecond: Math.round(all.connections / all.seconds),
        ofPeace: times.map(({ peace, war }) => median(peace) / median(war))
      }
    }
  )

  // Compiled and warm.
  for (let i = 0; i < 5; i++) for (const size of Object.values(works)) yield* work(size)

  const slow: Array<string> = []
  const attacks: Array<readonly [what: string, attacking: Attacking]> = [
    ...strangers.map((what): readonly [string, Attacking] => [what, attack(address, what)]),
    ...Object.entries(forgers).map(([what, atATime]): readonly [string, Attacking] => [what, insider(atATime)])
  ]
  for (const [what, attacking] of attacks) {
    for (let attempt = 1;; attempt++) {
      const { ofPeace, perSecond } = yield* measure(attacking)
      const texts = Object.keys(works).map((name, i) => `${name} ${Math.round(ofPeace[i]! * 100)} %`)
      const often = perSecond === 0 ? "" : ` (${perSecond} a second)`
      console.log(`${what}${often}: of the speed in peace, ${texts.join("; ")}`)
      if (Math.min(...ofPeace) >= demanded) break
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
