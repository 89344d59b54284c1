/**
 * Values to bytes and back, at the edges of the library.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as SchemaBinary from "effect/encoding/SchemaBinary"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaJITCompiler from "effect/schema/SchemaJITCompiler"
import * as SchemaAST from "effect/SchemaAST"
import { DecodeError, EncodeError } from "../Failure.ts"
import { Hub } from "../Hub.ts"

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

/** The effect has run already, and succeeded. */
export const isDone = <A, E, R>(effect: Effect.Effect<A, E, R>): effect is Exit.Success<A> =>
  Exit.isExit(effect) && Exit.isSuccess(effect)

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
  (Schema.isSchemaError(error) ? error.message : String(error)).replace(/\s*\n\s*/g, " ")

const orEncodeError = <A, R>(effect: Effect.Effect<A, string, R>, object: string, operation: string) =>
  Effect.mapErrorEager(effect, (problem) => new EncodeError({ object, operation, problem }))

const orDecodeError = <A, R>(effect: Effect.Effect<A, string, R>, object: string, operation: string) =>
  Effect.mapErrorEager(effect, (problem) => new DecodeError({ object, operation, problem }))

/** After so many bytes of a schema's values it is worth a millisecond to compile it. */
const manyBytes = 8192

/** What a value costs besides its bytes. */
const valueCost = 32

/** A schema's way to bytes and back: Effect's interpreter at first, then compiled code, in half of the time. */
class Parsers<S extends Portable> {
  encode: (value: unknown) => Effect.Effect<Uint8Array, Schema.SchemaError, Hub>
  decode: (bytes: unknown) => Effect.Effect<S["Type"], Schema.SchemaError, Hub>
  private readonly binary: SchemaBinary.toCodec<S>
  private left = manyBytes

  constructor(schema: S) {
    this.binary = SchemaBinary.toCodec(schema)
    this.encode = Schema.encodeUnknownEffect(this.binary)
    this.decode = Schema.decodeUnknownEffect(this.binary)
  }

  /** A value more, of so many bytes. */
  count(bytes: number): void {
    if (this.left < 0) return
    this.left -= valueCost + bytes
    if (this.left >= 0) return
    const { ast } = this.binary
    SchemaJITCompiler.enable(ast)
    SchemaJITCompiler.enable(SchemaAST.flip(ast))
    this.encode = Schema.encodeUnknownEffect(this.binary)
    this.decode = Schema.decodeUnknownEffect(this.binary)
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

/** Is a value of the schema a number, whatever its checks? Then its message is the number as the machine has it. */
const isNumber = ({ ast }: Portable): boolean => ast._tag === "Number" && ast.encoding === undefined

const numberSize = Float64Array.BYTES_PER_ELEMENT

/** Numbers of a codec share buffers of this size. */
const numbersSize = 1024 * numberSize

const ofNumbers = (schema: Portable, object: string): Codec<unknown> => {
  const validate = Schema.decodeUnknownEffect(Schema.toType(schema)) as (
    value: unknown
  ) => Effect.Effect<number, Schema.SchemaError>
  const one = new Float64Array(1)
  const itsBytes = new Uint8Array(one.buffer)
  let buffer = new ArrayBuffer(0)
  let used = 0
  const toBytes = (value: number): Uint8Array => {
    if (used === buffer.byteLength) {
      buffer = new ArrayBuffer(numbersSize)
      used = 0
    }
    one[0] = value
    const bytes = new Uint8Array(buffer, used, numberSize)
    for (let i = 0; i < numberSize; i++) bytes[i] = itsBytes[i]!
    used += numberSize
    return bytes
  }
  return {
    object,
    isPlain: () => true,
    encode: (value, operation) => orEncodeError(Effect.mapEager(attempt(validate, value), toBytes), object, operation),
    decode: (bytes, operation) => {
      if (bytes.length !== numberSize) {
        return orDecodeError(
          Effect.fail(`Expected the ${numberSize} bytes of a number, got ${bytes.length}`),
          object,
          operation
        )
      }
      for (let i = 0; i < numberSize; i++) itsBytes[i] = bytes[i]!
      return orDecodeError(attempt(validate, one[0]), object, operation)
    }
  }
}

const provideHub = <A, E>(effect: Effect.Effect<A, E, Hub>, hub: Hub["Service"]): Effect.Effect<A, E> =>
  Effect.provideService(effect, Hub, hub)

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
  if (isBytes(schema)) return ofBytes(schema, object, isShared) as Codec<S["Type"]>
  if (isNumber(schema)) return ofNumbers(schema, object) as Codec<S["Type"]>
  const parsers = new Parsers(schema)
  let isPlain = false
  return {
    object,
    isPlain: () => isPlain,
    encode: (value, operation) => {
      const encoded = attempt(parsers.encode, value)
      if (isDone(encoded)) {
        parsers.count(encoded.value.length)
        return encoded
      }
      return orEncodeError(provideHub(encoded, hub), object, operation)
    },
    decode: (bytes, operation) => {
      parsers.count(bytes.length)
      const decoded = attempt(parsers.decode, bytes)
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
    orEncodeError(attempt(Schema.encodeUnknownEffect(SchemaBinary.toCodec(schema)), value), object, operation),
    (bytes): Uint8Array => bytes.slice()
  )

/** Decodes one value of a schema without services. */
export const decode = <S extends Plain>(schema: S, bytes: Uint8Array, object: string, operation: string) =>
  orDecodeError(attempt(Schema.decodeUnknownEffect(SchemaBinary.toCodec(schema)), bytes), object, operation)
