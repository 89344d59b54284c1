/**
 * Values of a kind as messages.
 */
import type { Packing } from "./packing.ts"
import { Reader } from "./reader.ts"
import { Writer } from "./writer.ts"

export interface Packer {
  /** The bytes may share a buffer with others. Throws what the value's getters throw. */
  readonly pack: (value: unknown) => Uint8Array
  /** Throws `Unreadable`. */
  readonly unpack: (bytes: Uint8Array) => unknown
}

export const packer = (packing: Packing): Packer => {
  const reader = new Reader()
  let writer: Writer | undefined
  return {
    pack: (value) => {
      // A getter of the value may pack another one.
      const mine = writer ?? new Writer()
      writer = undefined
      try {
        mine.begin()
        packing.write(mine, value)
        return mine.take()
      } finally {
        writer = mine
      }
    },
    unpack: (bytes) => {
      reader.begin(bytes)
      const value = packing.read(reader)
      reader.end()
      return value
    }
  }
}
