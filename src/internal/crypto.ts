/**
 * Node's cryptography, which takes some milliseconds to load: when it is needed first, as many children never do.
 */
import * as fs from "node:fs"

const crypto = () => process.getBuiltinModule("node:crypto")

/** So many bytes that nobody can guess. */
export const randomBytes = (size: number): Buffer<ArrayBuffer> => crypto().randomBytes(size)

/** Where POSIX systems have what Node's cryptography takes its randomness from. */
const source = "/dev/urandom"

/** The same for who may do without the rest of cryptography: a read of the system's own source, where there is one. */
export const fewRandomBytes = (size: number): Buffer<ArrayBuffer> => {
  const bytes = Buffer.alloc(size)
  let descriptor: number | undefined
  try {
    descriptor = fs.openSync(source, "r")
    if (fs.fstatSync(descriptor).isCharacterDevice() && fs.readSync(descriptor, bytes) === size) return bytes
  } catch {
    // There is none.
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor)
  }
  return randomBytes(size)
}

/** The HMAC of some parts, with SHA-256. */
export const hmac = (key: Uint8Array, ...parts: ReadonlyArray<Uint8Array | string>): Buffer<ArrayBuffer> => {
  const hmac = crypto().createHmac("sha256", key)
  for (const part of parts) hmac.update(part)
  return hmac.digest()
}

/** Are they the same? How long it takes says nothing of where they differ. Both have the same length. */
export const timingSafeEqual = (one: Uint8Array, other: Uint8Array): boolean => crypto().timingSafeEqual(one, other)
