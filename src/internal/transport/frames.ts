/**
 * Frames on a stream of bytes: a length of four bytes, most significant first, and that many bytes. No I/O.
 */

/** Longest frame. A length beyond it is not a frame but a peer that speaks something else. */
export const maxFrameSize = 0x4000_0000

/** Longest message that fits into a frame with what is around it. */
export const maxMessageSize = maxFrameSize - 0x1_0000

const lengthSize = 4

/** Puts a length before the bytes. */
export const lengthPrefix = (length: number): Buffer => {
  const prefix = Buffer.allocUnsafe(lengthSize)
  prefix.writeUInt32BE(length, 0)
  return prefix
}

/**
 * Cuts a stream of chunks into frames. Keeps what has arrived of an unfinished frame and no more: an announced length
 * allocates nothing.
 */
export class FrameDecoder {
  private readonly limit: number
  private parts: Array<Buffer> = []
  private buffered = 0
  /** Bytes needed before the next look. */
  private needed = lengthSize

  constructor(limit = maxFrameSize) {
    this.limit = limit
  }

  /**
   * Feeds a chunk; calls back with each frame that is complete, as a view of what was fed, which must not be used again. Gives
   * `false` if the stream is not made of frames; then it must not be fed again.
   */
  feed(chunk: Buffer, onFrame: (frame: Buffer) => void): boolean {
    this.parts.push(chunk)
    this.buffered += chunk.length
    if (this.buffered < this.needed) return true
    const all = this.parts.length === 1 ? chunk : Buffer.concat(this.parts, this.buffered)
    let offset = 0
    this.needed = lengthSize
    while (all.length - offset >= lengthSize) {
      const length = all.readUInt32BE(offset)
      if (length > this.limit) return false
      if (all.length - offset < lengthSize + length) {
        this.needed = lengthSize + length
        break
      }
      offset += lengthSize
      onFrame(all.subarray(offset, offset + length))
      offset += length
    }
    this.buffered = all.length - offset
    this.parts = this.buffered === 0 ? [] : [offset === 0 ? all : all.subarray(offset)]
    return true
  }
}
