/** A file as a stream of pieces. */
import { Effect, FileSystem, Stream } from "effect"

/** What is read at a time: what stands behind its last line waits for the next part. */
const partSize = 128 * 1024

/** A line that is longer than this is cut. */
const longestLine = 1024 * 1024

const newline = 10

const cut = (rest: Buffer, part: Uint8Array): readonly [rest: Buffer, pieces: ReadonlyArray<Buffer>] => {
  const end = part.lastIndexOf(newline) + 1
  const together = Buffer.concat([rest, part])
  if (end === 0) return together.length > longestLine ? [Buffer.alloc(0), [together]] : [together, []]
  return [together.subarray(rest.length + end), [together.subarray(0, rest.length + end)]]
}

export const piecesOf = (file: string) =>
  Stream.unwrap(Effect.map(FileSystem.FileSystem, (fs) =>
    fs.stream(file, { chunkSize: partSize }).pipe(
      Stream.mapAccum(() => Buffer.alloc(0), cut, { onHalt: (rest) => rest.length === 0 ? [] : [rest] }),
      Stream.map((bytes) => ({ file, bytes }))
    )))
