import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Schema } from "effect"
import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Hub } from "../../src/Hub.ts"
import * as Codec from "../../src/internal/codec.ts"
import { ofSchema } from "../../src/internal/packing/ofSchema.ts"
import { Random, seed, seedNote } from "../support/random.ts"

type AnySchema = Schema.Codec<any>

/** None of these schemas needs it. */
const hub = undefined as unknown as Hub["Service"]

const make = <S extends Codec.Portable>(schema: S) => Codec.make(schema, "thing", hub)

const encode = <A>(codec: Codec.Codec<A>, value: A): Uint8Array => Effect.runSync(codec.encode(value, "put"))
const decode = <A>(codec: Codec.Codec<A>, bytes: Uint8Array): A => Effect.runSync(codec.decode(bytes, "get"))
const isPacked = (schema: Schema.Constraint): boolean => ofSchema(schema.ast) !== undefined

/** A value, there and back, between other bytes. */
const through = <A>(codec: Codec.Codec<A>, value: A): A => {
  const bytes = encode(codec, value)
  const received = Buffer.alloc(bytes.length + 10, 0xee)
  received.set(bytes, 3)
  return decode(codec, new Uint8Array(received.buffer, received.byteOffset + 3, bytes.length))
}

const problemOf = (effect: Effect.Effect<unknown, { readonly problem: string }>) =>
  Effect.runSync(Effect.flip(effect)).problem

const Circle = Schema.Struct({ _tag: Schema.Literal("circle"), radius: Schema.Number })
const Square = Schema.Struct({ _tag: Schema.Literal("square"), side: Schema.Number })

/** Schemas with values of each, by chance. */
interface Sample {
  readonly schema: AnySchema
  readonly value: (random: Random) => unknown
}

const numbers = [
  0,
  -0,
  1,
  127,
  128,
  -1,
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 31,
  0.5,
  NaN,
  -Infinity,
  Number.MAX_VALUE,
  5e-324
]
const letters = ["a", "é", "ÿ", "Ā", "€", "😀", "\0", "\u{feff}", " "]
const lengths = [0, 1, 11, 12, 13, 112, 113, 114, 1000, 9000]

const textOf = (random: Random): string => {
  const length = random.pick(lengths)
  const few = letters.slice(0, 1 + random.int(letters.length))
  return Array.from({ length }, () => random.pick(few)).join("")
}

const leaves: ReadonlyArray<Sample> = [
  { schema: Schema.Number, value: (random) => random.pick(numbers) },
  { schema: Schema.Int, value: (random) => random.int(2 ** 32) - 2 ** 31 },
  { schema: Schema.String, value: textOf },
  { schema: Schema.NonEmptyString, value: (random) => `a${textOf(random)}` },
  { schema: Schema.Boolean, value: (random) => random.chance(0.5) },
  { schema: Schema.Null, value: () => null },
  { schema: Schema.Undefined, value: () => undefined },
  { schema: Schema.Literals(["red", 7, true]), value: (random) => random.pick(["red", 7, true]) },
  { schema: Schema.Date, value: (random) => new Date(random.int(2 ** 32) - 2 ** 31) },
  { schema: Schema.Uint8Array, value: (random) => new Uint8Array(random.bytes(random.pick(lengths))) },
  { schema: Schema.NullOr(Schema.String), value: (random) => random.chance(0.5) ? null : textOf(random) },
  {
    schema: Schema.Union([Schema.Number, Schema.Literal("none"), Schema.String]),
    value: (random) => random.pick<unknown>([1.5, "none", "some"])
  },
  {
    schema: Schema.Union([Schema.Array(Schema.Number), Schema.Array(Schema.String), Schema.Date]),
    value: (random) => random.pick<unknown>([[], [1, 2], ["a"], new Date(0)])
  },
  {
    schema: Schema.Union([
      Schema.Struct({ a: Schema.Int }),
      Schema.Struct({ a: Schema.Number, b: Schema.String }),
      Schema.Literal(1)
    ]),
    value: (random) => random.pick<unknown>([{ a: 1 }, { a: 0.5, b: "yes" }, 1])
  },
  {
    schema: Schema.Union([
      Schema.Union([Schema.Number, Schema.String]).check(Schema.makeFilter((value) => value !== 1 || "not one")),
      Schema.Struct({ a: Schema.Void })
    ]),
    value: (random) => random.pick<unknown>([0, "text", { a: undefined }])
  },
  {
    schema: Schema.Union([Circle, Square]),
    value: (random) => random.chance(0.5) ? { _tag: "circle", radius: random.next() } : { _tag: "square", side: 3 }
  }
]

const structOf = (random: Random, depth: number): Sample => {
  const fields = Array.from({ length: 1 + random.int(6) }, (_, i) => ({
    name: random.pick(["id", "name", "with space", "toString", "ключ", "\"\\\u2028\n${"]) + i,
    optional: random.pick(["no", "no", "key", "value"] as const),
    sample: sampleOf(random, depth - 1)
  }))
  const schemas = fields.map(({ name, optional, sample: { schema } }) => [
    name,
    optional === "no" ? schema : optional === "key" ? Schema.optionalKey(schema) : Schema.optional(schema)
  ])
  return {
    schema: Schema.Struct(Object.fromEntries(schemas)) as unknown as AnySchema,
    value: (random) =>
      Object.fromEntries(fields.flatMap(({ name, optional, sample }) => {
        if (optional === "no" || random.chance(0.4)) return [[name, sample.value(random)]]
        return optional === "value" && random.chance(0.5) ? [[name, undefined]] : []
      }))
  }
}

const sampleOf = (random: Random, depth: number): Sample => {
  if (depth === 0 || random.chance(0.3)) return random.pick(leaves)
  const inner = sampleOf(random, depth - 1)
  switch (random.int(4)) {
    case 0:
      return {
        schema: Schema.Array(inner.schema),
        value: (random) => Array.from({ length: random.pick([0, 1, 3, 15, 16, 17]) }, () => inner.value(random))
      }
    case 1: {
      const other = sampleOf(random, depth - 1)
      return {
        schema: Schema.Tuple([inner.schema, other.schema]) as unknown as AnySchema,
        value: (random) => [inner.value(random), other.value(random)]
      }
    }
    case 2:
      return {
        schema: Schema.UndefinedOr(inner.schema),
        value: (random) => random.chance(0.3) ? undefined : inner.value(random)
      }
    default:
      return structOf(random, depth)
  }
}

describe("packed values", () => {
  it("arrive as they were, and what is refused is what the schema refuses, for 600 random schemas", () => {
    const random = new Random(seed)
    let others = 0
    for (let i = 0; i < 600; i++) {
      const { schema, value } = sampleOf(random, 3)
      const codec = make(schema)
      // Codecs that are used much have code of their own.
      if (i % 8 === 0) { for (let k = 0; k < 130; k++) through(codec, value(random)) }
      const fresh = make(schema)
      for (let k = 0; k < 3; k++) {
        const sent = value(random)
        const said = `${seedNote(random)}, schema ${i}`
        assert.isTrue(isPacked(schema), said)
        assert.deepStrictEqual(through(codec, sent), sent, said)
        assert.deepStrictEqual(decode(fresh, encode(codec, sent)), sent, said)
        assert.deepStrictEqual(decode(codec, encode(fresh, sent)), sent, said)
        const other = sampleOf(random, 2).value(random)
        const ours = Effect.runSyncExit(codec.encode(other, "put"))
        assert.strictEqual(Exit.isSuccess(ours), Exit.isSuccess(Schema.encodeUnknownExit(schema)(other)), said)
        if (Exit.isFailure(ours)) others++
      }
    }
    assert.isAbove(others, 300)
  })

  it("fail with a DecodeError, or are something that the schema allows, when their bytes were garbled", () => {
    const random = new Random(seed)
    let failures = 0
    for (let i = 0; i < 600; i++) {
      const { schema, value } = sampleOf(random, 3)
      const codec = make(schema)
      const is = Schema.is(schema)
      const sent = encode(codec, value(random))
      for (let k = 0; k < 20; k++) {
        const bytes = random.chance(0.3) ? random.bytes(random.int(30)) : new Uint8Array(sent)
        for (let n = random.int(3); n >= 0; n--) bytes[random.int(bytes.length)] = random.int(256)
        const received = Effect.runSyncExit(codec.decode(bytes.subarray(0, random.int(bytes.length + 1)), "get"))
        if (Exit.isSuccess(received)) assert.isTrue(is(received.value), seedNote(random))
        else {
          failures++
          const [reason] = received.cause.reasons
          assert.strictEqual(
            reason?._tag === "Fail" ? reason.error._tag : reason?._tag,
            "DecodeError",
            seedNote(random)
          )
        }
      }
    }
    assert.isAbove(failures, 3000)
  })

  it("say which byte is wrong", () => {
    const wrong = (schema: Codec.Portable, bytes: ReadonlyArray<number>) =>
      problemOf(make(schema).decode(Uint8Array.from(bytes), "get"))
    const text = encode(make(Schema.String), "yes")
    assert.strictEqual(wrong(Schema.Number, [...text]), "Expected a number at byte 0 of 4")
    assert.strictEqual(wrong(Schema.String, [...text.subarray(0, 3)]), "Expected 3 bytes at byte 1 of 3")
    assert.strictEqual(wrong(Schema.String, [...text, 0]), "Expected the end at byte 4 of 5")
    const [utf8, length] = encode(make(Schema.String), "€")
    assert.strictEqual(wrong(Schema.String, [utf8!, length!, 0xe2, 0x82, 0]), "Expected text at byte 5 of 5")
    const [utf16] = encode(make(Schema.String), "\ud800")
    assert.strictEqual(wrong(Schema.String, [utf16!, 3, 0, 0xd8, 0]), "Expected text at byte 5 of 5")
    assert.strictEqual(wrong(Schema.Array(Schema.Int), []), "Expected a value at byte 0 of 0")
  })

  it("may not be more than there are bytes: a length that was made up takes no memory", () => {
    const long = 2 ** 31 - 1
    const length = encode(make(Schema.Number), long)
    const nothing: ReadonlyArray<readonly [Codec.Portable, unknown]> = [
      [Schema.Array(Schema.Int), []],
      [Schema.Array(Schema.String), []],
      [Schema.Uint8Array, new Uint8Array(0)],
      [Schema.String, "\ud800"]
    ]
    for (const [schema, value] of nothing) {
      const codec = make(Schema.Tuple([schema as Schema.Codec<unknown>]))
      const [array, count, tag] = encode(codec, [value])
      const problem = problemOf(codec.decode(Uint8Array.from([array!, count!, tag!, ...length]), "get"))
      assert.match(problem, /^Expected .* at byte 8 of 8$/)
    }
  })

  it("are undefined where the schema says void, whatever was sent", () => {
    assert.isUndefined(through(make(Schema.Void), "something" as never))
    const codec = make(Schema.Struct({ a: Schema.Void, b: Schema.Number }))
    assert.deepStrictEqual(through(codec, { a: 1 as never, b: 2 }), { a: undefined, b: 2 })
  })

  it("keep text that is not well-formed, which has no UTF-8", () => {
    const codec = make(Schema.String)
    for (const text of ["\ud800", "a\udc00b", `${"x".repeat(500)}\ud83d`]) {
      assert.strictEqual(through(codec, text), text)
    }
  })

  it("have the keys of the schema in its order, and no others", () => {
    const codec = make(Schema.Struct({ a: Schema.Number, b: Schema.optionalKey(Schema.Number) }))
    const received = through(codec, { b: 2, more: "yes", a: 1 } as never)
    assert.deepStrictEqual(Object.entries(received), [["a", 1], ["b", 2]])
    assert.deepStrictEqual(Object.keys(through(codec, { a: 1 })), ["a"])
  })

  it("arrive also where no code may be made of text", () => {
    const program = `
      import { Effect, Schema } from "effect"
      import * as Codec from ${JSON.stringify(new URL("../../src/internal/codec.ts", import.meta.url).href)}
      const codec = Codec.make(Schema.Struct({ a: Schema.Number, b: Schema.optionalKey(Schema.String) }), "thing", undefined)
      for (let i = 0; i < 2000; i++) {
        const value = Effect.runSync(codec.decode(Effect.runSync(codec.encode({ a: i }, "put")), "get"))
        if (value.a !== i) throw new Error(JSON.stringify(value))
      }
      try {
        new Function("")
      } catch (error) {
        console.log(error.name)
      }`
    const flags = ["--disallow-code-generation-from-strings", "--input-type=module"]
    const cwd = fileURLToPath(new URL("../..", import.meta.url))
    const output = execFileSync(process.execPath, [...flags, "--eval", program], {
      cwd,
      encoding: "utf8",
      timeout: 60_000
    })
    assert.strictEqual(output, "EvalError\n")
  })

  it("are not read as a struct with other fields, nor as another member of a union", () => {
    const point = make(Schema.Struct({ x: Schema.Number, y: Schema.Number }))
    const size = make(Schema.Struct({ width: Schema.Number, height: Schema.Number }))
    const bytes = encode(point, { x: 1, y: 2 })
    assert.strictEqual(
      problemOf(size.decode(bytes, "get")),
      "Expected a struct with the fields of the schema at byte 0 of 5"
    )
    const circle = encode(make(Schema.Union([Circle, Square])), { _tag: "circle", radius: 1 })
    assert.strictEqual(
      problemOf(make(Square).decode(circle, "get")),
      "Expected a struct with the fields of the schema at byte 0 of 6"
    )
  })

  it("are none of each other's business: a message is never written again", () => {
    const random = new Random(seed)
    const codec = make(Schema.String)
    const texts = Array.from({ length: 500 }, () => textOf(random))
    const messages = texts.map((text) => encode(codec, text))
    messages.forEach((bytes, i) => assert.strictEqual(decode(codec, bytes), texts[i]))
  })

  it("survive getters that throw, that send something themselves, and that change their mind", () => {
    const Pair = make(Schema.Struct({ a: Schema.String, b: Schema.Number }))
    let inner: Uint8Array | undefined
    const busy = {
      a: "outer",
      get b() {
        inner = encode(Pair, { a: "inner", b: 2 })
        return 1
      }
    }
    const outer = encode(Pair, busy)
    assert.deepStrictEqual(decode(Pair, outer), { a: "outer", b: 1 })
    assert.deepStrictEqual(decode(Pair, inner!), { a: "inner", b: 2 })
    let calls = 0
    const fickle = {
      a: "a",
      get b(): number {
        if (++calls > 1) throw new RangeError("no more")
        return 1
      }
    }
    assert.strictEqual(problemOf(Pair.encode(fickle, "put")), "RangeError: no more")
    assert.deepStrictEqual(through(Pair, { a: "next", b: 3 }), { a: "next", b: 3 })
  })
})

describe("the schemas that are packed", () => {
  class Person extends Schema.Class<Person>("Person")({ name: Schema.String }) {}
  interface Tree {
    readonly children: ReadonlyArray<Tree>
  }
  const Tree: Schema.Codec<Tree> = Schema.Struct({ children: Schema.Array(Schema.suspend(() => Tree)) })

  it("are those of plain data, whatever their checks, brands and annotations", () => {
    const Color = { Red: 0, Green: "green" } as const
    const Age = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 150 })).pipe(Schema.brand("Age"))
    const codec = make(Schema.Struct({ age: Age, color: Schema.Enum(Color) }).annotate({ description: "a thing" }))
    assert.deepStrictEqual(
      through(codec, { age: Age.make(42), color: Color.Green }),
      { age: 42, color: Color.Green } as never
    )
    assert.include(problemOf(codec.encode({ age: 151, color: Color.Red } as never, "put")), "150")
    const unchecked = encode(make(Schema.Struct({ age: Schema.Number, color: Schema.Enum(Color) })), {
      age: 151,
      color: Color.Red
    })
    assert.include(problemOf(codec.decode(unchecked, "get")), "150")
  })

  it("are not those with transformations, classes, recursion or any keys", () => {
    const samples: ReadonlyArray<readonly [Schema.Constraint, unknown]> = [
      [Schema.NumberFromString, 7],
      [Schema.Struct({ a: Schema.NumberFromString }), { a: 7 }],
      [Schema.Array(Schema.DateFromString), [new Date(0)]],
      [Schema.Struct({ a: Schema.Number.pipe(Schema.withDecodingDefault(Effect.succeed(1))) }), { a: 2 }],
      [Schema.Struct({ a: Schema.String }).pipe(Schema.encodeKeys({ a: "b" })), { a: "x" }],
      [Person, new Person({ name: "Ada" })],
      [Tree, { children: [{ children: [] }] }],
      [Schema.Record(Schema.String, Schema.Number), { a: 1 }],
      [Schema.Struct({ ["__proto__"]: Schema.Number }), JSON.parse("{\"__proto__\":1}")],
      [Schema.Tuple([Schema.Number, Schema.optionalKey(Schema.Number)]), [1]],
      [Schema.NonEmptyArray(Schema.Number), [1]],
      [Schema.BigInt, 1n],
      [Schema.ReadonlyMap(Schema.String, Schema.Number), new Map([["a", 1]])]
    ]
    for (const [schema, value] of samples) {
      assert.isFalse(isPacked(schema), String(schema.ast))
      assert.deepStrictEqual(through(make(schema as never), value as never), value)
    }
  })
})
