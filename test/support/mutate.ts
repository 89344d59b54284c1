/** Bytes that are nearly right. */
import type { Random } from "./random.ts"

/** Numbers at which sizes are cut off. */
const edges = [0, 1, 0x7f, 0x80, 0xff, 0x3fff_ffff, 0x4000_0000, 0x4000_0001, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]

/** A copy with one to three places changed: bits, bytes, lengths, something missing, doubled, or added. */
export const mutate = (random: Random, original: Buffer): Buffer => {
  let bytes = Buffer.from(original)
  for (let i = random.int(3); i >= 0; i--) {
    const at = random.int(bytes.length + 1)
    switch (random.int(6)) {
      case 0:
        if (at < bytes.length) bytes[at]! ^= 1 << random.int(8)
        break
      case 1:
        if (at < bytes.length) bytes[at] = random.int(256)
        break
      case 2:
        if (at + 4 <= bytes.length) bytes.writeUInt32BE(random.pick(edges), at)
        break
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.int(8))])
        break
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.int(at + 1))])
        break
      default:
        bytes = Buffer.concat([bytes.subarray(0, at), random.bytes(random.int(8)), bytes.subarray(at)])
    }
  }
  return bytes
}
