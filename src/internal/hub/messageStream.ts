/**
 * Messages over a connection: frames them, and sends what one tick produced with one write.
 */
import { FrameDecoder, lengthSize, type OnFrame, writeNumber } from "../transport/frames.ts"
import type { Collector, Duplex, Transport } from "../transport/transport.ts"
import * as Message from "./message.ts"

/** Messages that fit in here together are sent with one write. */
const scratchSize = 16 * 1024

/** A call of `set` costs more than to copy a few bytes. */
const fewBytes = 24

const none = new Uint8Array(0)

const put = (bytes: Uint8Array, target: Uint8Array, offset: number): void => {
  if (bytes.length > fewBytes) return target.set(bytes, offset)
  for (let i = 0; i < bytes.length; i++) target[offset + i] = bytes[i]!
}

/** The bytes of long messages are lent to the connection: they must not change until {@link own}, or until all is flushed. */
export class MessageWriter {
  private readonly duplex: Duplex
  private readonly scratch = Buffer.allocUnsafeSlow(scratchSize)
  private used = 0
  private scheduled = false
  /** All that is not flushed is. */
  private quiet = true

  constructor(duplex: Duplex) {
    this.duplex = duplex
  }

  /** What is `quiet` does not wake the other side: see {@link Duplex.write}. */
  send(message: Message.Message, head: Uint8Array = none, quiet = false): void {
    const size = Message.headerSize + head.length + message.bytes.length
    if (this.used + lengthSize + size > scratchSize) this.flush()
    const { scratch, used } = this
    this.quiet &&= quiet
    writeNumber(scratch, used, size)
    Message.writeHeader(message, scratch, used + lengthSize)
    put(head, scratch, used + lengthSize + Message.headerSize)
    const start = used + lengthSize + Message.headerSize + head.length
    if (start + message.bytes.length <= scratchSize) {
      put(message.bytes, scratch, start)
      this.used = start + message.bytes.length
    } else {
      // A long one is not copied into a buffer together with its header, and not copied at all if it need not wait.
      const { buffer, byteLength, byteOffset } = message.bytes
      this.write(start, Buffer.from(buffer, byteOffset, byteLength))
      return
    }
    if (this.scheduled) return
    this.scheduled = true
    queueMicrotask(this.flushScheduled)
  }

  private readonly flushScheduled = () => {
    this.scheduled = false
    this.flush()
  }

  flush(): void {
    const { used } = this
    if (used > 0) this.write(used)
  }

  private write(length: number, lent?: Buffer): void {
    const { quiet } = this
    this.used = 0
    this.quiet = true
    this.duplex.write(this.scratch, length, lent, quiet)
  }

  own(): void {
    this.duplex.own()
  }

  whenFlushed(callback: () => void): void {
    this.flush()
    this.duplex.whenFlushed(callback)
  }
}

/**
 * Reads messages out of chunks. `onInvalid` once the stream is not made of messages, or `onMessage` refused one: nothing is read any more.
 */
export class MessageReader implements Collector {
  private readonly decoder: FrameDecoder
  private readonly onMessage: (message: Message.Message) => boolean
  private readonly onInvalid: () => void
  private readonly cameIn: Transport["cameIn"]
  private valid = true

  constructor(
    onMessage: (message: Message.Message) => boolean,
    onInvalid: () => void,
    { allocate, cameIn }: Pick<Transport, "allocate" | "cameIn">,
    limit?: number
  ) {
    this.decoder = new FrameDecoder(limit, allocate)
    this.onMessage = onMessage
    this.onInvalid = onInvalid
    this.cameIn = cameIn
  }

  feed(chunk: Buffer): void {
    if (!this.valid || this.decoder.feed(chunk, this.onFrame)) return
    this.valid = false
    this.onInvalid()
  }

  get destination(): Buffer | undefined {
    return this.valid ? this.decoder.destination : undefined
  }

  fill(count: number): void {
    this.decoder.fill(count, this.onFrame)
  }

  before(available: number, lengthAt: (offset: number) => number): number {
    return this.valid ? this.decoder.before(available, lengthAt) : available
  }

  begin(length: number, available: number): void {
    this.decoder.begin(length, available)
  }

  private readonly onFrame: OnFrame = (source, start, end) => {
    if (!this.valid) return
    const message = Message.read(source, start, end)
    this.cameIn(end - start)
    if (message !== undefined && this.onMessage(message)) return
    this.valid = false
    this.onInvalid()
  }
}
