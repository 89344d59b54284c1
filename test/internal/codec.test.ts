import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as SchemaBinary from "effect/encoding/SchemaBinary"
import * as SchemaGetter from "effect/SchemaGetter"
import type { Hub } from "../../src/Hub.ts"
import * as Codec from "../../src/internal/codec.ts"
import { ofEncoded } from "../../src/internal/packing/ofSchema.ts"

/** None of these schemas needs it. */
const hub = undefined as unknown as Hub["Service"]

const make = <S extends Codec.Portable>(schema: S, isShared = false) => Codec.make(schema, "thing", hub, isShared)

/** A value, there and back. */
const through = <A>(codec: Codec.Codec<A>, value: A): A =>
  Effect.runSync(Effect.flatMap(codec.encode(value, "put"), (bytes) => codec.decode(bytes.slice(), "get")))

/** A message of a buffer: what comes behind its header. */
const message = (header: number, body: number, behind = 0): Uint8Array => {
  const buffer = Buffer.allocUnsafeSlow(header + body + behind).fill(7)
  return buffer.subarray(header, header + body)
}

const decode = (codec: Codec.Codec<Uint8Array>, bytes: Uint8Array) => Effect.runSync(codec.decode(bytes, "get"))

describe("the codec of bytes", () => {
  it("sends them as they are, and gives plain bytes whatever kind they were", () => {
    const bytes = Uint8Array.of(1, 2, 3)
    const codec = make(Schema.Uint8Array)
    assert.strictEqual(Effect.runSync(codec.encode(bytes, "put")), bytes)
    for (const value of [bytes, Buffer.from(bytes), new Uint8Array(0)]) {
      const received = through(codec, value)
      assert.strictEqual(Object.getPrototypeOf(received), Uint8Array.prototype)
      assert.deepStrictEqual(Array.from(received), Array.from(value))
    }
  })

  it("gives what is left of a message that had its buffer for itself without a copy", () => {
    const bytes = message(14, 100)
    assert.strictEqual(decode(make(Schema.Uint8Array), bytes).buffer, bytes.buffer)
  })

  for (const [what, bytes] of [["before", message(200, 100)], ["behind", message(14, 100, 14)]] as const) {
    it(`gives a copy where others have a part of the buffer ${what}: they would go with it`, () => {
      const value = decode(make(Schema.Uint8Array), bytes)
      assert.notStrictEqual(value.buffer, bytes.buffer)
      assert.strictEqual(value.buffer.byteLength, bytes.length)
    })
  }

  it("gives a copy of what somebody else may still read", () => {
    const bytes = message(0, 100)
    const value = decode(make(Schema.Uint8Array, true), bytes)
    value.fill(1)
    assert.strictEqual(bytes[0], 7)
  })

  it("says what is wrong with a value that is none", () => {
    const problem = Effect.runSync(Effect.flip(make(Schema.Uint8Array).encode("text" as never, "put")))
    assert.deepInclude(problem, { _tag: "EncodeError", object: "thing", operation: "put" })
    assert.include(problem.problem, "Uint8Array")
  })

  it("says what a transformation throws, in both directions, with and without an effect", () => {
    const fails = () => {
      throw new RangeError("out of reach")
    }
    const at = (decode: () => string, encode: () => string) =>
      make(Schema.String.pipe(
        Schema.decodeTo(Schema.String, {
          decode: SchemaGetter.transform(decode),
          encode: SchemaGetter.transform(encode)
        })
      ))
    const ok = () => "ok"
    const problemOf = (effect: Effect.Effect<unknown, { readonly problem: string }>) =>
      Effect.runSync(Effect.flip(effect)).problem
    const text = Effect.runSync(at(ok, ok).encode("text", "put"))
    assert.strictEqual(problemOf(at(ok, fails).encode("text", "put")), "RangeError: out of reach")
    assert.strictEqual(problemOf(at(fails, ok).decode(text, "get")), "RangeError: out of reach")
    const later = Schema.String.pipe(
      Schema.decodeTo(Schema.String, {
        decode: SchemaGetter.transformEffect(() => Effect.sync(fails)),
        encode: SchemaGetter.transformEffect(() => Effect.sync(fails))
      })
    )
    assert.strictEqual(problemOf(make(later).encode("text", "put")), "RangeError: out of reach")
    assert.strictEqual(problemOf(make(later).decode(text, "get")), "RangeError: out of reach")
  })

  it("keeps the checks of a schema, in both directions", () => {
    const short = Schema.Uint8Array.check(Schema.makeFilter((bytes) => bytes.length < 3 || "too long"))
    const codec = make(short)
    assert.deepStrictEqual(through(codec, Uint8Array.of(1, 2)), Uint8Array.of(1, 2))
    const long = Uint8Array.of(1, 2, 3)
    assert.include(Effect.runSync(Effect.flip(codec.encode(long, "put"))).problem, "too long")
    assert.include(Effect.runSync(Effect.flip(codec.decode(long, "get"))).problem, "too long")
  })

  it("speaks to every schema of bytes, and is not used for other schemas", () => {
    const annotated = make(Schema.Uint8Array.annotate({ description: "a picture" }))
    assert.deepStrictEqual(Effect.runSync(annotated.encode(Uint8Array.of(1), "put")), Uint8Array.of(1))
    const text = make(Schema.Uint8ArrayFromBase64)
    assert.deepStrictEqual(
      Effect.runSync(text.encode(Uint8Array.of(1), "put")),
      Effect.runSync(make(Schema.String).encode("AQ==", "put"))
    )
  })
})

describe("the codec of numbers", () => {
  const numbers = [0, -0, 1, -1, 0.1, 2 ** 53, 5e-324, Number.MAX_VALUE, Infinity, -Infinity, NaN]

  it("gives every number as it was", () => {
    const codec = make(Schema.Number)
    for (const n of numbers) assert.isTrue(Object.is(through(codec, n), n), `${n}`)
  })

  it("gives each message bytes of its own", () => {
    const codec = make(Schema.Int)
    const messages = Array.from({ length: 3000 }, (_, n) => Effect.runSync(codec.encode(n, "put")))
    messages.forEach((bytes, n) => assert.strictEqual(Effect.runSync(codec.decode(bytes, "get")), n))
  })

  it("keeps the checks of a schema, in both directions, and says the same as Effect's codec", () => {
    const Age = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 150 })).pipe(Schema.brand("Age"))
    const [any, age] = [make(Schema.Number), make(Age)]
    assert.strictEqual(through(age, Age.make(42)), 42)
    const theirs = Schema.encodeUnknownEffect(SchemaBinary.toCodec(Age))
    for (const wrong of [0.5, -1, 151, NaN, "42", undefined]) {
      const { problem } = Effect.runSync(Effect.flip(age.encode(wrong as never, "put")))
      assert.strictEqual(problem, Effect.runSync(Effect.flip(theirs(wrong))).message.replace(/\s*\n\s*/g, " "))
    }
    const received = Effect.runSync(any.encode(0.5, "put"))
    const failure = Effect.runSync(Effect.flip(age.decode(received, "get")))
    assert.deepInclude(failure, { _tag: "DecodeError", object: "thing", operation: "get" })
    assert.include(failure.problem, "integer")
  })

  it("says what is wrong with bytes that are no number", () => {
    const { problem } = Effect.runSync(Effect.flip(make(Schema.Number).decode(Uint8Array.of(1, 2, 3), "get")))
    assert.strictEqual(problem, "Expected the end at byte 1 of 3")
  })

  it("is not used where a number is encoded as something else", () => {
    assert.deepStrictEqual(
      Effect.runSync(make(Schema.NumberFromString).encode(7, "put")),
      Effect.runSync(make(Schema.String).encode("7", "put"))
    )
  })
})

const Reading = Schema.Struct({
  id: Schema.Int.check(Schema.isGreaterThan(0)),
  at: Schema.Date,
  tags: Schema.Array(Schema.NonEmptyString),
  note: Schema.optional(Schema.String)
})

describe("the codec of a schema that was used for many values", () => {
  const codec = make(Reading)
  const reading = (id: number): typeof Reading.Type => ({ id, at: new Date(id), tags: ["a", `${id}`] })
  const invalid = { ...reading(1), tags: [""] }
  const problems = () => [
    Effect.runSync(Effect.flip(codec.encode(invalid, "put"))).problem,
    Effect.runSync(Effect.flip(codec.decode(Uint8Array.of(1, 2, 3), "get"))).problem
  ]

  it("gives the same values, bytes and failures as before", () => {
    const before = { bytes: Effect.runSync(codec.encode(reading(1), "put")).slice(), problems: problems() }
    for (let id = 1; id <= 2000; id++) assert.deepStrictEqual(through(codec, reading(id)), reading(id))
    assert.deepStrictEqual(Effect.runSync(codec.encode(reading(1), "put")).slice(), before.bytes)
    assert.deepStrictEqual(problems(), before.problems)
    assert.deepStrictEqual(through(codec, { ...reading(1), note: "yes" }), { ...reading(1), note: "yes" })
  })
})

describe("the codec of arrays of numbers", () => {
  const arrays: ReadonlyArray<ReadonlyArray<number>> = [
    [],
    [0],
    [1, -1, 2 ** 31 - 1, -(2 ** 31)],
    // None of them is an integer of 32 bits.
    [1, 2 ** 31],
    [1, -0],
    [0.5, 1, Number.MAX_VALUE, 5e-324, Infinity, -Infinity, NaN, -0],
    Array.from({ length: 5000 }, (_, n) => n * n * n)
  ]

  it("gives every array as it was, wherever its bytes begin", () => {
    const codec = make(Schema.Array(Schema.Number))
    for (const array of arrays) {
      const bytes = Effect.runSync(codec.encode(array, "put"))
      for (const header of [0, 1, 8]) {
        const received = message(header, bytes.length, 3)
        received.set(bytes)
        const given = Effect.runSync(codec.decode(received, "get"))
        assert.strictEqual(given.length, array.length)
        assert.isTrue(array.every((n, i) => Object.is(n, given[i])))
      }
    }
  })

  it("sends integers of 32 bits in four bytes, and other numbers in eight", () => {
    const codec = make(Schema.mutable(Schema.Array(Schema.Int)))
    assert.strictEqual(Effect.runSync(codec.encode([1, 2, 3], "put")).length, 2 + 3 * 4)
    assert.strictEqual(Effect.runSync(codec.encode([1, 2, 2 ** 40], "put")).length, 2 + 3 * 8)
  })

  it("keeps the checks of array and elements, in both directions, and says the same as Effect's codec", () => {
    const Grades = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 })))
      .check(Schema.isMinLength(1))
    const [any, grades] = [make(Schema.Array(Schema.Number)), make(Grades)]
    assert.deepStrictEqual(through(grades, [1, 6]), [1, 6])
    // Many, so that they are checked by compiled code from some time on.
    const many = Array.from({ length: 5000 }, (_, n) => n % 6 + 1)
    for (let i = 0; i < 3; i++) assert.deepStrictEqual(through(grades, many), many)
    const theirs = Schema.encodeUnknownEffect(SchemaBinary.toCodec(Grades))
    for (const wrong of [[], [7], [1, 0.5], [1, "2"], [1, undefined], new Array(2), "12", undefined]) {
      const { problem } = Effect.runSync(Effect.flip(grades.encode(wrong as never, "put")))
      assert.strictEqual(problem, Effect.runSync(Effect.flip(theirs(wrong))).message.replace(/\s*\n\s*/g, " "))
    }
    const failure = Effect.runSync(
      Effect.flip(grades.decode(Effect.runSync(any.encode([1, 0.5], "put")), "get"))
    )
    assert.deepInclude(failure, { _tag: "DecodeError", object: "thing", operation: "get" })
    assert.include(failure.problem, "integer")
  })

  it("fails with what a check of the user throws", () => {
    const broken = make(
      Schema.Array(Schema.Number).check(Schema.makeFilter(() => {
        throw new Error("a broken check")
      }))
    )
    const failure = Effect.runSync(Effect.flip(broken.encode([1], "put")))
    assert.deepInclude(failure, { _tag: "EncodeError", problem: "Error: a broken check" })
  })

  it("says what is wrong with bytes that are no array of numbers", () => {
    const codec = make(Schema.Array(Schema.Number))
    const problems: ReadonlyArray<readonly [ReadonlyArray<number>, string]> = [
      [[], "Expected a value at byte 0 of 0"],
      [[1], "Expected an array of numbers at byte 0 of 1"],
      [[1, 2, 3, 4], "Expected an array of numbers at byte 0 of 4"],
      [[0x87, 1, 2, 3], "Expected an array of numbers at byte 2 of 4"],
      [[0x88, 0, 8], "Expected the end at byte 2 of 3"]
    ]
    for (const [wrong, expected] of problems) {
      const { problem } = Effect.runSync(Effect.flip(codec.decode(Uint8Array.from(wrong), "get")))
      assert.strictEqual(problem, expected)
    }
  })

  it("is not used for arrays with a rest", () => {
    const schemas = [
      Schema.TupleWithRest(Schema.Tuple([Schema.Number]), [Schema.Number]),
      Schema.NonEmptyArray(Schema.Number)
    ]
    for (const schema of schemas) {
      const binary = Schema.encodeUnknownSync(SchemaBinary.toCodec(schema as typeof schemas[0]))([7])
      assert.deepStrictEqual(Effect.runSync(make(schema as typeof schemas[0]).encode([7], "put")), binary)
    }
  })
})

describe("the codec of what a schema makes plain data of", () => {
  class Person extends Schema.Class<Person>("Person")({
    name: Schema.String,
    born: Schema.DateFromString,
    tags: Schema.Array(Schema.FiniteFromString)
  }) {}

  it("gives the values, in the form of that data", () => {
    const person = new Person({ name: "Ada", born: new Date(0), tags: [1, 2] })
    const codec = make(Person)
    const result = through(codec, person)
    assert.instanceOf(result, Person)
    assert.deepStrictEqual(result, person)
    const encoded = Schema.Struct({ name: Schema.String, born: Schema.String, tags: Schema.Array(Schema.String) })
    assert.deepStrictEqual(
      Effect.runSync(codec.encode(person, "put")),
      Effect.runSync(make(encoded).encode(Schema.encodeSync(Person)(person), "put"))
    )
  })

  it("says what is wrong with a value, and with bytes", () => {
    const codec = make(Schema.Array(Schema.FiniteFromString))
    const { problem } = Effect.runSync(Effect.flip(codec.encode(["no number"] as never, "put")))
    assert.include(problem, "Expected number")
    const text = Effect.runSync(make(Schema.Array(Schema.String)).encode(["no number"], "put"))
    assert.include(Effect.runSync(Effect.flip(codec.decode(text, "get"))).problem, "at [0]")
    const cut = text.subarray(0, text.length - 1)
    assert.include(Effect.runSync(Effect.flip(codec.decode(cut, "get"))).problem, "at byte")
  })

  it("goes on when Effect's compiler for schemas has its turn", () => {
    const codec = make(Person)
    for (let i = 0; i < 300; i++) {
      const person = new Person({ name: `${i}`, born: new Date(i), tags: [i] })
      assert.deepStrictEqual(through(codec, person), person)
    }
  })

  it("is not used for a union of which a member is encoded: what comes would not tell which", () => {
    const either = Schema.Union([Schema.FiniteFromString, Schema.String])
    for (const schema of [either, Schema.Struct({ a: either }), Schema.Array(either)] as ReadonlyArray<typeof either>) {
      assert.isUndefined(ofEncoded(schema.ast))
    }
    const clear = Schema.Union([Schema.FiniteFromString, Schema.Boolean])
    for (const value of [1, true]) assert.strictEqual(through(make(clear), value), value)
    assert.isDefined(ofEncoded(Schema.Struct({ a: Schema.FiniteFromString, b: Schema.UndefinedOr(Schema.String) }).ast))
  })
})

describe("the codec of a schema that has no binary form", () => {
  it("is not made, and says of which object it is", () => {
    const either = Schema.Union([Schema.Array(Schema.FiniteFromString), Schema.Array(Schema.String)])
    const problem = "thing: no values of its schema can be sent: Error: Binary layout: union members"
    assert.throws(() => make(either), problem)
    assert.throws(() => Codec.encode(either, [1], "thing", "inherit"), problem)
    assert.throws(() => Codec.decode(either, Uint8Array.of(1), "thing", "inherit"), problem)
  })
})
