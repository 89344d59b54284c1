/**
 * Puts packed values behind each other.
 */
import { doubleSize, int32Size, isLittleEndian, maxShortText, sealSize, Tag } from "./tag.ts"

/** Small values share buffers of this size. */
const sharedSize = 8192

/** The same number as an integer of 32 bits? Minus zero would lose its sign. */
const isInt32 = (value: number): boolean => Object.is(value | 0, value)

/** Puts values behind each other, in memory of its own. */
export class Writer {
  private bytes = Buffer.alloc(0)
  private view = new DataView(this.bytes.buffer)
  private start = 0
  private at = 0

  /** What comes now is a new message. What was written and not taken is forgotten. */
  begin(): void {
    this.at = this.start
  }

  /** What was written since `begin`. The bytes share a buffer with others, and are never written again. */
  take(): Uint8Array {
    const taken = new Uint8Array(this.bytes.buffer, this.start, this.at - this.start)
    if (this.bytes.length > sharedSize) this.replace(Buffer.alloc(0), 0)
    else this.start = this.at
    return taken
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.at++] = value
  }

  number(value: number): void {
    this.reserve(1 + doubleSize)
    if (!isInt32(value)) {
      this.bytes[this.at++] = Tag.double
      this.double(value)
    } else if (value >= 0 && value < Tag.int32) {
      this.bytes[this.at++] = value
    } else {
      this.bytes[this.at++] = Tag.int32
      this.view.setInt32(this.at, value, isLittleEndian)
      this.at += int32Size
    }
  }

  /** Of 16 bits. */
  seal(value: number): void {
    this.reserve(sealSize)
    this.bytes[this.at++] = Tag.struct
    this.bytes[this.at++] = value & 0xff
    this.bytes[this.at++] = value >> 8
  }

  date(value: Date): void {
    this.reserve(1 + doubleSize)
    this.bytes[this.at++] = Tag.date
    this.double(value.getTime())
  }

  numbers(values: ReadonlyArray<number>): void {
    const before = this.at - this.start
    this.head(Tag.integers, values.length, values.length * int32Size)
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!
      if (!isInt32(value)) {
        this.at = this.start + before
        return this.doubles(values)
      }
      this.view.setInt32(this.at, value, isLittleEndian)
      this.at += int32Size
    }
  }

  text(value: string): void {
    if (value.length <= maxShortText && this.shortText(value)) return
    const isUtf8 = value.isWellFormed()
    const encoding = isUtf8 ? "utf8" : "utf16le"
    const size = Buffer.byteLength(value, encoding)
    this.head(isUtf8 ? Tag.utf8 : Tag.utf16, size, size)
    this.at += this.bytes.write(value, this.at, size, encoding)
  }

  someBytes(value: Uint8Array): void {
    this.head(Tag.bytes, value.length, value.length)
    this.bytes.set(value, this.at)
    this.at += value.length
  }

  place(place: number): void {
    this.count(Tag.place, place)
  }

  /** How many there are of what follows. */
  count(tag: number, count: number): void {
    this.byte(tag)
    this.number(count)
  }

  /** How many there are, and room for so many bytes. */
  private head(tag: number, count: number, size: number): void {
    this.count(tag, count)
    this.reserve(size)
  }

  private doubles(values: ReadonlyArray<number>): void {
    this.head(Tag.doubles, values.length, values.length * doubleSize)
    for (let i = 0; i < values.length; i++) this.double(values[i]!)
  }

  /** Is it written? Not, if it has a character that needs more than a byte. */
  private shortText(value: string): boolean {
    this.reserve(1 + value.length)
    let at = this.at
    this.bytes[at++] = Tag.shortText + value.length
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i)
      if (code > 0xff) return false
      this.bytes[at++] = code
    }
    this.at = at
    return true
  }

  private double(value: number): void {
    this.view.setFloat64(this.at, value, isLittleEndian)
    this.at += doubleSize
  }

  private reserve(size: number): void {
    if (this.at + size > this.bytes.length) this.grow(size)
  }

  private grow(size: number): void {
    const written = this.bytes.subarray(this.start, this.at)
    const larger = Buffer.allocUnsafeSlow(Math.max(sharedSize, written.length * 2, written.length + size))
    larger.set(written)
    this.replace(larger, written.length)
  }

  private replace(bytes: Buffer<ArrayBuffer>, at: number): void {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.start = 0
    this.at = at
  }
}
