/**
 * The exit of a target on its way from child to parent: the whole cause, by the target's schemas.
 */
import * as Effect from "effect/Effect"
import * as SchemaBinary from "effect/encoding/SchemaBinary"
import type * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type { Hub } from "../../Hub.ts"
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
): Effect.Effect<Uint8Array, Schema.SchemaError, Hub> => Schema.encodeUnknownEffect(codec(schemas))(exit)

/** In the parent. */
export const decode = (
  schemas: Schemas,
  bytes: Uint8Array
): Effect.Effect<Exit.Exit<unknown, unknown>, Schema.SchemaError, Hub> =>
  Effect.map(Schema.decodeUnknownEffect(codec(schemas))(bytes), (exit) => exit)
