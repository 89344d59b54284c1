/**
 * The bytes of packed values: one value after the other, each behind a tag that says what it is.
 *
 * An integer from 0 to 127 is its own tag, and a short string of one-byte characters has its length in its tag. The lowest byte
 * of a number comes first.
 */

/** What a value is, where the tag is not the value itself. */
export const Tag = {
  int32: 0x80,
  double: 0x81,
  false: 0x82,
  true: 0x83,
  date: 0x84,
  bytes: 0x85,
  array: 0x86,
  /** An array of nothing but integers of 32 bits. */
  integers: 0x87,
  /** An array of other numbers. */
  doubles: 0x88,
  struct: 0x89,
  /** An optional key that is not there. */
  absent: 0x8a,
  /** Which of the values, or of the members, that a schema has. */
  place: 0x8b,
  utf8: 0x8c,
  /** Text that is not well-formed: half of a surrogate pair has no UTF-8. */
  utf16: 0x8d,
  /** Text of so many characters behind the tag, a byte each. */
  shortText: 0x8e
} as const

export const maxShortText = 0xff - Tag.shortText

export const int32Size = 4

export const doubleSize = 8

/** A tag and 16 bits. */
export const sealSize = 3

export const isLittleEndian = true
