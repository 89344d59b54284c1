/**
 * Connects to the hub of another process.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import { HubLost } from "../../Failure.ts"
import { ClientHandshake } from "../transport/handshake.ts"
import type { Transport } from "../transport/transport.ts"
import { Client } from "./client.ts"
import { MessageReader, MessageWriter } from "./messageStream.ts"

/** How long a hub may take to prove that it knows the key. */
const handshakeDeadline = "10 seconds"

/** A client whose hub has proved that it knows the key; closed with the scope. */
export const dial = Effect.fnUntraced(function*(options: {
  readonly transport: Transport
  readonly address: string
  readonly key: Uint8Array
  readonly onLost: () => void
}) {
  const { address } = options
  const lost = (reason: string) => new HubLost({ hub: address, reason })
  const handshake = new ClientHandshake(options.key, randomBytes(32))
  const authenticated = yield* Deferred.make<Buffer, HubLost>()
  const fail = (reason: string) => {
    Deferred.doneUnsafe(authenticated, Effect.fail(lost(reason)))
  }
  // Replaced by the client's own, once there is one. A hub says nothing between the handshake and the first request.
  let onData: (chunk: Buffer) => void
  let onClose = fail

  const duplex = yield* Effect.acquireRelease(
    options.transport.connect(address, (duplex) => {
      onData = (chunk) => {
        const step = handshake.feed(chunk)
        if (step.state === "Reply") duplex.write([step.reply])
        else if (step.state === "Done") Deferred.doneUnsafe(authenticated, Effect.succeed(step.rest))
        else if (step.state === "Refused") {
          fail(step.reason)
          duplex.destroy()
        }
      }
      return { onData: (chunk) => onData(chunk), onClose: (reason) => onClose(reason) }
    }),
    (duplex) => Effect.sync(() => duplex.end()),
    { interruptible: true }
  ).pipe(Effect.mapError((error) => lost(error.message)))

  const rest = yield* Deferred.await(authenticated).pipe(
    Effect.timeoutOrElse({
      duration: handshakeDeadline,
      orElse: () => Effect.fail(lost("it did not answer in time"))
    })
  )

  const writer = new MessageWriter(duplex)
  return yield* Effect.acquireRelease(
    Effect.sync(() =>
      new Client({
        address,
        onLost: options.onLost,
        open: (events) => {
          const reader = new MessageReader((message) => {
            events.onMessage(message)
            return true
          })
          onData = (chunk) => {
            if (!reader.feed(chunk)) duplex.destroy()
          }
          onClose = events.onLost
          onData(rest)
          return {
            send: (message) => writer.send(message),
            flush: () => writer.flush(),
            whenFlushed: (callback) => writer.whenFlushed(callback),
            close: () => writer.flush()
          }
        }
      })
    ),
    (client) => Effect.sync(() => client.close())
  )
})
