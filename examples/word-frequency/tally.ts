/** Counting words. */
import { Effect, FileSystem, PlatformError } from "effect"
import { reasonOf, type Unreadable } from "./files.ts"

/** Finds words also where no spaces are between them, as in Chinese. */
const segmenter = new Intl.Segmenter("en", { granularity: "word" })

/** What was counted so far. Changed in place: it is the inner loop of the program. */
export class Tally {
  files = 0
  bytes = 0
  readonly words = new Map<string, number>()
  readonly unreadable: Array<Unreadable> = []

  clear() {
    this.files = 0
    this.bytes = 0
    this.words.clear()
    this.unreadable.length = 0
  }

  add(word: string, count: number) {
    this.words.set(word, (this.words.get(word) ?? 0) + count)
  }

  /** Case does not matter, and a number is no word. */
  addText(text: string) {
    for (const { isWordLike, segment } of segmenter.segment(text.toLowerCase())) {
      if (isWordLike === true && !/^\d/.test(segment)) this.add(segment, 1)
    }
  }
}

export const addFile = Effect.fnUntraced(
  function*(tally: Tally, file: string) {
    const fs = yield* FileSystem.FileSystem
    const bytes = yield* fs.readFile(file)
    const text = yield* Effect.try({
      try: () => new TextDecoder().decode(bytes),
      // Longer than a string can be.
      catch: (cause) => PlatformError.badArgument({ module: "TextDecoder", method: "decode", cause })
    })
    tally.addText(text)
    tally.files++
    tally.bytes += bytes.length
  },
  (effect, tally, path) =>
    Effect.catch(effect, (error) => Effect.sync(() => tally.unreadable.push({ path, reason: reasonOf(error) })))
)
