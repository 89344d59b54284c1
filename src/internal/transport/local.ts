/**
 * The way between processes of one machine: sockets, and rings in shared memory over them where these can be had.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs"
import type { TransportOptions } from "../../Hub.ts"
import type { Guard } from "../process/guard.ts"
import { Poller } from "./poller.ts"
import * as Ring from "./ringTransport.ts"
import * as SharedMemory from "./sharedMemory.ts"
import * as Socket from "./socket.ts"
import type { Transport } from "./transport.ts"

export const make = Effect.fnUntraced(
  function*(guard: Guard, options: TransportOptions): Effect.fn.Return<Transport, never, Scope.Scope> {
    const runFork = Effect.runForkWith(yield* Effect.context<never>())
    let directory: string | undefined
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        if (directory === undefined) return Effect.void
        fs.rmSync(directory, { recursive: true, force: true })
        return guard.unwatchDirectory(directory)
      })
    )
    const shared = options.transport === "socket" ? SharedMemory.none : SharedMemory.make({
      onDirectory: (path) => {
        directory = path
        runFork(guard.watchDirectory(path))
      },
      onUnavailable: (error) => {
        runFork(Effect.logDebug("Sockets serve, because there is no shared memory", error))
      }
    })
    return Ring.over(Socket.make(guard), {
      shared,
      poller: new Poller(Duration.toMillis(options.hotTime ?? "200 micros"), shared.yieldProcessor),
      capacity: options.ringCapacity ?? 2 * 1024 * 1024
    })
  }
)
