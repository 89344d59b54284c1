/** How far a count is: a line that rewrites itself on a terminal, a line for every tenth elsewhere. */
import { Effect, Option, type Scope, Stdio } from "effect"

export interface Progress {
  readonly update: (done: number, total: Option.Option<number>) => Effect.Effect<void>
  /** Prints a line that stays. */
  readonly line: (text: string) => Effect.Effect<void>
}

const write = (text: string) =>
  Effect.sync(() => {
    process.stderr.write(text)
  })

const clearLine = "\r\x1b[2K"
const hideCursor = "\x1b[?25l"
const showCursor = "\x1b[?25h"
const barWidth = 30

const percentage = (done: number, total: number) => total === 0 ? 100 : Math.floor(100 * done / total)

const bar = (label: string, done: number, total: Option.Option<number>) => {
  if (Option.isNone(total)) return `${label}: ${done} files`
  const percent = percentage(done, total.value)
  const filled = Math.round(barWidth * percent / 100)
  return `${label}: [${"#".repeat(filled)}${"-".repeat(barWidth - filled)}] ${percent} % of ${total.value} files`
}

const onTerminal = Effect.fnUntraced(function*(label: string): Effect.fn.Return<Progress, never, Scope.Scope> {
  let shown = ""
  // Whatever ends the count, Ctrl-C too, gives the terminal back as it was.
  yield* Effect.acquireRelease(write(hideCursor), () => write(clearLine + showCursor))
  return {
    update: (done, total) =>
      Effect.suspend(() => {
        // A line that wraps can't be rewritten.
        const text = bar(label, done, total).slice(0, (process.stderr.columns ?? 80) - 1)
        if (text === shown) return Effect.void
        shown = text
        return write(clearLine + shown)
      }),
    line: (text) => Effect.suspend(() => write(`${clearLine}${text}\n${shown}`))
  }
})

const elsewhere = (label: string): Progress => {
  let next = 10
  return {
    update: (done, total) =>
      Effect.suspend(() => {
        if (Option.isNone(total)) return Effect.void
        const percent = percentage(done, total.value)
        if (percent < next) return Effect.void
        next = 10 * Math.floor(percent / 10) + 10
        return write(`${label}: ${percent} % of ${total.value} files\n`)
      }),
    line: (text) => write(`${text}\n`)
  }
}

export const make = Effect.fnUntraced(function*(label: string) {
  const stdio = yield* Stdio.Stdio
  return (yield* stdio.stderrIsTerminal) ? yield* onTerminal(label) : elsewhere(label)
})
