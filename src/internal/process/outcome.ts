/**
 * The exit of a target on its way from child to parent: the whole cause, by the target's schemas.
 */
import type * as Effect from "effect/Effect"
import * as SchemaBinary from "effect/encoding/SchemaBinary"
import type * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import type { Portable } from "../codec.ts"

interface Schemas {
  readonly success: Portable
  readonly error: Portable
}

const PlainDefect = Schema.Defect({ includeStack: true })
const toJson = Schema.encodeUnknownSync(PlainDefect)
const fromJson = Schema.decodeUnknownSync(PlainDefect)

/** Copies the `code` of an error, and those of its causes: what programs tell errors of Node apart by. */
const copyCodes = (from: unknown, to: unknown): void => {
  if (!Predicate.isObject(from) || !Predicate.isObject(to)) return
  const { cause, code } = from as { readonly cause?: unknown; readonly code?: unknown }
  if (typeof code === "string" || typeof code === "number") Object.assign(to, { code })
  if (cause !== undefined) copyCodes(cause, (to as { readonly cause?: unknown }).cause)
}

const Defect = Schema.Json.pipe(Schema.decodeTo(Schema.Unknown, {
  decode: SchemaGetter.transform((json: Schema.Json): unknown => {
    const defect = fromJson(json)
    if (defect instanceof Error) copyCodes(json, defect)
    return defect
  }),
  encode: SchemaGetter.transform((defect: unknown): Schema.Json => {
    const json = toJson(defect)
    if (defect instanceof Error) copyCodes(defect, json)
    return json
  })
}))

const codec = ({ error, success }: Schemas) => SchemaBinary.toCodec(Schema.Exit(success, error, Defect))

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
