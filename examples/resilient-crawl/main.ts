/**
 * A crawler that survives what it reads: pages that never come, that crash the process that reads them, or keep it busy for ever.
 *
 *     node examples/resilient-crawl/main.ts
 */
import { Console, Effect, Order, Semaphore } from "effect"
import * as Mp from "effect-multiprocessing"
import { serve } from "./site.ts"
import { reader, type Visit, visit } from "./visit.ts"

const timeLimit = "7 seconds"

const crawl = Effect.gen(function*() {
  const site = yield* serve
  const pool = yield* Mp.Pool.make({
    name: "crawler",
    size: 4,
    worker: reader,
    targets: [visit],
    // What is in a loop when its time is over may take this long for its finalizers, and is killed.
    gracePeriod: "300 millis",
    maxLosses: 2
  })
  // The time of a visit begins when a worker can take it, and not when it is found.
  const semaphore = yield* Semaphore.make(pool.size)
  const seen = new Set<string>()
  const troubles: Array<readonly [what: string, why: string]> = []
  let pages = 0
  let characters = 0

  const nameOf = ({ method, url }: Visit) => `${method} ${new URL(url).pathname}`

  const follow = (next: Visit): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (seen.has(nameOf(next))) return Effect.void
      seen.add(nameOf(next))
      // Reading a page twice does no harm. Whether a form may be sent twice, nobody knows.
      const page = pool.run(visit, next, { idempotent: next.method === "GET" })
      const trouble = (why: string) => Effect.sync(() => void troubles.push([nameOf(next), why]))
      return page.pipe(
        Effect.timeout(timeLimit),
        Semaphore.withPermit(semaphore),
        Effect.matchEffect({
          onSuccess: ({ characters: more, links }) => {
            pages++
            characters += more
            return Effect.forEach(links, follow, { concurrency: "unbounded", discard: true })
          },
          onFailure: (error) => {
            switch (error._tag) {
              case "BadStatus":
              case "NoAnswer":
                return trouble(error.message)
              case "TimeoutError":
                return trouble(`gave no result within ${timeLimit}`)
              case "WorkerLost":
                return trouble(`${error.reason}, exit code ${error.exitCode}; not tried again`)
              case "PoisonousTask":
                return trouble(`${error.last.reason}, and has ended ${error.losses} workers`)
              case "EncodeError":
              case "PoolClosed":
              case "SpawnError":
                return Effect.die(error)
            }
          }
        })
      )
    })

  yield* Console.log(`Crawling ${site.url} with ${pool.size} workers, at most ${timeLimit} a page`)
  yield* follow({ method: "GET", url: `${site.url}/` })

  yield* Console.log(`${pages} pages were read, with ${characters.toLocaleString("en")} characters`)
  troubles.sort(Order.mapInput(Order.String, ([what]) => what))
  for (const [what, why] of troubles) yield* Console.log(`  ${what.padEnd(14)} ${why}`)
  for (const [path, times] of site.requests) {
    if (times > 1) yield* Console.log(`  ${`GET ${path}`.padEnd(14)} was asked for ${times} times`)
  }
  const { completed, failed, lost, workers } = yield* pool.stats
  yield* Console.log(`Tasks: ${completed} succeeded, ${failed} failed or were interrupted; ${lost} workers were lost`)
  const alive = workers.filter(({ state }) => state !== "retiring").length
  yield* Console.log(`The pool has ${alive} workers, and goes on`)
})

Mp.runMain(Effect.scoped(crawl).pipe(Effect.provide(Mp.layer)))
