/**
 * Numbers as bytes, as the machine has them. Both sides are on the same one.
 *
 * A number is eight bytes. An array of numbers is four bytes for each if all are integers of 32 bits, and eight otherwise; its last byte says which.
 */

/** Values of one kind as bytes, whether a schema allows them or not. */
export interface Packing<A> {
  /** What the bytes are, in words. */
  readonly expected: string
  readonly pack: (value: A) => Uint8Array
  /** `undefined`: the bytes are something else. */
  readonly unpack: (bytes: Uint8Array) => A | undefined
}

const doubleSize = Float64Array.BYTES_PER_ELEMENT

/** Small messages share buffers of this size. */
const sharedSize = 1024 * doubleSize

export const ofNumber = (): Packing<number> => {
  const one = new Float64Array(1)
  const itsBytes = new Uint8Array(one.buffer)
  let buffer = new ArrayBuffer(0)
  let used = 0
  return {
    expected: `the ${doubleSize} bytes of a number`,
    pack: (value) => {
      if (used === buffer.byteLength) {
        buffer = new ArrayBuffer(sharedSize)
        used = 0
      }
      one[0] = value
      const bytes = new Uint8Array(buffer, used, doubleSize)
      for (let i = 0; i < doubleSize; i++) bytes[i] = itsBytes[i]!
      used += doubleSize
      return bytes
    },
    unpack: (bytes) => {
      if (bytes.length !== doubleSize) return undefined
      for (let i = 0; i < doubleSize; i++) itsBytes[i] = bytes[i]!
      return one[0]!
    }
  }
}

const kinds = [Int32Array, Float64Array] as const

/** Their bytes and a place for the size of each. */
const room = (count: number, size: number): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(count * size + 1)
  bytes[count * size] = size
  return bytes
}

/** None, if one of them is no such integer. */
const asIntegers = (values: ReadonlyArray<number>): Uint8Array | undefined => {
  const bytes = room(values.length, Int32Array.BYTES_PER_ELEMENT)
  const integers = new Int32Array(bytes.buffer, 0, values.length)
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    integers[i] = value
    // Minus zero would lose its sign.
    if (integers[i] !== value || value === 0 && 1 / value < 0) return undefined
  }
  return bytes
}

export const ofNumbers: Packing<ReadonlyArray<number>> = {
  expected: "the bytes of an array of numbers",
  pack: (values) => {
    const integers = asIntegers(values)
    if (integers !== undefined) return integers
    const bytes = room(values.length, doubleSize)
    new Float64Array(bytes.buffer, 0, values.length).set(values)
    return bytes
  },
  unpack: (bytes) => {
    const kind = kinds.find(({ BYTES_PER_ELEMENT }) => BYTES_PER_ELEMENT === bytes.at(-1))
    if (kind === undefined || (bytes.length - 1) % kind.BYTES_PER_ELEMENT > 0) return undefined
    const count = (bytes.length - 1) / kind.BYTES_PER_ELEMENT
    // A copy, as they may begin where no number may.
    const packed = new kind(new Uint8Array(bytes).buffer, 0, count)
    const values = new Array<number>(count)
    for (let i = 0; i < count; i++) values[i] = packed[i]!
    return values
  }
}
