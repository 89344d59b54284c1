/** What the workers find in a piece of text. */
import * as Mp from "effect-multiprocessing"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** Some whole lines of a file. Bytes, since to decode them is work for the workers. */
export const Piece = Schema.Struct({ file: Schema.String, bytes: Schema.Uint8Array })

export const Findings = Schema.Struct({
  file: Schema.String,
  lines: Schema.Int,
  characters: Schema.Int,
  /** How many lines mention each of these words. */
  mentions: Schema.Array(Schema.Tuple([Schema.String, Schema.Int])),
  /** How many links there are to each host. */
  hosts: Schema.Array(Schema.Tuple([Schema.String, Schema.Int])),
  longest: Schema.Int
})
export type Findings = typeof Findings.Type

export const words = ["error", "warning", "deprecated", "todo"] as const
const anyWord = new RegExp(words.join("|"), "gi")
const link = /\bhttps?:\/\/([a-z\d.-]+\.[a-z]{2,})/gi

const increment = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)

const analyseText = (file: string, text: string): Findings => {
  const mentions = new Map<string, number>()
  const hosts = new Map<string, number>()
  let lines = 0
  let longest = 0
  for (let begin = 0; begin < text.length;) {
    const newline = text.indexOf("\n", begin)
    const end = newline < 0 ? text.length : newline
    const line = text.slice(begin, end)
    lines++
    longest = Math.max(longest, line.length)
    for (const word of new Set(line.match(anyWord)?.map((word) => word.toLowerCase()))) increment(mentions, word)
    for (const [, host] of line.matchAll(link)) increment(hosts, host!.toLowerCase())
    begin = end + 1
  }
  return { file, lines, characters: text.length, mentions: [...mentions], hosts: [...hosts], longest }
}

export const analyse = Mp.Target.make(
  "analyse",
  { module: import.meta.url, payload: Piece, success: Findings },
  ({ bytes, file }) => Effect.sync(() => analyseText(file, new TextDecoder().decode(bytes)))
)

/** Asked of every worker in the end: the most memory that it ever had, in bytes. */
export const peakMemory = Mp.Target.make(
  "peakMemory",
  { module: import.meta.url, success: Schema.Number },
  () => Effect.sync(() => process.resourceUsage().maxRSS * 1024)
)
