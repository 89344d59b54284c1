/**
 * Values to bytes and back, at the edges of the library.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as SchemaBinary from "effect/encoding/SchemaBinary"
import * as Exit from "effect/Exit"
import { memoize } from "effect/Function"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaJITCompiler from "effect/schema/SchemaJITCompiler"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaGetter from "effect/SchemaGetter"
import { DecodeError, EncodeError } from "../Failure.ts"
import { Hub } from "../Hub.ts"
import { hasChecks, ofEncoded, ofSchema } from "./packing/ofSchema.ts"
import { type Packer, packer } from "./packing/packer.ts"
import { Unreadable } from "./packing/reader.ts"

/**
 * A schema whose values can travel: it needs no services but the hub, which handles of queues and connections need.
 */
export type Portable = Schema.ConstraintCodec<unknown, unknown, Hub, Hub>

/** Values of one schema, on behalf of one named object. */
export interface Codec<A> {
  readonly object: string
  /** Decoding has needed no effect so far. */
  readonly isPlain: () => boolean
  /**
   * An `Exit` where the schema needs no effect, so that the common case costs no more than a call. The bytes may share a buffer
   * with others: copy what is kept.
   */
  readonly encode: (value: A, operation: string) => Effect.Effect<Uint8Array, EncodeError>
  readonly decode: (bytes: Uint8Array, operation: string) => Effect.Effect<A, DecodeError>
}

/** What all successes of this copy of Effect are instances of. */
const Success = function() {}
Success.prototype = Object.getPrototypeOf(Exit.void)

/**
 * The effect has run already, and succeeded. `Exit.isExit` looks for a property in values of all shapes, which costs more than to encode a
 * number. Another copy's success is only not seen to be one.
 */
export const isDone = <A, E, R>(effect: Effect.Effect<A, E, R>): effect is Exit.Success<A> => effect instanceof Success

type Plain = Schema.ConstraintCodec<unknown, unknown>

/**
 * Parses a value, or fails with the problem in one line. What throws on the way, a getter or a transformation, is a problem like any
 * other: the value is the user's.
 */
export const attempt = <A, R>(
  parse: (value: unknown) => Effect.Effect<A, Schema.SchemaError, R>,
  value: unknown
): Effect.Effect<A, string, R> => {
  try {
    const parsed = parse(value)
    if (isDone(parsed)) return parsed
    const exit: Effect.Effect<A, Schema.SchemaError, R> = parsed
    return Exit.isExit(exit) && Exit.isFailure(exit)
      ? Exit.fail(problemOf(Cause.squash(exit.cause)))
      : Effect.mapError(Effect.catchDefect(parsed, Effect.fail), problemOf)
  } catch (thrown) {
    return Exit.fail(problemOf(thrown))
  }
}

const problemOf = (error: unknown): string =>
  (Schema.isSchemaError(error) || error instanceof Unreadable ? error.message : String(error)).replace(/\s*\n\s*/g, " ")

const orProblem = <A>(f: () => A): Effect.Effect<A, string> => {
  try {
    return Effect.succeed(f())
  } catch (thrown) {
    return Exit.fail(problemOf(thrown))
  }
}

const orEncodeError = <A, R>(effect: Effect.Effect<A, string, R>, object: string, operation: string) =>
  Effect.mapErrorEager(effect, (problem) => new EncodeError({ object, operation, problem }))

const orDecodeError = <A, R>(effect: Effect.Effect<A, string, R>, object: string, operation: string) =>
  Effect.mapErrorEager(effect, (problem) => new DecodeError({ object, operation, problem }))

/** After so many bytes of a schema's values it is worth a millisecond to compile it. */
const manyBytes = 8192

/** What a value costs besides its bytes. */
const valueCost = 32

/** A function made from a schema: with Effect's interpreter at first, then, when it is used much, with compiled code, in half of the time. */
class Parser<F> {
  parse: F
  private readonly ast: SchemaAST.AST
  private readonly make: () => F
  private left = manyBytes

  /** `make`: what parses by the `ast`. */
  constructor(ast: SchemaAST.AST, make: () => F) {
    this.ast = ast
    this.make = make
    this.parse = make()
  }

  /** A value more, of so many bytes. */
  count(bytes: number): void {
    if (this.left < 0) return
    this.left -= valueCost + bytes
    if (this.left >= 0) return
    SchemaJITCompiler.enable(this.ast)
    this.parse = this.make()
  }
}

/** What begins that early in its buffer has only headers before it: another message with bytes of its own would take more. */
const maxHeaders = 28

/**
 * The bytes as a value. What is left of a message whose buffer it had for itself is given as it is; of others a copy, so that nobody's
 * bytes go with it, neither when it is kept for long nor when its buffer is transferred.
 */
const toValue = (bytes: Uint8Array, mayBeKept: boolean): Uint8Array => {
  const { buffer, byteLength, byteOffset } = bytes
  const isAlone = byteOffset <= maxHeaders && byteOffset + byteLength === buffer.byteLength
  return isAlone && mayBeKept ? new Uint8Array(buffer, byteOffset, byteLength) : new Uint8Array(bytes)
}

/** Is a value of the schema bytes, and nothing else? Then it is its own message. */
const isBytes = ({ ast }: Portable): boolean =>
  ast._tag === "Declaration" && ast.encoding === undefined &&
  Predicate.hasProperty(ast.annotations?.representation, "id") &&
  ast.annotations.representation.id === "effect/schema/Uint8Array"

const ofBytes = (schema: Portable, object: string, isShared: boolean): Codec<unknown> => {
  const hasChecks = schema.ast.checks !== undefined
  const validate = Schema.decodeUnknownEffect(Schema.toType(schema)) as (
    value: unknown
  ) => Effect.Effect<Uint8Array, Schema.SchemaError>
  return {
    object,
    isPlain: () => true,
    encode: (value, operation) =>
      value instanceof Uint8Array && !hasChecks
        ? Effect.succeed(value)
        : orEncodeError(attempt(validate, value), object, operation),
    decode: (bytes, operation) => {
      const value = toValue(bytes, !isShared)
      return hasChecks
        ? orDecodeError(attempt(validate, value), object, operation)
        : Effect.succeed(value)
    }
  }
}

/** How the values of a schema are checked. */
const checksOf = memoize((schema: Portable) => {
  const type = Schema.toType(schema) as Schema.ConstraintCodec<unknown>
  return {
    is: new Parser(type.ast, () => Schema.is(type)),
    isChecked: hasChecks(type.ast),
    explain: (value: unknown) => attempt(Schema.decodeUnknownEffect(type), value)
  }
})

/** Checked as the schema says, and packed. */
const ofPacked = (schema: Portable, { pack, unpack }: Packer, object: string): Codec<unknown> => {
  const { explain, is, isChecked } = checksOf(schema)
  return {
    object,
    isPlain: () => true,
    encode: (value, operation) => {
      try {
        if (is.parse(value)) {
          const bytes = pack(value)
          is.count(bytes.length)
          return Effect.succeed(bytes)
        }
      } catch {
        // Will be thrown again.
      }
      const packed = Effect.flatMapEager(explain(value), (valid) => orProblem(() => pack(valid)))
      return orEncodeError(packed, object, operation)
    },
    decode: (bytes, operation) => {
      is.count(bytes.length)
      try {
        const value = unpack(bytes)
        if (!isChecked || is.parse(value)) return Effect.succeed(value)
      } catch {
        // Will be thrown again.
      }
      return orDecodeError(Effect.flatMapEager(orProblem(() => unpack(bytes)), explain), object, operation)
    }
  }
}

const provideHub = <A, E>(effect: Effect.Effect<A, E, Hub>, hub: Hub["Service"]): Effect.Effect<A, E> =>
  Effect.provideService(effect, Hub, hub)

/** Not every schema has a binary form: one that has none is a mistake of the program, and the object tells where. */
const toBinary = <S extends Portable>(schema: S, object: string) => {
  try {
    return SchemaBinary.toCodec(schema)
  } catch (cause) {
    throw new Error(`${object}: no values of its schema can be sent: ${problemOf(cause)}`, { cause })
  }
}

/** A codec of values and bytes, through what the schema makes of them if that is plain data, or else by Effect's binary codec. */
const toBytes = <S extends Portable>(schema: S, object: string) => {
  const packing = ofEncoded(schema.ast)
  if (packing === undefined) return toBinary(schema, object)
  const { pack, unpack } = packer(packing)
  return Schema.Uint8Array.pipe(Schema.decodeTo(schema, {
    decode: SchemaGetter.transform((bytes: Uint8Array) => unpack(bytes) as S["Encoded"]),
    encode: SchemaGetter.transform((encoded: S["Encoded"]) => pack(encoded) as Uint8Array<ArrayBuffer>)
  }))
}

/** The codec of a schema of plain data: it needs neither a hub nor Effect's binary codec. `undefined`: the schema is another one. */
export const makePlain = <S extends Portable>(
  schema: S,
  object: string,
  isShared = false
): Codec<S["Type"]> | undefined => {
  if (isBytes(schema)) return ofBytes(schema, object, isShared) as Codec<S["Type"]>
  const packing = ofSchema(schema.ast)
  return packing && ofPacked(schema, packer(packing), object) as Codec<S["Type"]>
}

/**
 * The codec of a schema for an object. Handles inside of values are redeemed at `hub`. What is decoded `isShared` if somebody else may
 * still read the same bytes.
 */
export const make = <S extends Portable>(
  schema: S,
  object: string,
  hub: Hub["Service"],
  isShared = false
): Codec<S["Type"]> => {
  const plain = makePlain(schema, object, isShared)
  if (plain !== undefined) return plain
  const binary = toBytes(schema, object)
  const encoder = new Parser(SchemaAST.flip(binary.ast), () => Schema.encodeUnknownEffect(binary))
  const decoder = new Parser(binary.ast, () => Schema.decodeUnknownEffect(binary))
  let isPlain = false
  return {
    object,
    isPlain: () => isPlain,
    encode: (value, operation) => {
      const encoded = attempt(encoder.parse, value)
      if (isDone(encoded)) {
        encoder.count(encoded.value.length)
        return encoded
      }
      return orEncodeError(provideHub(encoded, hub), object, operation)
    },
    decode: (bytes, operation) => {
      decoder.count(bytes.length)
      const decoded = attempt(decoder.parse, bytes)
      if (isDone(decoded)) {
        isPlain = true
        return decoded
      }
      isPlain = Exit.isExit(decoded)
      return orDecodeError(provideHub(decoded, hub), object, operation)
    }
  }
}

/** Encodes one value of a schema without services. The bytes are its own. */
export const encode = <S extends Plain>(schema: S, value: S["Type"], object: string, operation: string) =>
  Effect.map(
    makePlain(schema, object)?.encode(value, operation) ??
      orEncodeError(attempt(Schema.encodeUnknownEffect(toBytes(schema, object)), value), object, operation),
    (bytes): Uint8Array => bytes.slice()
  )

/** Decodes one value of a schema without services. */
export const decode = <S extends Plain>(
  schema: S,
  bytes: Uint8Array,
  object: string,
  operation: string
): Effect.Effect<S["Type"], DecodeError> =>
  makePlain(schema, object)?.decode(bytes, operation) ??
    orDecodeError(attempt(Schema.decodeUnknownEffect(toBytes(schema, object)), bytes), object, operation)
