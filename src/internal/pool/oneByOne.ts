/**
 * The loop of who works on messages.
 */
import * as Effect from "effect/Effect"
import type { Closed, EndOfFile, HubLost } from "../../Failure.ts"
import * as Codec from "../codec.ts"
import type { ConnectionImpl } from "../connection.ts"

type Received = Effect.Effect<Uint8Array, EndOfFile | Closed | HubLost>

/** So many messages without a look at what else there is to do. */
const maxAtOnce = 64

/**
 * Works on the next message, and on those behind it as long as they are there and are worked on in this very step: to receive each for
 * itself would cost several times what most of them take. `restore` is for the time in which there is nothing to do.
 */
export const oneByOne = <E, R>(
  connection: ConnectionImpl,
  work: (bytes: Uint8Array) => Effect.Effect<void, E, R>,
  restore: (effect: Received) => Received = (effect) => effect
): Effect.Effect<void, E | EndOfFile | Closed | HubLost, R> => {
  const wait = Effect.flatMap(restore(connection.recvBytes() as Received), work)
  return Effect.suspend(() => {
    for (let i = 0; i < maxAtOnce; i++) {
      const bytes = connection.reference.takeNow()
      if (bytes === undefined) return wait
      const working = work(bytes)
      if (!Codec.isDone(working)) return working
    }
    return Effect.yieldNow
  })
}
