/**
 * The exit of a target on its way from child to parent: the whole cause, by the target's schemas.
 */
import type * as Effect from "effect/Effect"
import * as SchemaBinary from "effect/encoding/SchemaBinary"
import type * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type { Portable } from "../codec.ts"

interface Schemas {
  readonly success: Portable
  readonly error: Portable
}

const codec = ({ error, success }: Schemas) =>
  SchemaBinary.toCodec(Schema.Exit(success, error, Schema.Defect({ includeStack: true })))

/** In the child. */
export const encode = (
  schemas: Schemas,
  exit: Exit.Exit<unknown, unknown>
): Effect.Effect<Uint8Array, Schema.SchemaError> =>
  // Objects can't travel in a result, as their holder ends with it: nothing asks for the hub.
  Schema.encodeUnknownEffect(codec(schemas))(exit) as Effect.Effect<Uint8Array, Schema.SchemaError>

/** In the parent. */
export const decode = (
  schemas: Schemas,
  bytes: Uint8Array
): Effect.Effect<Exit.Exit<unknown, unknown>, Schema.SchemaError> =>
  Schema.decodeUnknownEffect(codec(schemas))(bytes) as Effect.Effect<
    Exit.Exit<unknown, unknown>,
    Schema.SchemaError
  >
