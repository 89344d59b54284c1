/**
 * Connects to the hub of another process.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { HubLost } from "../../Failure.ts"
import { randomBytes } from "../crypto.ts"
import { ClientHandshake } from "../transport/handshake.ts"
import type { Transport } from "../transport/transport.ts"
import { Client } from "./client.ts"
import * as Message from "./message.ts"
import { MessageReader, MessageWriter } from "./messageStream.ts"

/** How long a hub may take to prove that it knows the key. */
const handshakeDeadline = "10 seconds"

/** A hub under a storm of strangers may turn a friend away: how often, and after what time, a friend comes again. */
const retries = Schedule.min([Schedule.exponential(Duration.millis(5), 2), Schedule.spaced(Duration.millis(80))]).pipe(
  Schedule.jittered,
  Schedule.upTo({ times: 30 })
)

interface Options {
  readonly transport: Transport
  readonly address: string
  readonly key: Uint8Array
  readonly onLost: () => void
}

/** Why one attempt failed. */
class AttemptFailed extends Error {
  readonly lost: HubLost
  readonly passing: boolean

  constructor(lost: HubLost, passing: boolean) {
    super(lost.message)
    this.lost = lost
    this.passing = passing
  }
}

/** A client whose hub has proved that it knows the key; closed with the scope. */
export const dial = (options: Options): Effect.Effect<Client, HubLost, Scope.Scope> =>
  attempt(options).pipe(
    Effect.retry({ schedule: retries, while: (failed) => failed.passing }),
    Effect.mapError((failed) => failed.lost)
  )

const attempt = Effect.fnUntraced(function*(options: Options) {
  const { address } = options
  const failed = (reason: string, passing: boolean) => new AttemptFailed(new HubLost({ hub: address, reason }), passing)
  const handshake = new ClientHandshake(options.key, randomBytes(32))
  const authenticated = yield* Deferred.make<void, AttemptFailed>()
  const fail = (reason: string, passing: boolean) => {
    Deferred.doneUnsafe(authenticated, Effect.fail(failed(reason, passing)))
  }
  let reader: MessageReader | undefined
  // Replaced by the client's own, once there is one.
  let onData: (chunk: Buffer) => void
  let answered = false
  // Whoever is turned away after its answer does not know the key.
  let onClose = (reason: string) => fail(reason, !answered)

  const duplex = yield* Effect.acquireRelease(
    options.transport.connect(address, (duplex) => {
      onData = (chunk) => {
        const step = handshake.feed(chunk)
        if (step.state === "Reply") {
          answered = true
          duplex.write(step.reply)
        } else if (step.state === "Done") {
          // A hub says nothing before the first request.
          onData = () => duplex.destroy()
          duplex.authenticated("client", step.rest)
          Deferred.doneUnsafe(authenticated, Effect.void)
        } else if (step.state === "Refused") {
          fail(step.reason, false)
          duplex.destroy()
        }
      }
      return {
        onData: (chunk) => onData(chunk),
        collector: () => reader,
        onClose: (reason) => onClose(reason)
      }
    }),
    (duplex) => Effect.sync(() => duplex.end()),
    { interruptible: true }
  ).pipe(Effect.mapError((error) => failed(error.message, error.passing)))

  yield* Deferred.await(authenticated).pipe(
    Effect.timeoutOrElse({
      duration: handshakeDeadline,
      orElse: () => Effect.fail(failed("it did not answer in time", false))
    })
  )

  const writer = new MessageWriter(duplex)
  return yield* Effect.acquireRelease(
    Effect.sync(() =>
      new Client({
        address,
        onLost: options.onLost,
        open: (events) => {
          const messages = reader = new MessageReader((message) => {
            events.onMessage(message)
            return true
          }, () =>
            duplex.destroy(), options.transport)
          onData = (chunk) =>
            messages.feed(chunk)
          onClose = events.onLost
          return {
            send: (message, head, quiet) =>
              writer.send(message, head, quiet),
            owesBell: () => duplex.owesBell(),
            ring: () => duplex.ring(),
            ask: (message, eager) => {
              writer.send(eager ? { ...message, flag: message.flag | Message.GetFlag.shared } : message)
              return undefined
            },
            flush: () => writer.flush(),
            own: () => writer.own(),
            hasRoom: () => duplex.hasRoom(),
            words: () => duplex.words(),
            open: (name, size) => duplex.open(name, size),
            transport: options.transport,
            whenFlushed: (callback) => writer.whenFlushed(callback),
            close: () => writer.flush()
          }
        }
      })
    ),
    (client) => Effect.sync(() => client.close())
  )
})
