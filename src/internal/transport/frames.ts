/**
 * Frames on a stream of bytes: a length of four bytes, most significant first, and that many bytes. No I/O.
 */

/** Longest frame. A length beyond it is not a frame but a peer that speaks something else. */
export const maxFrameSize = 0x4000_0000

/** Longest message that fits into a frame with what is around it. */
export const maxMessageSize = maxFrameSize - 0x1_0000

export const lengthSize = 4

/** Is called with each frame, as a place in what was fed, which must not be used again. */
export type OnFrame = (source: Buffer, start: number, end: number) => void

/** Takes each frame as a buffer of its own. */
export const whole = (onFrame: (frame: Buffer) => void): OnFrame => (source, start, end) =>
  onFrame(source.subarray(start, end))

/** What `writeUInt32BE` does, without its checks: this is done for every message. */
export const writeNumber = (target: Uint8Array, offset: number, number: number): void => {
  target[offset] = number >>> 24
  target[offset + 1] = number >>> 16
  target[offset + 2] = number >>> 8
  target[offset + 3] = number
}

/** And what `readUInt32BE` does. */
export const readNumber = (source: Uint8Array, offset: number): number =>
  (source[offset]! << 24 | source[offset + 1]! << 16 | source[offset + 2]! << 8 | source[offset + 3]!) >>> 0

/** Puts a length before the bytes. */
export const lengthPrefix = (length: number): Buffer => {
  const prefix = Buffer.allocUnsafe(lengthSize)
  prefix.writeUInt32BE(length, 0)
  return prefix
}

/** A longer frame is collected in a place of its own, which has at least this size. */
const longFrame = 64 * 1024

/** Less is not looked through before it is read. */
const fewBytes = 4096

/**
 * How much larger this place may be than what has arrived. So much that all but the longest frames are in their last place from the begin:
 * to move to another one costs a copy, and pages of memory that are new. What is not written to takes none.
 */
const growth = 64

/**
 * Cuts a stream of chunks into frames. Keeps what has arrived of an unfinished frame, and sets no more memory aside for it than 64 times
 * that, or 64 KiB, whatever length was announced.
 */
export class FrameDecoder {
  private readonly limit: number
  private readonly allocate: (size: number) => Buffer<ArrayBuffer>
  private readonly parts: Array<Buffer> = []
  private buffered = 0
  /** Bytes needed before the next look. */
  private needed = lengthSize
  /** Where a long frame is collected. */
  private place: Buffer<ArrayBuffer> | undefined
  private length = 0
  private filled = 0

  /** `allocate`: gives memory for a long frame, of which nobody else has a part. */
  constructor(limit = maxFrameSize, allocate: (size: number) => Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow) {
    this.limit = limit
    this.allocate = allocate
  }

  /**
   * Feeds a chunk; calls back with each frame that is complete. Gives `false` if the stream is not made of frames; then it must not be fed again.
   */
  feed(chunk: Buffer, onFrame: OnFrame): boolean {
    let rest = chunk
    for (let place = this.destination; place !== undefined; place = this.destination) {
      if (rest.length === 0) return true
      const count = Math.min(rest.length, place.length)
      place.set(count === rest.length ? rest : rest.subarray(0, count))
      rest = rest.subarray(count)
      this.fill(count, onFrame)
    }
    this.parts.push(rest)
    this.buffered += rest.length
    if (this.buffered < this.needed) return true
    const all = this.parts.length === 1 ? rest : Buffer.concat(this.parts, this.buffered)
    let offset = 0
    this.needed = lengthSize
    while (all.length - offset >= lengthSize) {
      const length = readNumber(all, offset)
      if (length > this.limit) return false
      if (all.length - offset < lengthSize + length) {
        if (length > longFrame) {
          this.collect(length, all.subarray(offset + lengthSize))
          offset = all.length
        } else this.needed = lengthSize + length
        break
      }
      offset += lengthSize
      onFrame(all, offset, offset + length)
      offset += length
    }
    this.buffered = all.length - offset
    // A new list would leave this one behind, which is old for V8 by now, and keep what is in it.
    this.parts.length = 0
    if (this.buffered > 0) this.parts.push(offset === 0 ? all : all.subarray(offset))
    return true
  }

  /**
   * Of `available` bytes, how many to feed, so that a long frame behind them can be collected without another copy, and shares its memory
   * with nothing: `lengthAt` gives the number at an offset. None, if such a frame is the first: then {@link begin} it.
   */
  before(available: number, lengthAt: (offset: number) => number): number {
    // Where there is little, nothing is gained.
    if (this.buffered > 0 || available < fewBytes) return available
    let offset = 0
    while (available - offset >= lengthSize) {
      const length = lengthAt(offset)
      if (length > longFrame && length <= this.limit) return offset
      offset += lengthSize + length
    }
    return available
  }

  /** A frame, of which some of the next `available` bytes are a part. Its length need not be fed. */
  begin(length: number, available: number): void {
    this.length = length
    this.filled = 0
    this.place = this.allocate(Math.min(length, Math.max(longFrame, growth * available)))
  }

  /** Where the next bytes should be put, if they are part of a long frame: then say how many by {@link fill}, instead of feeding them. */
  get destination(): Buffer | undefined {
    const { filled, length, place } = this
    if (place === undefined) return undefined
    if (filled === 0) return place
    if (filled < place.length) return place.subarray(filled)
    const larger = this.allocate(Math.min(length, growth * filled))
    larger.set(place)
    // At once, and not when V8 finds out: nobody else has it.
    place.buffer.transfer(0)
    this.place = larger
    return larger.subarray(filled)
  }

  fill(count: number, onFrame: OnFrame): void {
    this.filled += count
    if (this.filled < this.length) return
    const frame = this.place!
    this.place = undefined
    onFrame(frame, 0, frame.length)
  }

  private collect(length: number, begin: Buffer): void {
    this.begin(length, begin.length)
    this.place!.set(begin)
    this.filled = begin.length
  }
}
