/**
 * Reads packed values.
 */
import { isUtf8 } from "node:buffer"
import { doubleSize, int32Size, isLittleEndian, sealSize, Tag } from "./tag.ts"

/** The bytes are not what was expected. */
export class Unreadable extends Error {}

const empty = new Uint8Array(0)

/** Shorter text is read faster a few characters at a time. */
const minNativeText = 20

/** Shorter arrays are read faster without a view. */
const minView = 16

/** Reads values one behind the other. What is not there, or something else, is thrown as `Unreadable`. */
export class Reader {
  private bytes: Uint8Array = empty
  private at = 0
  private readonly eight = new Uint8Array(doubleSize)
  private readonly number64 = new DataView(this.eight.buffer)

  begin(bytes: Uint8Array): void {
    this.bytes = bytes
    this.at = 0
  }

  /** Nothing may be left. */
  end(): void {
    if (this.at < this.bytes.length) this.fail("the end")
    this.forget()
  }

  /** The tag of what comes next, which stays. */
  peek(): number {
    return this.at < this.bytes.length ? this.bytes[this.at]! : this.fail("a value")
  }

  fail(expected: string): never {
    const problem = `Expected ${expected} at byte ${this.at} of ${this.bytes.length}`
    this.forget()
    throw new Unreadable(problem)
  }

  tag(tag: number, expected: string): void {
    if (this.peek() !== tag) this.fail(expected)
    this.at++
  }

  boolean(): boolean {
    const tag = this.peek()
    if (tag !== Tag.true && tag !== Tag.false) this.fail("a boolean")
    this.at++
    return tag === Tag.true
  }

  number(): number {
    const tag = this.peek()
    if (tag > Tag.double) this.fail("a number")
    this.at++
    return tag < Tag.int32 ? tag : tag === Tag.int32 ? this.int32() : this.double()
  }

  /** That of the struct that comes next, which stays. */
  peekSeal(): number {
    const { at, bytes } = this
    return this.peek() === Tag.struct && at + sealSize <= bytes.length
      ? bytes[at + 1]! | bytes[at + 2]! << 8
      : this.fail("a struct")
  }

  seal(seal: number): void {
    if (this.peekSeal() !== seal) this.fail("a struct with the fields of the schema")
    this.at += sealSize
  }

  isAbsent(): boolean {
    if (this.peek() !== Tag.absent) return false
    this.at++
    return true
  }

  date(): Date {
    const first = this.at
    this.tag(Tag.date, "a date")
    const date = new Date(this.double())
    if (!Number.isNaN(date.getTime())) return date
    this.at = first
    return this.fail("a date")
  }

  /** Which of so many values or members. */
  place(count: number): number {
    this.tag(Tag.place, "one of those that the schema has")
    const place = this.number()
    return Number.isInteger(place) && place >= 0 && place < count
      ? place
      : this.fail("one of those that the schema has")
  }

  /** How many there are, each of which takes that many bytes at least. */
  count(size: number, expected: string): number {
    const count = this.number()
    if (!(Number.isInteger(count) && count >= 0 && count * size <= this.bytes.length - this.at)) this.fail(expected)
    return count
  }

  numbers(): Array<number> {
    const expected = "an array of numbers"
    const tag = this.peek()
    if (tag !== Tag.integers && tag !== Tag.doubles) this.fail(expected)
    this.at++
    const isIntegers = tag === Tag.integers
    const count = this.count(isIntegers ? int32Size : doubleSize, expected)
    return count < minView
      ? this.fewNumbers(count, isIntegers)
      : this.manyNumbers(count, isIntegers)
  }

  text(): string {
    const tag = this.peek()
    if (tag < Tag.utf8) this.fail("text")
    this.at++
    if (tag >= Tag.shortText) return this.shortText(tag - Tag.shortText)
    const bytes = this.native(this.count(1, "text"))
    if (tag === Tag.utf16) return bytes.length % 2 === 0 ? bytes.toString("utf16le") : this.fail("text")
    return isUtf8(bytes) ? bytes.toString("utf8") : this.fail("text")
  }

  /** A copy: nobody else's bytes go with it. */
  someBytes(): Uint8Array {
    this.tag(Tag.bytes, "bytes")
    const size = this.count(1, "bytes")
    const first = this.skip(size)
    return new Uint8Array(this.bytes.subarray(first, first + size))
  }

  private fewNumbers(count: number, isIntegers: boolean): Array<number> {
    const values = new Array<number>(count)
    for (let i = 0; i < count; i++) values[i] = isIntegers ? this.int32() : this.double()
    return values
  }

  private manyNumbers(count: number, isIntegers: boolean): Array<number> {
    const values = new Array<number>(count)
    const size = isIntegers ? int32Size : doubleSize
    const first = this.skip(count * size)
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + first, count * size)
    if (isIntegers) { for (let i = 0; i < count; i++) values[i] = view.getInt32(i * size, isLittleEndian) }
    else for (let i = 0; i < count; i++) values[i] = view.getFloat64(i * size, isLittleEndian)
    return values
  }

  private int32(): number {
    const { bytes } = this
    const first = this.skip(int32Size)
    return bytes[first]! | bytes[first + 1]! << 8 | bytes[first + 2]! << 16 | bytes[first + 3]! << 24
  }

  private double(): number {
    const first = this.skip(doubleSize)
    // A view of every message would cost more than that.
    for (let i = 0; i < doubleSize; i++) this.eight[i] = this.bytes[first + i]!
    return this.number64.getFloat64(0, isLittleEndian)
  }

  private shortText(length: number): string {
    if (length >= minNativeText) return this.native(length).toString("latin1")
    const { bytes } = this
    const first = this.skip(length)
    const end = first + length
    let text = ""
    let at = first
    // Each text that is made on the way costs.
    for (; at + 4 <= end; at += 4) {
      text += String.fromCharCode(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!)
    }
    for (; at < end; at++) text += String.fromCharCode(bytes[at]!)
    return text
  }

  private native(size: number): Buffer {
    const first = this.skip(size)
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + first, size)
  }

  /** The bytes are no longer held. */
  private forget(): void {
    this.bytes = empty
  }

  private skip(size: number): number {
    const first = this.at
    if (first + size > this.bytes.length) this.fail(`${size} bytes`)
    this.at += size
    return first
  }
}
