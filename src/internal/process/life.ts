/**
 * What a parent knows of a child: whether its module is imported, and how it ended.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Ended, StartFailure } from "../../Spawner.ts"
import * as Control from "./control.ts"
import { signalName } from "./exitStatus.ts"

export interface Life {
  /** A spare has imported what it was told to, and waits. */
  readonly ready: Effect.Effect<void, StartFailure>
  /** A spare has heard what to be; `false` if it has ended before. */
  readonly becoming: Effect.Effect<boolean>
  readonly imported: Effect.Effect<void, StartFailure>
  readonly ended: Effect.Effect<Ended>
  /** A frame of the child, without its length. */
  readonly onFrame: (frame: Uint8Array) => void
  /** The child is gone. */
  readonly end: (exitCode: number) => void
}

const decodeImportFailure = Schema.decodeUnknownSync(Schema.fromJsonString(Control.ImportFailure))

const toStartFailure = (body: Uint8Array): StartFailure => {
  const { message, name, reason, stack } = decodeImportFailure(Buffer.from(body).toString())
  const cause = new Error(message)
  cause.name = name
  cause.stack = stack
  return { reason, cause }
}

export const make = (): Life => {
  const ready = Deferred.makeUnsafe<void, StartFailure>()
  const becoming = Deferred.makeUnsafe<boolean>()
  const imported = Deferred.makeUnsafe<void, StartFailure>()
  const ended = Deferred.makeUnsafe<Ended>()
  let result: Option.Option<Uint8Array> = Option.none()
  return {
    ready: Deferred.await(ready),
    becoming: Deferred.await(becoming),
    imported: Deferred.await(imported),
    ended: Deferred.await(ended),
    onFrame: (frame) => {
      const body = frame.subarray(1)
      switch (frame[0]) {
        case Control.Kind.Imported:
          Deferred.doneUnsafe(imported, Effect.void)
          break
        case Control.Kind.ImportFailed: {
          const failure = Effect.fail(toStartFailure(body))
          Deferred.doneUnsafe(ready, failure)
          Deferred.doneUnsafe(imported, failure)
          break
        }
        case Control.Kind.Ready:
          Deferred.doneUnsafe(ready, Effect.void)
          break
        case Control.Kind.Becoming:
          Deferred.doneUnsafe(becoming, Effect.succeed(true))
          break
        case Control.Kind.Ended:
          result = Option.some(body)
      }
    },
    end: (exitCode) => {
      const cause = new Error(
        exitCode < 0 ? `it was ended by ${signalName(-exitCode)}` : `it ended with exit code ${exitCode}`
      )
      const failure: Effect.Effect<never, StartFailure> = Effect.fail({ reason: "EndedEarly", cause })
      Deferred.doneUnsafe(ready, failure)
      Deferred.doneUnsafe(becoming, Effect.succeed(false))
      Deferred.doneUnsafe(imported, failure)
      Deferred.doneUnsafe(ended, Effect.succeed({ exitCode, result }))
    }
  }
}
