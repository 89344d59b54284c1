/** Messages between two processes, by what Node has: the channel of `fork`, or a socket with frames of our own. */
import type { Socket } from "node:net"
import { percentiles, small } from "../work.ts"

export type Message = number | object | Buffer

export interface Link {
  /** `false`: wait for `drained` before the next one, or memory fills. */
  readonly send: (message: Message) => boolean
  readonly drained: () => Promise<void>
  onMessage: (message: any) => void
}

/** What tells a child what to do, next to the data on the channel of `fork`. */
export interface Command {
  readonly control: "begin" | "report"
  readonly count: number
}

export interface Report {
  readonly control: "done" | "report"
  readonly sum: number
  readonly cpu: number
  readonly p50?: number
  readonly p99?: number
}

export const isControl = (message: unknown): message is Command | Report =>
  typeof message === "object" && message !== null && "control" in message

interface Channel {
  send?(message: any, callback?: (error: Error | null) => void): boolean
}

/** JSON has no bytes: they travel as text. */
export const ipcLink = (channel: Channel, bytesAsText: boolean): Link => ({
  send: bytesAsText
    ? (message) => channel.send!(Buffer.isBuffer(message) ? message.toString("base64") : message)
    : (message) => channel.send!(message),
  // Messages keep their order: when the last one is written, all are.
  drained: () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    channel.send!({ control: "nothing" }, () => resolve())
    return promise
  },
  onMessage: () => {}
})

export const decodeIpc = (message: unknown): unknown => {
  if (typeof message === "string") return Buffer.from(message, "base64")
  // The serializer "advanced" makes an Uint8Array of a Buffer.
  return message
}

/** Four bytes of length, one of kind, then JSON or bytes. What is sent in one tick is written at once. */
export const socketLink = (socket: Socket): Link => {
  socket.setNoDelay(true)
  let pending: Array<Buffer> = []
  let size = 0
  const flush = () => {
    const chunks = pending
    pending = []
    size = 0
    socket.write(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))
  }
  const link: Link = {
    send: (message) => {
      if (pending.length === 0) process.nextTick(flush)
      if (Buffer.isBuffer(message)) {
        const header = Buffer.allocUnsafe(5)
        header.writeUInt32LE(message.length, 0)
        header[4] = 1
        // Large ones are not copied.
        if (message.length > 2 ** 16) {
          socket.cork()
          for (const chunk of pending) socket.write(chunk)
          pending = []
          socket.write(header)
          socket.write(message)
          socket.uncork()
          return false
        }
        pending.push(header, message)
        size += 5 + message.length
      } else {
        const text = JSON.stringify(message)
        const length = Buffer.byteLength(text)
        const frame = Buffer.allocUnsafe(5 + length)
        frame.writeUInt32LE(length, 0)
        frame[4] = 0
        frame.write(text, 5)
        pending.push(frame)
        size += frame.length
      }
      return size < 2 ** 16
    },
    drained: () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      // Not before `flush`.
      process.nextTick(() => {
        if (socket.writableNeedDrain) socket.once("drain", resolve)
        else resolve()
      })
      return promise
    },
    onMessage: () => {}
  }
  let rest: Buffer = Buffer.alloc(0)
  let parts: Array<Buffer> = []
  let [have, need] = [0, 5]
  socket.on("data", (chunk: Buffer) => {
    parts.push(chunk)
    have += chunk.length
    // A long message is put together once.
    if (have < need) return
    rest = parts.length === 1 ? chunk : Buffer.concat(parts)
    let at = 0
    need = 5
    while (rest.length - at >= 5) {
      const length = rest.readUInt32LE(at)
      need = 5 + length
      if (rest.length - at < need) break
      const body = rest.subarray(at + 5, at + need)
      const bytes = rest[at + 4] === 1
      at += need
      need = 5
      link.onMessage(bytes ? body : JSON.parse(body.toString()))
    }
    rest = rest.subarray(at)
    have = rest.length
    parts = have === 0 ? [] : [rest]
  })
  return link
}

/** Sends one after another, and waits where it must. */
export const sendAll = async (link: Link, count: number, make: (i: number) => Message): Promise<void> => {
  for (let i = 0; i < count; i++) if (!link.send(make(i))) await link.drained()
}

/** Asks so many times, each time when the last answer is there. */
export const ask = (link: Link, count: number, listen: (receive: (n: number) => void) => void): Promise<object> => {
  const { promise, resolve } = Promise.withResolvers<object>()
  const samples: Array<number> = []
  let sum = 0
  let start = performance.now()
  listen((n) => {
    sum += n
    samples.push((performance.now() - start) * 1000)
    if (samples.length === count) return resolve({ sum, ...percentiles(samples) })
    start = performance.now()
    link.send(small(samples.length))
  })
  link.send(small(0))
  return promise
}
