/** The site that is crawled: a small server of this program's own. Some of its pages are bad for whoever reads them. */
import { Effect, type Scope } from "effect"
import * as http from "node:http"
import type { AddressInfo } from "node:net"

const link = (path: string) => `<a href="${path}">${path}</a>`
const form = (path: string) => `<form method="post" action="${path}"></form>`
const trouble = (kind: string) => `<object data-trouble="${kind}"></object>`

const chapters = 24

/** Pages by their path. `before`: how often it was asked for already. */
const pages: Record<string, (before: number) => string> = {
  "/": () => [link("/contents"), link("/trouble")].join("\n"),
  "/contents": () => Array.from({ length: chapters }, (_, i) => link(`/chapter/${i + 1}`)).join("\n"),
  "/trouble": () =>
    [
      ...["/missing", "/silent", "/nested", "/unlucky", "/poison"].map(link),
      ...["/exit", "/abort"].map(form)
    ].join("\n"),
  // It ends its first reader, and is harmless from then on.
  "/unlucky": (before) => before === 0 ? trouble("abort") : link("/"),
  "/poison": () => trouble("abort"),
  "/exit": () => trouble("exit"),
  "/abort": () => trouble("abort"),
  // What makes an innocent regular expression run for years.
  "/nested": () => `<p>${"a".repeat(64)}!</p>`
}
for (let i = 1; i <= chapters; i++) {
  pages[`/chapter/${i}`] = () =>
    [link("/contents"), link(`/chapter/${i % chapters + 1}`), "lorem ipsum ".repeat(i)].join("\n")
}

export interface Site {
  readonly url: string
  /** How often each path was asked for. */
  readonly requests: ReadonlyMap<string, number>
}

/** Serves the site until the scope closes, on a port that the operating system chooses. */
export const serve: Effect.Effect<Site, never, Scope.Scope> = Effect.gen(function*() {
  const requests = new Map<string, number>()
  const server = yield* Effect.acquireRelease(
    Effect.sync(() =>
      http.createServer((request, response) => {
        const path = request.url!
        const before = requests.get(path) ?? 0
        requests.set(path, before + 1)
        // It never answers.
        if (path === "/silent") return
        const page = pages[path]
        response.writeHead(page === undefined ? 404 : 200, { "content-type": "text/html" })
        response.end(page?.(before))
      })
    ),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  yield* Effect.callback<void>((resume) => {
    server.listen(0, "127.0.0.1", () => resume(Effect.void))
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, requests }
})
