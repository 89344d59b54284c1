/**
 * Room that a hub has set aside for a client, in memory that both see: while there is some, a put needs no answer.
 *
 * There is a word for each object that the client holds. The hub adds to it what it has reserved; the client takes from it, then writes
 * its message; the hub may take the rest back at any moment and without being answered, as it must when somebody else waits for
 * room, or when nothing may be put any more. Each is one atomic step, so that no unit is ever spent twice.
 *
 * A unit is a byte where an object is bounded by bytes, and an item where it is bounded by items.
 */

/** Words that a connection has; objects with higher numbers get no credit. */
export const slots = 1024

/** Set while the units of a word are items. */
const items = 0x4000_0000
const amount = 0x3fff_ffff

/** Longest message that counts as one item. Longer ones need an answer. */
export const maxItemSize = 1024

/** What an item takes besides its bytes: the objects around them and its place in the order. Measured: 250 to 350 bytes. */
export const itemOverhead = 256

/** The room that an item of this size takes, in bytes. */
export const roomOf = (size: number): number => size + itemOverhead

/** What a message of this size costs; `undefined`: it can't be sent on credit. */
export const costOf = (size: number, perItem: boolean): number | undefined =>
  perItem ? (size <= maxItemSize ? 1 : undefined) : roomOf(size)

/**
 * How often a client looks for the room of an item, which is 2.5 microseconds: a reader that is at work makes some within one, and to
 * ask takes ten.
 */
const looks = 500

/** The client: takes what a message of this size costs. `false`: there is not enough. */
export const take = (words: Int32Array, ref: number, size: number): boolean => {
  // The first look may be at what is not true any more: then the step below fails.
  let word = words[ref]!
  for (let look = 0; look < looks; word = Atomics.load(words, ref)) {
    const perItem = (word & items) !== 0
    const cost = costOf(size, perItem)
    if (cost === undefined) return false
    if (cost <= (word & amount)) {
      if (Atomics.compareExchange(words, ref, word, word - cost) === word) return true
    } else {
      // Taken back, or bytes, of which there are enough for much.
      if (!perItem) return false
      look++
    }
  }
  return false
}

/** The hub: adds to what is there. */
export const give = (words: Int32Array, ref: number, units: number, perItem: boolean): void => {
  for (;;) {
    const word = Atomics.load(words, ref)
    const next = ((word & amount) + units) | (perItem ? items : 0)
    if (Atomics.compareExchange(words, ref, word, next) === word) return
  }
}

/** The hub: takes back what was not spent, and says how much that was. */
export const reclaim = (words: Int32Array, ref: number): number => Atomics.exchange(words, ref, 0) & amount
