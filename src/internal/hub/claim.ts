/**
 * Items that a hub has sent to a client ahead of its requests, and a word in memory that both see, which says whose they are.
 *
 * The hub offers, the client claims one at a time, in order; what is claimed has been given to the user. The hub claims for the client, too,
 * when it is asked for an item while there are some on their way. Either side may revoke what is
 * not claimed yet: the hub, because somebody else waits for an item; the client, because one of its requests was given up and the
 * order would break. Each is one atomic step, so that no item is ever in two hands, and a client that is stuck, or dead,
 * keeps nothing from others.
 *
 * A word: how many were claimed (12 bits) and offered (12 bits), both counted modulo 4096, and the generation (8 bits), which a
 * revocation changes. An item has the generation and the number of those that were offered before it; it is not the client's any more if
 * the generation is another one, or if that many and more were claimed.
 */
import * as Credit from "./credit.ts"

const mask = 0xfff

/** Most items that may be offered and not claimed. */
export const maxAhead = 1024

/** Where the word of an object is. */
export const slot = (ref: number): number => Credit.slots + ref

const claimedOf = (word: number): number => word & mask
const offeredOf = (word: number): number => (word >>> 12) & mask
const generationOf = (word: number): number => word >>> 24

const make = (generation: number, offered: number, claimed: number): number =>
  (((generation & 0xff) << 24) | ((offered & mask) << 12) | (claimed & mask)) | 0

/** What a word says. */
export const read = (words: Int32Array, index: number): { readonly generation: number; readonly claimed: number } => {
  const word = Atomics.load(words, index)
  return { generation: generationOf(word), claimed: claimedOf(word) }
}

/** The hub: one more item, and its number. `undefined`: the generation is over. */
export const offer = (words: Int32Array, index: number, generation: number): number | undefined => {
  for (;;) {
    const word = Atomics.load(words, index)
    if (generationOf(word) !== generation) return undefined
    const offered = offeredOf(word)
    const next = make(generation, offered + 1, claimedOf(word))
    if (Atomics.compareExchange(words, index, word, next) === word) return offered
  }
}

/** An item that was offered. */
export interface Offered {
  readonly generation: number
  readonly number: number
}

/** The client: is this item the next that it may claim? */
export const canClaim = (words: Int32Array, index: number, item: Offered): boolean =>
  isNext(Atomics.load(words, index), item)

const isNext = (word: number, item: Offered): boolean =>
  generationOf(word) === item.generation && claimedOf(word) === item.number && offeredOf(word) !== item.number

/** The client: takes this item, which is the next. `false`: it is not its any more. */
export const claim = (words: Int32Array, index: number, item: Offered): boolean => {
  for (;;) {
    const word = Atomics.load(words, index)
    if (!isNext(word, item)) return false
    if (Atomics.compareExchange(words, index, word, withOneMore(word)) === word) return true
  }
}

/** The hub: takes the next item for the client, and gives its number. `undefined`: there is none, or the generation is over. */
export const claimFor = (words: Int32Array, index: number, generation: number): number | undefined => {
  for (;;) {
    const word = Atomics.load(words, index)
    if (generationOf(word) !== generation || offeredOf(word) === claimedOf(word)) return undefined
    if (Atomics.compareExchange(words, index, word, withOneMore(word)) === word) return claimedOf(word)
  }
}

const withOneMore = (word: number): number => make(generationOf(word), offeredOf(word), claimedOf(word) + 1)

/** Either: what is offered and not claimed is not the client's any more. */
export const revoke = (words: Int32Array, index: number): void => {
  for (;;) {
    const word = Atomics.load(words, index)
    if (offeredOf(word) === claimedOf(word)) return
    const next = make(generationOf(word) + 1, claimedOf(word), claimedOf(word))
    if (Atomics.compareExchange(words, index, word, next) === word) return
  }
}

/** How many were claimed between two readings. */
export const difference = (before: number, after: number): number => (after - before) & mask

/** The number after this one. */
export const next = (number: number): number => (number + 1) & mask
