/** What the workers do: they ask for a page, and read it. */
import * as Mp from "effect-multiprocessing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

export const Visit = Schema.Struct({ method: Schema.Literals(["GET", "POST"]), url: Schema.String })
export type Visit = typeof Visit.Type

/** What a page says is next. */
export const Page = Schema.Struct({ characters: Schema.Int, links: Schema.Array(Visit) })

/** The server answers, but not with a page. */
export class BadStatus extends Schema.TaggedError<BadStatus>()("BadStatus", { status: Schema.Int }) {
  override get message() {
    return `the server says ${this.status}`
  }
}

/** The server says nothing. */
export class NoAnswer extends Schema.TaggedError<NoAnswer>()("NoAnswer", { within: Schema.String }) {
  override get message() {
    return `no answer within ${this.within}`
  }
}

const patience = "2 seconds"

/** Each worker has a client of its own. */
export class Client extends Context.Service<Client, {
  readonly fetch: (visit: Visit) => Effect.Effect<string, BadStatus | NoAnswer>
}>()("resilient-crawl/Client") {}

export const reader = Mp.Pool.worker(
  "reader",
  { module: import.meta.url },
  Layer.sync(Client)(() => {
    const headers = { "user-agent": `resilient-crawl (process ${process.pid})` }
    return {
      fetch: Effect.fnUntraced(function*({ method, url }) {
        // Interruption aborts the request.
        const response = yield* Effect.promise((signal) => fetch(url, { method, headers, signal }))
        const text = yield* Effect.promise(() => response.text())
        return response.ok ? text : yield* Effect.fail(new BadStatus({ status: response.status }))
      }, Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.fail(new NoAnswer({ within: patience })) }))
    }
  })
)

/** A reader of pages with bugs, as libraries have them that other people wrote. */
const read = (base: string, html: string): typeof Page.Type => {
  switch (/data-trouble="(\w+)"/.exec(html)?.[1]) {
    case "exit":
      process.exit(3)
    case "abort":
      process.kill(process.pid, "SIGKILL")
      break
  }
  const links: Array<Visit> = []
  for (const [, path] of html.matchAll(/<a href="([^"]+)"/g)) {
    links.push({ method: "GET", url: new URL(path!, base).href })
  }
  for (const [, path] of html.matchAll(/<form method="post" action="([^"]+)"/g)) {
    links.push({ method: "POST", url: new URL(path!, base).href })
  }
  // A synchronous loop that no interruption can end.
  for (const [, paragraph] of html.matchAll(/<p>(.*)<\/p>/g)) /^(\w+\s?)+$/.test(paragraph!)
  return { characters: html.length, links }
}

export const visit = Mp.Target.make(
  "visit",
  {
    module: import.meta.url,
    payload: Visit,
    success: Page,
    error: Schema.Union([BadStatus, NoAnswer]),
    uses: [Client]
  },
  (visit) => Client.use((client) => Effect.map(client.fetch(visit), (html) => read(visit.url, html)))
)
