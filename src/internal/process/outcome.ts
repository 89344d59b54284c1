/**
 * The exit of a target on its way from child to parent: the whole cause, by the target's schemas.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as SchemaBinary from "effect/encoding/SchemaBinary"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { DecodeError } from "../../Failure.ts"
import { attempt, makePlain, type Portable } from "../codec.ts"

interface Schemas {
  readonly name: string
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

/** The stacks of typed failures travel beside them, as their schemas know nothing of stacks. */
const codec = ({ error, success }: Schemas) =>
  SchemaBinary.toCodec(Schema.Struct({
    exit: Schema.Exit(success, error, Defect),
    stacks: Schema.Array(Schema.UndefinedOr(Schema.String))
  }))

/** The errors in a failure, where they are errors, in their order. */
const errorsOf = (exit: Exit.Exit<unknown, unknown>): Array<Error | undefined> =>
  Exit.isSuccess(exit) ?
    [] :
    exit.cause.reasons.map((reason) =>
      Cause.isFailReason(reason) && reason.error instanceof Error ? reason.error : undefined
    )

/** An exit, encoded and decoded by the schemas of a target. */
export interface Codec {
  /** In the child. Fails with what is wrong with it. */
  readonly encode: (exit: Exit.Exit<unknown, unknown>) => Effect.Effect<Uint8Array, string>
  /** In the parent. */
  readonly decode: (bytes: Uint8Array) => Effect.Effect<Exit.Exit<unknown, unknown>, DecodeError>
}

/** In front of a plain success, which is as its schema packs it, and of every other exit. */
const Form = { success: 1, exit: 0 } as const

const withForm = (form: number, bytes: Uint8Array): Uint8Array => {
  const all = new Uint8Array(1 + bytes.length)
  all[0] = form
  all.set(bytes, 1)
  return all
}

const makeExit = (schemas: Schemas) => {
  const binary = codec(schemas)
  // Objects can't travel in a result, as their holder ends with it: nothing asks for the hub.
  const encode = Schema.encodeUnknownEffect(binary) as (value: unknown) => Effect.Effect<Uint8Array, Schema.SchemaError>
  const decode = Schema.decodeUnknownEffect(binary) as (bytes: unknown) => Effect.Effect<
    { readonly exit: Exit.Exit<unknown, unknown>; readonly stacks: ReadonlyArray<string | undefined> },
    Schema.SchemaError
  >
  return {
    encode: (exit: Exit.Exit<unknown, unknown>): Effect.Effect<Uint8Array, string> =>
      attempt(encode, { exit, stacks: errorsOf(exit).map((error) => error?.stack) }),
    decode: (bytes: Uint8Array): Effect.Effect<Exit.Exit<unknown, unknown>, DecodeError> =>
      Effect.mapBoth(attempt(decode, bytes), {
        onFailure: (problem) => new DecodeError({ object: schemas.name, operation: "result", problem }),
        onSuccess: ({ exit, stacks }) => {
          for (const [i, error] of errorsOf(exit).entries()) {
            const stack = stacks[i]
            if (error !== undefined && stack !== undefined) {
              Object.defineProperty(error, "stack", { value: stack, configurable: true, writable: true })
            }
          }
          return exit
        }
      })
  }
}

export const make = (schemas: Schemas): Codec => {
  const plain = makePlain(schemas.success, schemas.name)
  // Most processes never need it, and it takes some milliseconds to be made.
  let other: ReturnType<typeof makeExit> | undefined
  return {
    encode: (exit) =>
      plain !== undefined && Exit.isSuccess(exit)
        ? Effect.mapBoth(plain.encode(exit.value, "result"), {
          onFailure: ({ problem }) => problem,
          onSuccess: (bytes) => withForm(Form.success, bytes)
        })
        : Effect.map((other ??= makeExit(schemas)).encode(exit), (bytes) => withForm(Form.exit, bytes)),
    decode: (bytes) => {
      const body = bytes.subarray(1)
      return plain !== undefined && bytes[0] === Form.success
        ? Effect.map(plain.decode(body, "result"), Exit.succeed)
        : (other ??= makeExit(schemas)).decode(body)
    }
  }
}
