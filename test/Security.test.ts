/**
 * What docs/security.md promises, with real processes. What concerns single bytes of the protocol is in internal/server.test.ts and
 * internal/handshake.test.ts.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import * as net from "node:net"
import * as path from "node:path"
import * as Mp from "../src/index.ts"
import { ClientHandshake } from "../src/internal/transport/handshake.ts"
import { answers, Talk } from "./fixtures/attacks/answers.ts"
import { everything, tells, textsOf } from "./fixtures/attacks/tells.ts"
import { traitor } from "./fixtures/attacks/traitor.ts"
import { withChildren } from "./support/children.ts"
import { leavesNothingBehind, startProgram } from "./support/processes.ts"
import { eventually, within } from "./support/waiting.ts"

leavesNothingBehind()

/** Is handed to no child. */
class Secrets extends Mp.Queue.Service<Secrets>()("test/Secrets", { item: Schema.String }) {}

// ---------------------------------------------------------------------------------------------- the key

/** What eight bytes of the key look like, wherever they begin and however they are written. */
const traces = (key: Uint8Array): Array<string> => {
  const texts: Array<string> = []
  for (let i = 0; i + 8 <= key.length; i++) {
    const bytes = Buffer.from(key.subarray(i, i + 8))
    const hex = bytes.toString("hex")
    const numbers = Array.from(bytes)
    texts.push(
      bytes.toString("latin1"),
      bytes.toString("utf8"),
      hex,
      hex.toUpperCase(),
      numbers.map((byte) => byte.toString(16).padStart(2, "0")).join(" "),
      numbers.join(","),
      numbers.join(", "),
      numbers.map((byte, at) => `"${i + at}":${byte}`).join(","),
      encodeURIComponent(bytes.toString("latin1"))
    )
    // Base64 of a part is a part of the base64 only where three bytes begin, and ends where three end.
    texts.push(bytes.subarray(0, 6).toString("base64"), bytes.subarray(0, 6).toString("base64url"))
  }
  return texts
}

const assertWithout = (what: string, texts: ReadonlyArray<string>, key: Uint8Array) => {
  const trace = traces(key)
  for (const text of texts) {
    const line = text.replace(/\s+/g, " ")
    const found = trace.find((form) => text.includes(form) || line.includes(form))
    // Not the text: it would show the key.
    if (found !== undefined) assert.fail(`the key is in ${what}, as ${found}`)
  }
}

describe("the key", () => {
  it("would be found in whatever form it was shown", () => {
    const key = randomBytes(32)
    for (
      const shown of [
        key.toString("hex"),
        key.toString("base64"),
        `x${key.toString("base64url")}`,
        key.toString("latin1"),
        JSON.stringify(key),
        JSON.stringify(new Uint8Array(key)),
        ...textsOf(new Uint8Array(key)).slice(0, 2),
        ...textsOf(Buffer.from(key)).slice(0, 1),
        Buffer.concat([randomBytes(1), key]).toString("base64")
      ]
    ) {
      assert.throws(() => assertWithout("this text", [shown], key), undefined, undefined, shown)
    }
  })

  it.live(
    "is in no argument, environment, output or log of a child, and in no text of what a child can get hold of",
    withChildren(Talk.layer)(
      Effect.gen(function*() {
        const key = Redacted.value((yield* Mp.CurrentProcess).authkey)
        const child = yield* Mp.Process.spawn(tells, undefined, { stdout: "pipe", stderr: "pipe" })
        const [told, stdout, stderr] = yield* Effect.all([
          child.join(),
          Stream.mkString(Stream.decodeText(child.stdout, { encoding: "latin1" })),
          Stream.mkString(Stream.decodeText(child.stderr, { encoding: "latin1" }))
        ], { concurrency: "unbounded" })
        assert.include(told.join(), "authkey")
        assert.include(stdout, "authkey")
        assert.include(stdout, "with an annotation")
        assertWithout("what a child knows", told, key)
        assertWithout("the output of a child", [stdout, stderr], key)
      }).pipe(Effect.provideService(References.MinimumLogLevel, "All"))
    )
  )

  it.live(
    "is in no text of what the main process can get hold of, and in no log of it",
    withChildren(Talk.layer)(Effect.gen(function*() {
      const key = Redacted.value((yield* Mp.CurrentProcess).authkey)
      const logged: Array<string> = []
      const loggers = [Logger.formatLogFmt, Logger.formatJson, Logger.formatSimple].map((logger) =>
        Logger.map(logger, (line) => void logged.push(line))
      )
      const values = yield* Effect.provide(everything, Mp.layer)
      yield* Effect.forEach(values, (value) => Effect.log(value)).pipe(Effect.provide(Logger.layer(loggers)))
      const end = yield* Talk.left
      assert.isAtLeast(logged.length, 3 * values.length)
      assertWithout("a log", logged, key)
      assertWithout("a value", [...values, end].flatMap(textsOf), key)
      for (const name of ["cmdline", "environ"]) {
        assertWithout(name, [fs.readFileSync(`/proc/self/${name}`, "latin1")], key)
      }
      assertWithout("the environment", textsOf(process.env), key)
    }))
  )

  it.live(
    "is in no file that the library makes, and never on the way between two processes",
    withChildren(Talk.layer)(Effect.gen(function*() {
      const key = Redacted.value((yield* Mp.CurrentProcess).authkey)
      const address = yield* Effect.flatMap(Mp.Hub.Hub, (hub) => hub.address)
      const heard: Array<Buffer> = []
      const socket = yield* Effect.acquireRelease(
        Effect.sync(() => net.connect(address).on("data", (chunk) => heard.push(chunk)).on("error", () => {})),
        (socket) => Effect.sync(() => socket.destroy())
      )
      yield* eventually("the challenge of the hub", Effect.sync(() => Buffer.concat(heard).length === 36))
      const step = new ClientHandshake(key, randomBytes(32)).feed(Buffer.concat(heard))
      if (step.state !== "Reply") assert.fail(step.state)
      socket.write(step.reply)
      yield* eventually("the answer of the hub", Effect.sync(() => Buffer.concat(heard).length === 68))
      assertWithout("the handshake", [Buffer.concat([...heard, step.reply]).toString("latin1")], key)
      assert.deepStrictEqual(fs.readdirSync(path.dirname(address)), ["hub"])
      assert.isTrue(fs.statSync(address).isSocket())
    }))
  )
})

// ---------------------------------------------------------------------------------------------- strangers

/** A hub that serves a child. */
const serving = Effect.gen(function*() {
  const hub = yield* Mp.Hub.Hub
  const end = yield* Talk.left
  const child = yield* Mp.Process.spawn(answers, undefined, { daemon: true })
  const address = yield* hub.address
  let n = 0
  const exchange = Effect.gen(function*() {
    const question = { n: ++n }
    yield* end.send(question)
    assert.deepStrictEqual(yield* end.recv(), question)
  }).pipe(within("10 seconds", "an answer of the child"))
  yield* exchange
  return {
    address,
    /** Serves the child all the while, and at least once in the end. */
    during: Effect.fnUntraced(function*<A, E, R>(attack: Effect.Effect<A, E, R>) {
      const attacking = { over: false }
      const exchanging = yield* Effect.forkScoped(Effect.gen(function*() {
        let count = 0
        for (; !attacking.over; count++) yield* exchange
        return count
      }))
      const done = yield* attack
      attacking.over = true
      assert.isAbove(yield* Fiber.join(exchanging), 0, "the child was not served during the attack")
      yield* exchange
      assert.isTrue(yield* child.isAlive)
      return done
    })
  }
})

interface Attack {
  readonly begun: number
  readonly connected: number
  readonly dropped: number
  readonly heard: number
}

const stranger = new URL("./fixtures/attacks/stranger.mjs", import.meta.url)

/** An attack by a process without the library, to its end. */
const attack = (
  address: string,
  what: string,
  options: { readonly count: number; readonly atATime: number; readonly recorded?: string }
) =>
  Effect.gen(function*() {
    const args = [address, what, String(options.count), String(options.atATime), "0", options.recorded ?? ""]
    const program = yield* startProgram(stranger, { args })
    const { code, stderr, stdout } = yield* program.finished
    assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
    const { begun, connected, dropped, heard }: Attack = JSON.parse(stdout.split("\n").at(-2)!)
    return { begun, connected, dropped, heard }
  }).pipe(Effect.scoped, within("40 seconds", `the end of the attack: ${what}`))

const descriptors = () => fs.readdirSync("/proc/self/fd").length

/** What a client with the key has said in a conversation of its own. */
const record = (address: string, key: Uint8Array) =>
  Effect.callback<string>((resume) => {
    const socket = net.connect(address)
    socket.on("error", () => {})
    socket.once("data", (challenge) => {
      const step = new ClientHandshake(key, randomBytes(32)).feed(challenge)
      if (step.state !== "Reply") return resume(Effect.die(step.state))
      socket.write(step.reply)
      socket.once("data", () => {
        socket.destroy()
        resume(Effect.succeed(step.reply.toString("hex")))
      })
    })
    return Effect.sync(() => socket.destroy())
  }).pipe(within("10 seconds", "a conversation to record"))

describe("a process of the same user that does not know the key", () => {
  it.live.each(["wrong key", "no key", "replay", "4 GiB", "too much"])(
    "is dropped each time, having learned nothing, and the child is served all the while: %s",
    (what) =>
      withChildren(Talk.layer)(Effect.gen(function*() {
        const { address, during } = yield* serving
        const recorded = yield* record(address, Redacted.value((yield* Mp.CurrentProcess).authkey))
        const done = yield* during(attack(address, what, { count: 300, atATime: 20, recorded }))
        assert.deepStrictEqual(done, { begun: 300, connected: 300, dropped: 300, heard: 36 })
      }))()
  )

  it.live.each(["silence", "half a header"])(
    "keeps nobody away, and no more than 64 connections open, with 1 000 on which it says too little: %s",
    (what) =>
      withChildren(Talk.layer)(Effect.gen(function*() {
        const { address, during } = yield* serving
        const before = descriptors()
        const program = yield* startProgram(stranger, { args: [address, what, "0", "1000", "0"] })
        yield* program.line(/^attacking$/).pipe(within("20 seconds", "1 000 connections"))
        const another = yield* during(
          Mp.Process.spawn(answers, undefined, { daemon: true }).pipe(
            Effect.tap(() => Effect.sync(() => assert.isAtMost(descriptors(), before + 64 + 16))),
            Effect.orDie
          )
        )
        assert.isTrue(yield* another.isAlive)
        yield* program.signal("SIGTERM")
        yield* program.finished
        yield* eventually("the end of its connections", Effect.sync(() => descriptors() <= before + 16))
      }))()
  )

  it.live(
    "opens and drops 10 000 connections, of which nothing is left, and the child is served all the while",
    withChildren(Talk.layer)(Effect.gen(function*() {
      const { address, during } = yield* serving
      const before = descriptors()
      const done = yield* during(attack(address, "connect and drop", { count: 10_000, atATime: 64 }))
      assert.strictEqual(done.connected, 10_000)
      yield* eventually("the end of its connections", Effect.sync(() => descriptors() <= before))
    }))
  )
})

// ---------------------------------------------------------------------------------------------- children

describe("a child that uses what it knows against the hub", () => {
  it.live(
    "reaches no object that it was not handed, and loses each connection on which it says nonsense; its sibling is served all the while",
    withChildren(Layer.merge(Talk.layer, Secrets.layer))(Effect.gen(function*() {
      const { address, during } = yield* serving
      const secrets = yield* Secrets
      yield* secrets.put("not for children")
      const before = descriptors()
      const treason = yield* during(Mp.Process.run(traitor, { address }))
      assert.isAbove(treason.asked, 1000)
      assert.strictEqual(treason.refused, treason.asked)
      assert.strictEqual(treason.dropped, treason.told)
      assert.strictEqual(yield* secrets.qsize, 1)
      assert.strictEqual(yield* secrets.get(), "not for children")
      yield* eventually("the end of its connections", Effect.sync(() => descriptors() <= before))
    }))
  )
})

// ---------------------------------------------------------------------------------------------- messages

describe("a message", () => {
  it.live(
    "is data, whatever it looks like, on the way to a child and back",
    withChildren(Talk.layer)(Effect.gen(function*() {
      const end = yield* Talk.left
      yield* Mp.Process.spawn(answers, undefined, { daemon: true })
      const messages = [
        `{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}`,
        `{"constructor":"Function","prototype":null,"hasOwnProperty":0,"toString":1,"valueOf":2,"then":"then"}`,
        `{"toJSON":"() => process.exit(3)","f":"function () { process.exit(3) }","$":"\${process.exit(3)}"}`,
        `{"rce":"_$$ND_FUNC$$_function (){process.exit(3)}()","!!js/function":"process.exit(3)","_tag":"Die"}`,
        `{"nested":[{"__proto__":{"polluted":true}},{"__proto__":null},{"__proto__":[]}],"__proto__":1}`
      ]
      for (const message of messages) {
        const value = JSON.parse(message) as Record<string, never>
        yield* end.send(value)
        const answer = yield* end.recv().pipe(within("10 seconds", "the message"))
        assert.deepStrictEqual(plainly(answer), plainly(value))
        assert.isTrue([Object.prototype, null].includes(Object.getPrototypeOf(answer)))
        assert.isUndefined(({} as { polluted?: unknown }).polluted)
      }
    }))
  )
})

/** Every own property as a pair, so that none is taken for something else. */
const plainly = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(plainly)
    : typeof value === "object" && value !== null
    ? Object.getOwnPropertyNames(value).sort().map((name) => [
      name,
      plainly(Object.getOwnPropertyDescriptor(value, name)!.value)
    ])
    : value
