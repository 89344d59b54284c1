/**
 * Memory of long frames, which is used again: new memory has to be cleared and mapped by the system, and makes V8 collect garbage.
 */

/** Less than that is made anew. */
const long = 64 * 1024

/** Bytes that are kept at most. */
const maxKept = 8 * 1024 * 1024

/** A piece of memory may be so many times larger than what it is used for. */
const maxWaste = 2

/** Gives it back to the system at once, and not when V8 finds out. */
const free = (memory: ArrayBuffer): void => {
  memory.transfer(0)
}

export class FrameMemory {
  /** Those that were used last are at the end. */
  private readonly kept: Array<ArrayBuffer> = []
  private keptBytes = 0

  /** Room for a frame of this size. What is in it is undefined. */
  take(size: number): Uint8Array {
    if (size < long) return new Uint8Array(size)
    const at = this.kept.findLastIndex(({ byteLength }) => byteLength >= size && byteLength <= maxWaste * size)
    if (at < 0) return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer)
    const [memory] = this.kept.splice(at, 1)
    this.keptBytes -= memory!.byteLength
    return new Uint8Array(memory!, 0, size)
  }

  /** Nobody will read this frame any more. It was taken here, and is given back once. */
  give(frame: Uint8Array): void {
    // The buffer of a tiny one would have to be made first.
    if (frame.length < long) return
    const memory = frame.buffer as ArrayBuffer
    if (memory.byteLength > maxKept) return free(memory)
    this.kept.push(memory)
    this.keptBytes += memory.byteLength
    while (this.keptBytes > maxKept) {
      const oldest = this.kept.shift()!
      this.keptBytes -= oldest.byteLength
      free(oldest)
    }
  }
}
