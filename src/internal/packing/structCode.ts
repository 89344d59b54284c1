/**
 * The code of one struct: its names stand in it, so that V8 knows where each value lies. Code that is shared by all structs has to look for
 * each name.
 */
import type { Field, Packing } from "./packing.ts"
import { Tag } from "./tag.ts"

export type StructCode = Pick<Packing, "write" | "read">

const writeOf = ({ isOptional, name }: Field, i: number): string => {
  const key = JSON.stringify(name)
  const write = `p${i}.write(to, value[${key}])`
  return isOptional ? `if (${key} in value) ${write}; else to.byte(${Tag.absent})` : write
}

const readOf = ({ isOptional, name }: Field, i: number): string =>
  `${isOptional ? "if (!from.isAbsent()) " : ""}value[${JSON.stringify(name)}] = p${i}.read(from)`

/** `undefined`: code may not be made here. */
export const make = (fields: ReadonlyArray<Field>, seal: number): StructCode | undefined => {
  const source = `
const [${fields.map((_, i) => `p${i}`).join(", ")}] = packings
return {
  write: (to, value) => {
    to.seal(${seal})
    ${fields.map(writeOf).join("\n    ")}
  },
  read: (from) => {
    from.seal(${seal})
    const value = {}
    ${fields.map(readOf).join("\n    ")}
    return value
  }
}`
  try {
    return new Function("packings", source)(fields.map(({ packing }) => packing))
  } catch {
    // `--disallow-code-generation-from-strings`.
    return undefined
  }
}
