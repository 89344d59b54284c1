/**
 * How values of a kind are packed.
 */
import type { Reader } from "./reader.ts"
import * as StructCode from "./structCode.ts"
import { Tag } from "./tag.ts"
import type { Writer } from "./writer.ts"

/** What a value is to a union: it has one member of each shape at most. */
export type Shape = "array" | "boolean" | "bytes" | "constant" | "date" | "number" | "struct" | "text" | "union"

/** How values of one kind are written and read. What is written is a value of that kind. */
export interface Packing {
  readonly shape: Shape
  readonly write: (to: Writer, value: any) => void
  readonly read: (from: Reader) => unknown
}

export const number: Packing = {
  shape: "number",
  write: (to, value) => to.number(value),
  read: (from) => from.number()
}

export const text: Packing = {
  shape: "text",
  write: (to, value) => to.text(value),
  read: (from) => from.text()
}

export const boolean: Packing = {
  shape: "boolean",
  write: (to, value) => to.byte(value ? Tag.true : Tag.false),
  read: (from) => from.boolean()
}

export const bytes: Packing = {
  shape: "bytes",
  write: (to, value) => to.someBytes(value),
  read: (from) => from.someBytes()
}

export const date: Packing = {
  shape: "date",
  write: (to, value) => to.date(value),
  read: (from) => from.date()
}

export const numbers: Packing = {
  shape: "array",
  write: (to, value) => to.numbers(value),
  read: (from) => from.numbers()
}

/** Whatever it is, nothing is sent of it. */
export const nothing: Packing = {
  shape: "constant",
  write: (to) => to.place(0),
  read: (from) => void from.place(1)
}

/** One of these values, of which only the place is sent. */
export const oneOf = (values: ReadonlyArray<unknown>): Packing => {
  const places = new Map(values.map((value, place) => [value, place]))
  return {
    shape: "constant",
    write: (to, value) => to.place(places.get(value)!),
    read: (from) => values[from.place(values.length)]
  }
}

export const array = (element: Packing): Packing => ({
  shape: "array",
  write: (to, value) => {
    to.count(Tag.array, value.length)
    for (let i = 0; i < value.length; i++) element.write(to, value[i])
  },
  read: (from) => {
    from.tag(Tag.array, "an array")
    const count = from.count(1, "an array")
    const values = new Array<unknown>(count)
    for (let i = 0; i < count; i++) values[i] = element.read(from)
    return values
  }
})

export const tuple = (elements: ReadonlyArray<Packing>): Packing => ({
  shape: "array",
  write: (to, value) => {
    to.count(Tag.array, elements.length)
    for (let i = 0; i < elements.length; i++) elements[i]!.write(to, value[i])
  },
  read: (from) => {
    from.tag(Tag.array, "a tuple")
    if (from.number() !== elements.length) from.fail(`a tuple of ${elements.length}`)
    return elements.map((element) => element.read(from))
  }
})

export interface Field {
  readonly name: string
  readonly isOptional: boolean
  readonly packing: Packing
}

/** After so many values it is worth a fraction of a millisecond to make code for a struct. */
const manyValues = 256

/** The `seal`, of 16 bits, is how a reader whose struct has other fields notices. */
export const struct = (fields: ReadonlyArray<Field>, seal: number): Packing => {
  const shared: StructCode.StructCode = {
    write: (to, value) => {
      to.seal(seal)
      for (const { isOptional, name, packing } of fields) {
        if (isOptional && !(name in value)) to.byte(Tag.absent)
        else packing.write(to, value[name])
      }
    },
    read: (from) => {
      from.seal(seal)
      const value: Record<string, unknown> = {}
      for (const { isOptional, name, packing } of fields) {
        if (!isOptional || !from.isAbsent()) value[name] = packing.read(from)
      }
      return value
    }
  }
  let code = shared
  let left = manyValues
  const count = () => {
    if (--left === 0) code = StructCode.make(fields, seal) ?? shared
  }
  return {
    shape: "struct",
    write: (to, value) => {
      if (left > 0) count()
      code.write(to, value)
    },
    read: (from) => {
      if (left > 0) count()
      return code.read(from)
    }
  }
}

export interface Variant {
  readonly tag: unknown
  readonly seal: number
  readonly packing: Packing
}

/** Structs that differ in what they have under one `key`, and in their seals. */
export const variants = (key: string, all: ReadonlyArray<Variant>): Packing => {
  const byTag = new Map(all.map(({ packing, tag }) => [tag, packing]))
  const bySeal = new Map(all.map(({ packing, seal }) => [seal, packing]))
  return {
    shape: "struct",
    write: (to, value) => byTag.get(value[key])!.write(to, value),
    read: (from) => (bySeal.get(from.peekSeal()) ?? from.fail("one of the structs of the schema")).read(from)
  }
}

const shapeOf = (value: unknown): Shape => {
  switch (typeof value) {
    case "number":
      return "number"
    case "boolean":
      return "boolean"
    case "string":
      return "text"
  }
  if (Array.isArray(value)) return "array"
  if (value instanceof Uint8Array) return "bytes"
  return value instanceof Date ? "date" : "struct"
}

const shapeOfTag = (tag: number): Shape => {
  if (tag <= Tag.double) return "number"
  if (tag >= Tag.utf8) return "text"
  switch (tag) {
    case Tag.false:
    case Tag.true:
      return "boolean"
    case Tag.date:
      return "date"
    case Tag.bytes:
      return "bytes"
    case Tag.place:
      return "constant"
    case Tag.struct:
      return "struct"
  }
  return "array"
}

/** Of each shape it has one member, or several that are packed alike. `constants`: the values of the member that has them. */
export const union = (members: ReadonlyArray<Packing>, constants: ReadonlySet<unknown>): Packing => {
  const byShape = new Map(members.map((member) => [member.shape, member]))
  const memberOf = (value: unknown): Packing | undefined =>
    // Bytes and dates are objects too: they may have the fields of a struct.
    byShape.get(constants.has(value) ? "constant" : shapeOf(value)) ?? byShape.get("struct")
  return {
    shape: "union",
    write: (to, value) => memberOf(value)!.write(to, value),
    read: (from) => (byShape.get(shapeOfTag(from.peek())) ?? from.fail("a member of the union")).read(from)
  }
}

export interface Choice {
  readonly is: (value: unknown) => boolean
  readonly packing: Packing
}

/** A value is the first of these that it can be. */
export const choice = (choices: ReadonlyArray<Choice>): Packing => ({
  shape: "union",
  write: (to, value) => {
    const place = choices.findIndex(({ is }) => is(value))
    to.place(place)
    choices[place]!.packing.write(to, value)
  },
  read: (from) => choices[from.place(choices.length)]!.packing.read(from)
})
