/**
 * Which schemas can be packed: those of plain data, whose values are sent as they are. Checks do not matter here.
 */
import { memoize } from "effect/Function"
import * as Hash from "effect/Hash"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as Packing from "./packing.ts"

type AST = SchemaAST.AST

/** Null, undefined, and all that a schema names: what has few values. */
const constantsOf = (ast: AST): ReadonlyArray<unknown> | undefined => {
  switch (ast._tag) {
    case "Null":
      return [null]
    case "Undefined":
      return [undefined]
    case "Literal":
      return [ast.literal]
    case "Enum":
      return ast.enums.map(([, value]) => value)
  }
  return undefined
}

/** Is something made of something else on the way? */
const isEncoded = (ast: AST): boolean =>
  ast.encoding !== undefined || "encodingChecks" in ast && ast.encodingChecks !== undefined

const ofDeclaration = ({ annotations }: SchemaAST.Declaration): Packing.Packing | undefined => {
  const representation = annotations?.representation
  switch (Predicate.hasProperty(representation, "id") ? representation.id : undefined) {
    case "effect/schema/Uint8Array":
      return Packing.bytes
    case "effect/schema/Date":
      return Packing.date
  }
  return undefined
}

/** All or nothing. */
const every = <A, B>(all: ReadonlyArray<A>, f: (one: A) => B | undefined): ReadonlyArray<B> | undefined => {
  const mapped = all.map(f)
  return mapped.includes(undefined) ? undefined : mapped as ReadonlyArray<B>
}

const ofArrays = ({ elements, rest }: SchemaAST.Arrays): Packing.Packing | undefined => {
  if (elements.length === 0 && rest.length === 1) {
    const element = ofSchema(rest[0]!)
    return element === Packing.number ? Packing.numbers : element && Packing.array(element)
  }
  if (rest.length > 0 || elements.some(SchemaAST.isOptional)) return undefined
  const all = every(elements, ofSchema)
  return all && Packing.tuple(all)
}

const ofObjects = (ast: SchemaAST.Objects): Packing.Packing | undefined => {
  const { indexSignatures, propertySignatures } = ast
  if (indexSignatures.length > 0 || propertySignatures.length === 0) return undefined
  const fields = every(propertySignatures, ({ name, type }): Packing.Field | undefined => {
    const packing = ofSchema(type)
    // The prototype of an object is no field.
    return packing === undefined || typeof name !== "string" || name === "__proto__"
      ? undefined
      : { name, isOptional: SchemaAST.isOptional(type), packing }
  })
  return fields && Packing.struct(fields, sealOf(ast))
}

/** What tells structs apart: 16 bits of their fields' names, and of the values that these name. */
const sealOf = ({ propertySignatures }: SchemaAST.Objects): number => {
  const names = propertySignatures.map(({ name, type }) => [name, constantsOf(type)?.map(String)])
  const hash = Hash.string(JSON.stringify(names))
  return (hash ^ hash >>> 16) & 0xffff
}

/** The value that a struct must have under a key, if it is a single one. */
const tagOf = ({ propertySignatures }: SchemaAST.Objects, key: PropertyKey): unknown => {
  const type = propertySignatures.find(({ name }) => name === key)?.type
  return type === undefined || SchemaAST.isOptional(type) || type._tag !== "Literal" ? undefined : type.literal
}

const areDistinct = (values: ReadonlyArray<unknown>): boolean =>
  !values.includes(undefined) && new Set(values).size === values.length

/** One struct, or several of which the value under one key tells which it is. */
const ofStructs = (structs: ReadonlyArray<SchemaAST.Objects>): Packing.Packing | undefined => {
  if (structs.length === 1) return ofObjects(structs[0]!)
  const keys = structs[0]!.propertySignatures.map(({ name }) => name)
  const key = keys.find((key) => areDistinct(structs.map((struct) => tagOf(struct, key))))
  const variants = every(structs, (struct): Packing.Variant | undefined => {
    const packing = ofObjects(struct)
    return packing && { tag: tagOf(struct, key!), seal: sealOf(struct), packing }
  })
  return typeof key === "string" && variants !== undefined && areDistinct(variants.map(({ seal }) => seal))
    ? Packing.variants(key, variants)
    : undefined
}

/** The members of a union, and of the unions in it that add nothing to theirs. */
const membersOf = (ast: SchemaAST.Union): ReadonlyArray<AST> =>
  ast.types.flatMap((type) =>
    type._tag === "Union" && !isEncoded(type) && type.checks === undefined ? membersOf(type) : [type]
  )

/** Values of such a member may look like anything. */
const hasAnyLook = (ast: AST): boolean => ast._tag === "Union" || ast._tag === "Void"

/** If the look of a value tells which member it is. */
const ofShapes = (members: ReadonlyArray<AST>): Packing.Packing | undefined => {
  const constants = members.flatMap((member) => constantsOf(member) ?? [])
  const structs = members.filter(SchemaAST.isObjects)
  const others = members.filter((member) => constantsOf(member) === undefined && !SchemaAST.isObjects(member))
  const packings = every([
    ...constants.length > 0 ? [Packing.oneOf(constants)] : [],
    ...structs.length > 0 ? [ofStructs(structs)] : [],
    ...others.map(ofSchema)
  ], (packing) => packing)
  const isClear = others.filter(SchemaAST.isArrays).length <= 1 && !others.some(hasAnyLook)
  return packings === undefined || !isClear ? undefined : Packing.union(packings, new Set(constants))
}

/** If only the checks of the members tell. */
const ofChoices = (members: ReadonlyArray<AST>): Packing.Packing | undefined => {
  const choices = every(members, (member): Packing.Choice | undefined => {
    const packing = ofSchema(member)
    return packing && { is: Schema.is(Schema.make(member)), packing }
  })
  return choices && Packing.choice(choices)
}

const ofUnion = (ast: SchemaAST.Union): Packing.Packing | undefined => {
  const members = membersOf(ast)
  return members.some(isEncoded) ? undefined : ofShapes(members) ?? ofChoices(members)
}

const derive = (ast: AST): Packing.Packing | undefined => {
  if (isEncoded(ast)) return undefined
  const constants = constantsOf(ast)
  if (constants !== undefined) return Packing.oneOf(constants)
  switch (ast._tag) {
    case "Boolean":
      return Packing.boolean
    case "Number":
      return Packing.number
    case "String":
      return Packing.text
    case "Declaration":
      return ofDeclaration(ast)
    case "Arrays":
      return ofArrays(ast)
    case "Objects":
      return ofObjects(ast)
    case "Union":
      return ofUnion(ast)
    case "Void":
      return Packing.nothing
  }
  return undefined
}

const derived = memoize((ast: AST) => derive(ast) ?? null)

/** How values of the schema are packed, if they can be. */
export const ofSchema = (ast: AST): Packing.Packing | undefined => derived(ast) ?? undefined

/** Does a union have members that are encoded? What such a member makes of a value need not tell which one it was. */
const isAmbiguous = (ast: AST): boolean => {
  if (ast.encoding?.some(({ to }) => isAmbiguous(to)) === true) return true
  switch (ast._tag) {
    case "Arrays":
      return [...ast.elements, ...ast.rest].some(isAmbiguous)
    case "Declaration":
      return ast.typeParameters.some(isAmbiguous)
    case "Objects":
      return ast.propertySignatures.some(({ type }) => isAmbiguous(type))
    case "Union":
      return ast.types.some((type) => ofSchema(type) === undefined)
  }
  return false
}

/** How that is packed which the schema makes of values, if that is plain data which tells what it was. */
export const ofEncoded = (ast: AST): Packing.Packing | undefined =>
  isAmbiguous(ast) ? undefined : ofSchema(SchemaAST.toEncoded(ast))

/** Are there values that can be packed and read, and that the schema refuses nevertheless? Only its checks do that. */
export const hasChecks = (ast: AST): boolean => {
  if (ast.checks !== undefined) return true
  switch (ast._tag) {
    case "Arrays":
      return [...ast.elements, ...ast.rest].some(hasChecks)
    case "Objects":
      return ast.propertySignatures.some(({ type }) => hasChecks(type))
    case "Union":
      return ast.options?.mode === "oneOf" || ast.types.some(hasChecks)
  }
  return false
}
