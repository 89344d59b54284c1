/**
 * Messages over a connection: frames them, and sends what one tick produced with one write.
 */
import { FrameDecoder, lengthPrefix } from "../transport/frames.ts"
import type { Duplex } from "../transport/transport.ts"
import * as Message from "./message.ts"

/** From this size on, a payload is not copied into a buffer together with its header. */
const separateFrom = 16 * 1024

export class MessageWriter {
  private readonly duplex: Duplex
  private chunks: Array<Buffer> = []
  private scheduled = false

  constructor(duplex: Duplex) {
    this.duplex = duplex
  }

  send(message: Message.Message): void {
    const size = Message.headerSize + message.bytes.length
    if (message.bytes.length < separateFrom) {
      const frame = Buffer.allocUnsafe(4 + size)
      frame.writeUInt32BE(size, 0)
      Message.writeHeader(message, frame, 4)
      frame.set(message.bytes, 4 + Message.headerSize)
      this.chunks.push(frame)
    } else {
      const header = Buffer.allocUnsafe(Message.headerSize)
      Message.writeHeader(message, header, 0)
      // The sender may use its buffer again.
      this.chunks.push(lengthPrefix(size), header, Buffer.from(message.bytes))
    }
    if (this.scheduled) return
    this.scheduled = true
    queueMicrotask(() => {
      this.scheduled = false
      this.flush()
    })
  }

  flush(): void {
    if (this.chunks.length === 0) return
    const chunks = this.chunks
    this.chunks = []
    this.duplex.write(chunks)
  }

  whenFlushed(callback: () => void): void {
    this.flush()
    this.duplex.whenFlushed(callback)
  }
}

/**
 * Reads messages out of chunks. `feed` gives `false` once the stream is not made of messages, or `onMessage` refused one.
 */
export class MessageReader {
  private readonly decoder: FrameDecoder
  private readonly onMessage: (message: Message.Message) => boolean
  private valid = true

  constructor(onMessage: (message: Message.Message) => boolean, limit?: number) {
    this.decoder = new FrameDecoder(limit)
    this.onMessage = onMessage
  }

  feed(chunk: Buffer): boolean {
    if (!this.valid) return false
    const framed = this.decoder.feed(chunk, (frame) => {
      if (!this.valid) return
      const message = Message.read(frame)
      this.valid = message !== undefined && this.onMessage(message)
    })
    this.valid = this.valid && framed
    return this.valid
  }
}
