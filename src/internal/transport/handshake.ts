/**
 * The handshake before the first frame: each side proves that it knows the key, and neither sends anything from which the
 * key, or an answer to another challenge, could be derived. No I/O.
 *
 * 1. server: magic, 32 random bytes
 * 2. client: 32 random bytes, HMAC-SHA256(key, "client" + both)
 * 3. server: HMAC-SHA256(key, "server" + both)
 *
 * Every message has a fixed size, so that a peer that sends more, less or something else is found out at once.
 */
import { hmac, timingSafeEqual } from "../crypto.ts"

const magic = Buffer.from("EMP\x01", "latin1")
const nonceSize = 32
const macSize = 32

const sizes = {
  challenge: magic.length + nonceSize,
  answer: nonceSize + macSize,
  confirmation: macSize
}

const mac = (key: Uint8Array, label: "client" | "server", serverNonce: Uint8Array, clientNonce: Uint8Array): Buffer =>
  hmac(key, label, serverNonce, clientNonce)

/** What a step of the handshake says. */
export type HandshakeStep =
  | { readonly state: "Waiting" }
  /** Send `reply` and go on waiting. */
  | { readonly state: "Reply"; readonly reply: Buffer }
  /** Send `reply`, if any; the other side knows the key. `rest` is the beginning of the frames. */
  | { readonly state: "Done"; readonly reply: Buffer | undefined; readonly rest: Buffer }
  | { readonly state: "Refused"; readonly reason: string }

const waiting: HandshakeStep = { state: "Waiting" }
const refused = (reason: string): HandshakeStep => ({ state: "Refused", reason })

/** The side that accepted the connection. Sends `challenge` first. */
export class ServerHandshake {
  readonly challenge: Buffer
  private readonly key: Uint8Array
  private readonly nonce: Buffer
  private received = Buffer.alloc(0)

  constructor(key: Uint8Array, nonce: Buffer) {
    this.key = key
    this.nonce = nonce
    this.challenge = Buffer.concat([magic, nonce])
  }

  feed(chunk: Buffer): HandshakeStep {
    this.received = Buffer.concat([this.received, chunk])
    if (this.received.length < sizes.answer) return waiting
    const clientNonce = this.received.subarray(0, nonceSize)
    const answer = this.received.subarray(nonceSize, sizes.answer)
    if (!timingSafeEqual(answer, mac(this.key, "client", this.nonce, clientNonce))) {
      return refused("the client does not know the key")
    }
    return {
      state: "Done",
      reply: mac(this.key, "server", this.nonce, clientNonce),
      rest: this.received.subarray(sizes.answer)
    }
  }
}

/** The side that connected. */
export class ClientHandshake {
  private readonly key: Uint8Array
  private readonly nonce: Buffer
  private serverNonce: Buffer | undefined
  private received = Buffer.alloc(0)

  constructor(key: Uint8Array, nonce: Buffer) {
    this.key = key
    this.nonce = nonce
  }

  feed(chunk: Buffer): HandshakeStep {
    this.received = Buffer.concat([this.received, chunk])
    if (this.serverNonce === undefined) {
      if (this.received.length < sizes.challenge) return waiting
      if (!this.received.subarray(0, magic.length).equals(magic)) {
        return refused("this is not a hub, or one of another version")
      }
      // A hub says nothing more before it has the answer.
      if (this.received.length > sizes.challenge) return refused("the hub does not follow the protocol")
      this.serverNonce = this.received.subarray(magic.length)
      this.received = Buffer.alloc(0)
      return {
        state: "Reply",
        reply: Buffer.concat([this.nonce, mac(this.key, "client", this.serverNonce, this.nonce)])
      }
    }
    if (this.received.length < sizes.confirmation) return waiting
    const confirmation = this.received.subarray(0, sizes.confirmation)
    if (!timingSafeEqual(confirmation, mac(this.key, "server", this.serverNonce, this.nonce))) {
      return refused("the hub does not know the key")
    }
    return { state: "Done", reply: undefined, rest: this.received.subarray(sizes.confirmation) }
  }
}
