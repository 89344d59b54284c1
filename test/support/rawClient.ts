/** A client without manners: it knows the key, and says what it wants. */
import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import * as net from "node:net"
import * as Message from "../../src/internal/hub/message.ts"
import { FrameDecoder, lengthPrefix } from "../../src/internal/transport/frames.ts"
import { ClientHandshake } from "../../src/internal/transport/handshake.ts"

/** A message as it goes over the wire. */
export const frame = (op: number, request: number, ref: number, flag: number, bytes: Uint8Array): Buffer => {
  const header = Buffer.alloc(Message.headerSize)
  Message.writeHeader(Message.make(op, request, ref, flag), header, 0)
  return Buffer.concat([lengthPrefix(header.length + bytes.length), header, bytes])
}

/** Proves that it knows the key, says something, and gives what the hub answers to it until it has said so much, or hangs up. */
export const conversation = (address: string, key: Uint8Array, bytes: Buffer, expected: number) =>
  Effect.callback<{ readonly answers: Array<Message.Message>; readonly dropped: boolean }>((resume) => {
    const socket = net.connect(address)
    const handshake = new ClientHandshake(key, randomBytes(32))
    const decoder = new FrameDecoder()
    const answers: Array<Message.Message> = []
    let done = false
    const hear = (chunk: Buffer) => {
      decoder.feed(chunk, (source, start, end) => answers.push(Message.read(source, start, end)!))
      if (expected > 0 && answers.length >= expected) resume(Effect.succeed({ answers, dropped: false }))
    }
    socket.on("data", (chunk) => {
      if (done) return hear(chunk)
      const step = handshake.feed(chunk)
      if (step.state === "Reply") socket.write(step.reply)
      if (step.state !== "Done") return
      done = true
      socket.write(bytes)
      hear(step.rest)
    })
    socket.on("error", () => {})
    socket.on("close", () => resume(Effect.succeed({ answers, dropped: done })))
    return Effect.sync(() => socket.destroy())
  })

/** Proves that it knows the key, and says the same again each time the hub has answered to all of it. Tells of the first answer. */
export const insist = (address: string, key: Uint8Array, bytes: Buffer, expected: number, begun: () => void) =>
  Effect.callback<never>((resume) => {
    const socket = net.connect(address)
    const handshake = new ClientHandshake(key, randomBytes(32))
    const decoder = new FrameDecoder()
    let done = false
    let answers = 0
    socket.on("data", (chunk) => {
      if (!done) {
        const step = handshake.feed(chunk)
        if (step.state === "Reply") socket.write(step.reply)
        done = step.state === "Done"
        if (done) socket.write(bytes)
        return
      }
      decoder.feed(chunk, () => {
        if (answers++ === 0) begun()
        if (answers % expected === 0) socket.write(bytes)
      })
    })
    socket.on("error", () => {})
    socket.on("close", () => resume(Effect.die(new Error("the hub has dropped it"))))
    return Effect.sync(() => socket.destroy())
  })
