/**
 * Values as messages: what a queue and a connection do around a Put and a Get.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { Closed, type DecodeError, EncodeError, type HubLost } from "../Failure.ts"
import type { Hub } from "../Hub.ts"
import * as Codec from "./codec.ts"
import type { Attachment } from "./hub/attachments.ts"
import type { Lease } from "./hub/client.ts"
import * as Message from "./hub/message.ts"
import type { Meaning, Reference } from "./hub/reference.ts"
import type { Patience } from "./patience.ts"
import { CurrentTransit } from "./transit.ts"
import { maxMessageSize } from "./transport/frames.ts"

/** What is wrong with a message of this size. */
export const tooLarge = (size: number): string =>
  `${size} bytes are more than a message can have (${maxMessageSize}). Send it in parts, or send where it is.`

/** Encodes a value and puts it. The objects inside of it stay alive until the message is let in, and from then on with the message. */
export const send = <A, E>(
  codec: Codec.Codec<A>,
  reference: Reference,
  value: A,
  operation: string,
  meaning: Meaning<void, E, never>,
  patience: Patience
): Effect.Effect<void, E | EncodeError | Closed | HubLost> =>
  Effect.withFiber((fiber): Effect.Effect<void, E | EncodeError | Closed | HubLost> => {
    const encoded = codec.encode(value, operation)
    if (Codec.isDone(encoded)) {
      return encoded.value.length > maxMessageSize
        ? Effect.fail(new EncodeError({ object: codec.object, operation, problem: tooLarge(encoded.value.length) }))
        : reference.begin(fiber, Message.Request.Put, meaning, { bytes: encoded.value, patience })
    }
    return Effect.acquireUseRelease(
      Scope.make(),
      (scope) => {
        const attachments: Array<Attachment> = []
        return Effect.provideService(encoded, CurrentTransit, { scope, attachments, via: reference.client }).pipe(
          Effect.flatMap((bytes) =>
            reference.request(Message.Request.Put, meaning, {
              bytes,
              attachments: attachments.length === 0 ? undefined : attachments,
              patience
            })
          )
        )
      },
      Scope.close
    )
  })

/**
 * Decodes an item and accepts it. An item that can't be decoded is accepted too, as nobody else could. Objects inside of it live until
 * they are closed, or this process's hub is.
 */
export const receive = <A>(
  codec: Codec.Codec<A>,
  hub: Hub["Service"],
  reference: Reference,
  bytes: Uint8Array,
  item: Lease,
  operation: string
): Effect.Effect<A, DecodeError | Closed> => {
  const decoded = codec.decode(bytes, operation)
  if (Codec.isDone(decoded)) {
    item.accept()
    return decoded
  }
  const transit = { scope: hub.scope, via: reference.client }
  if (item.isAccepted) {
    return Effect.uninterruptible(Effect.provideService(decoded, CurrentTransit, { ...transit, received: [] }))
  }
  // The item is leased while the objects inside of it are attached: whoever dies now leaves it to the next reader.
  return Effect.uninterruptibleMask((restore) => {
    const received: Array<Reference> = []
    return Effect.exit(
      restore(Effect.provideService(decoded, CurrentTransit, { ...transit, received }))
    ).pipe(
      Effect.flatMap((exit): Effect.Effect<A, DecodeError | Closed> => {
        const letGo = Effect.forEach(received, (reference) => reference.close, { discard: true })
        // The hub has taken the item back.
        if (reference.isClosed) return Effect.andThen(letGo, Effect.fail(new Closed({ object: reference.name })))
        if (Exit.isSuccess(exit)) {
          item.accept()
          return exit
        }
        if (Cause.hasInterrupts(exit.cause)) item.giveBack()
        else item.accept()
        return Effect.andThen(letGo, exit)
      })
    )
  })
}
