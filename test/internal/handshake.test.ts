import { assert, describe, it } from "@effect/vitest"
import { randomBytes } from "node:crypto"
import { ClientHandshake, type HandshakeStep, ServerHandshake } from "../../src/internal/transport/handshake.ts"
import { mutate } from "../support/mutate.ts"
import { Random, seed, seedNote } from "../support/random.ts"

const key = randomBytes(32)
const otherKey = randomBytes(32)

const makeServer = (serverKey: Uint8Array = key) => new ServerHandshake(serverKey, randomBytes(32))
const makeClient = (clientKey: Uint8Array = key) => new ClientHandshake(clientKey, randomBytes(32))

type Side = ServerHandshake | ClientHandshake

/** Feeds chunk after chunk until the side says something. */
const feed = (side: Side, chunks: Iterable<Buffer>): HandshakeStep => {
  let step: HandshakeStep = { state: "Waiting" }
  for (const chunk of chunks) {
    assert.strictEqual(step.state, "Waiting", "it said something before it had all")
    step = side.feed(chunk)
  }
  return step
}

const replyOf = (step: HandshakeStep): Buffer => {
  if (step.state !== "Reply" && step.state !== "Done") assert.fail(`no reply: ${JSON.stringify(step)}`)
  return step.reply!
}

const whole = (bytes: Buffer) => [bytes]
const bytewise = (bytes: Buffer) => Array.from(bytes, (byte) => Buffer.from([byte]))

/** What a client answers to a server with another key, and so on: both sides to their ends. */
const converse = (
  server: ServerHandshake,
  client: ClientHandshake,
  cut: (bytes: Buffer) => Array<Buffer> = whole
): { readonly server: HandshakeStep; readonly client: HandshakeStep | undefined } => {
  const answer = feed(client, cut(server.challenge))
  const end = feed(server, cut(replyOf(answer)))
  return { server: end, client: end.state === "Done" ? feed(client, cut(end.reply!)) : undefined }
}

const empty = Buffer.alloc(0)

describe("the handshake", () => {
  it("succeeds on both sides that know the key, whole and byte by byte", () => {
    for (const cut of [whole, bytewise]) {
      const ends = converse(makeServer(), makeClient(), cut)
      assert.strictEqual(ends.server.state, "Done")
      assert.deepStrictEqual(ends.client, { state: "Done", reply: undefined, rest: empty })
    }
  })

  it("succeeds for every place to cut each message in two", () => {
    for (let i = 1; i < 64; i++) {
      const cut = (bytes: Buffer) => [bytes.subarray(0, Math.min(i, bytes.length - 1)), bytes.subarray(i)]
      const ends = converse(makeServer(), makeClient(), (bytes) => i < bytes.length ? cut(bytes) : [bytes])
      assert.strictEqual(ends.server.state, "Done")
      assert.strictEqual(ends.client?.state, "Done")
    }
  })

  it("LSTN-03 an empty key is a key, and so is one of any length", () => {
    for (const length of [0, 1, 32, 64, 65, 1000]) {
      const anyKey = randomBytes(length)
      const ends = converse(makeServer(anyKey), makeClient(anyKey))
      assert.strictEqual(ends.client?.state, "Done")
      if (length === 0) assert.strictEqual(converse(makeServer(anyKey), makeClient()).server.state, "Refused")
    }
  })

  it("gives the beginning of the frames that came with the last message", () => {
    const server = makeServer()
    const client = makeClient()
    const answer = replyOf(client.feed(server.challenge))
    const atServer = server.feed(Buffer.concat([answer, Buffer.from("first frames")]))
    if (atServer.state !== "Done") assert.fail(atServer.state)
    assert.strictEqual(atServer.rest.toString(), "first frames")
    const atClient = client.feed(Buffer.concat([atServer.reply!, Buffer.from("answers")]))
    if (atClient.state !== "Done") assert.fail(atClient.state)
    assert.strictEqual(atClient.rest.toString(), "answers")
  })

  it("LSTN-14 refuses a client with another key", () => {
    const ends = converse(makeServer(), makeClient(otherKey))
    assert.strictEqual(ends.server.state, "Refused")
  })

  it("refuses a client whose key differs in one bit", () => {
    for (let bit = 0; bit < 256; bit++) {
      const almost = Buffer.from(key)
      almost[bit >> 3]! ^= 1 << (bit & 7)
      assert.strictEqual(converse(makeServer(), makeClient(almost)).server.state, "Refused")
    }
  })

  it("LSTN-15 a client refuses a server with another key, which can only make up its confirmation", () => {
    const client = makeClient()
    const impostor = new ServerHandshake(otherKey, randomBytes(32))
    client.feed(impostor.challenge)
    assert.strictEqual(client.feed(randomBytes(32)).state, "Refused")
  })

  it("LSTN-16 an answer is good for its challenge only: recorded and played to another, it is refused", () => {
    const answer = replyOf(makeClient().feed(makeServer().challenge))
    for (let i = 0; i < 100; i++) assert.strictEqual(makeServer().feed(answer).state, "Refused")
  })

  it("a confirmation is good for its answer only: recorded and played to another client, it is refused", () => {
    const server = makeServer()
    const recorded = replyOf(server.feed(replyOf(makeClient().feed(server.challenge))))
    const client = makeClient()
    // Even with the very challenge that was recorded.
    client.feed(server.challenge)
    assert.strictEqual(client.feed(recorded).state, "Refused")
  })

  it("a reflected challenge or answer proves nothing, to either side", () => {
    const server = makeServer()
    const nonce = server.challenge.subarray(-32)
    // The server's own nonce, and what of its own could stand for a proof.
    assert.strictEqual(server.feed(Buffer.concat([nonce, nonce])).state, "Refused")

    // A client's answer to a server's nonce, sent back to the client as that server's confirmation.
    const client = makeClient()
    const answer = replyOf(client.feed(makeServer().challenge))
    assert.strictEqual(client.feed(answer.subarray(32)).state, "Refused")

    // A server that knows no key asks another one of the same hub to answer for it: the two sides prove different things.
    const honest = makeServer()
    const victim = makeClient()
    const proof = replyOf(victim.feed(honest.challenge))
    const confirmation = replyOf(honest.feed(proof))
    assert.strictEqual(makeServer().feed(Buffer.concat([proof.subarray(0, 32), confirmation])).state, "Refused")
    assert.notDeepEqual(confirmation, proof.subarray(32))
  })

  it("a client refuses what is not a hub, and a hub of another version", () => {
    for (const greeting of ["SSH-2.0-OpenSSH_9.6 and some more bytes", "HTTP/1.1 400 Bad Request\r\n\r\n.........."]) {
      assert.strictEqual(makeClient().feed(Buffer.from(greeting)).state, "Refused")
    }
    const future = Buffer.from(makeServer().challenge)
    future[3] = 2
    assert.strictEqual(makeClient().feed(future).state, "Refused")
  })

  it("a client refuses a hub that goes on talking before it has the answer", () => {
    assert.strictEqual(makeClient().feed(Buffer.concat([makeServer().challenge, Buffer.from([0])])).state, "Refused")
  })

  it("says nothing to a client that has not sent all of its answer", () => {
    const server = makeServer()
    const answer = replyOf(makeClient().feed(server.challenge))
    for (const chunk of bytewise(answer.subarray(0, 63))) {
      assert.deepStrictEqual(server.feed(chunk), { state: "Waiting" })
    }
  })

  it("never sends the key, or anything that two conversations share", () => {
    const record = () => {
      const server = makeServer()
      const client = makeClient()
      const answer = replyOf(client.feed(server.challenge))
      return Buffer.concat([server.challenge, answer, replyOf(server.feed(answer))])
    }
    const first = record()
    const second = record()
    for (const said of [first, second]) {
      for (let i = 0; i + 8 <= key.length; i++) assert.strictEqual(said.indexOf(key.subarray(i, i + 8)), -1)
    }
    for (let i = 4; i + 8 <= first.length; i += 4) assert.strictEqual(second.indexOf(first.subarray(i, i + 8)), -1)
  })

  it("never throws and never accepts random bytes, on either side, for 100 000 conversations", () => {
    for (let run = 0; run < 100_000; run++) {
      const random = new Random(seed + run)
      const server = new ServerHandshake(key, random.bytes(32))
      const client = new ClientHandshake(key, random.bytes(32))
      const side: Side = random.chance(0.5) ? server : client
      // Some clients get a challenge that is in order.
      if (side === client && random.chance(0.7)) client.feed(server.challenge)
      for (let i = random.int(4); i >= 0; i--) {
        const step = side.feed(random.bytes(random.int(120)))
        if (step.state === "Done") assert.fail(`random bytes were accepted: ${seedNote(random)}`)
        if (step.state === "Refused") break
      }
    }
  })

  it("accepts of 100 000 messages with defects only those whose defect is behind their end", () => {
    const conversation = () => {
      const nonces = [randomBytes(32), randomBytes(32)] as const
      const server = new ServerHandshake(key, nonces[0])
      const answer = replyOf(new ClientHandshake(key, nonces[1]).feed(server.challenge))
      return { nonces, challenge: server.challenge, answer, confirmation: replyOf(server.feed(answer)) }
    }
    let { answer, challenge, confirmation, nonces } = conversation()
    /** Feeds it in two parts. */
    const hear = (random: Random, side: Side, bytes: Buffer): HandshakeStep => {
      const place = random.int(bytes.length + 1)
      const step = side.feed(bytes.subarray(0, place))
      return step.state === "Waiting" ? side.feed(bytes.subarray(place)) : step
    }
    const begins = (bytes: Buffer, whole: Buffer) => bytes.subarray(0, whole.length).equals(whole)
    const counts: Record<string, number> = {}
    for (let run = 0; run < 100_000; run++) {
      const random = new Random(seed + run)
      if (run % 10_000 === 0) ({ answer, challenge, confirmation, nonces } = conversation())
      const message = random.pick(["challenge", "answer", "confirmation"] as const)
      let step: HandshakeStep
      let right: boolean
      if (message === "answer") {
        const heard = mutate(random, answer)
        step = hear(random, new ServerHandshake(key, nonces[0]), heard)
        right = begins(heard, answer)
      } else {
        const client = new ClientHandshake(key, nonces[1])
        const heard = mutate(random, message === "challenge" ? challenge : confirmation)
        if (message === "confirmation") client.feed(challenge)
        // Of a challenge in parts, what comes after its end would be taken for the next message.
        step = message === "challenge" ? client.feed(heard) : hear(random, client, heard)
        // What follows a wrong challenge shows that it was wrong: the confirmation of the right one is none for it.
        if (message === "challenge" && step.state === "Reply") step = client.feed(confirmation)
        right = message === "challenge" ? heard.equals(challenge) : begins(heard, confirmation)
      }
      if ((step.state === "Done") !== right) {
        assert.fail(`${message}: ${step.state}, although it is ${right ? "right" : "wrong"}: ${seedNote(random)}`)
      }
      counts[step.state] = (counts[step.state] ?? 0) + 1
    }
    assert.hasAllKeys(counts, ["Waiting", "Refused", "Done"])
  })

  it("never accepts an answer or a confirmation in which one bit is wrong", () => {
    for (let bit = 0; bit < 512; bit++) {
      const server = makeServer()
      const client = makeClient()
      const answer = Buffer.from(replyOf(client.feed(server.challenge)))
      answer[bit >> 3]! ^= 1 << (bit & 7)
      assert.strictEqual(server.feed(answer).state, "Refused")
    }
    for (let bit = 0; bit < 256; bit++) {
      const server = makeServer()
      const client = makeClient()
      const confirmation = Buffer.from(replyOf(server.feed(replyOf(client.feed(server.challenge)))))
      confirmation[bit >> 3]! ^= 1 << (bit & 7)
      assert.strictEqual(client.feed(confirmation).state, "Refused")
    }
  })
})
