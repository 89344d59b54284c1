/**
 * Items that a hub has sent to a client ahead of its requests, and a word in memory that both see, which says whose they are.
 *
 * The hub offers, the client claims one at a time, in order; what is claimed has been given to the user. Either side may revoke what is
 * not claimed yet: the hub, because somebody else waits for an item; the client, because one of its requests was given up and the
 * order would break. Each is one atomic step, so that no item is ever in two hands, and a client that is stuck, or dead,
 * keeps nothing from others.
 *
 * A word: how many were claimed (12 bits) and offered (12 bits), both counted modulo 4096, and the generation (8 bits), which a
 * revocation changes. An item of another generation is not the client's any more.
 */
import * as Credit from "./credit.ts"

const mask = 0xfff

/** Most items that may be offered and not claimed. */
export const maxAhead = 256

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

/** The hub: one more item. `false`: the generation is over. */
export const offer = (words: Int32Array, index: number, generation: number): boolean => {
  for (;;) {
    const word = Atomics.load(words, index)
    if (generationOf(word) !== generation) return false
    const next = make(generation, offeredOf(word) + 1, claimedOf(word))
    if (Atomics.compareExchange(words, index, word, next) === word) return true
  }
}

/** The client: is the next item of this generation its to claim? */
export const canClaim = (words: Int32Array, index: number, generation: number): boolean => {
  const word = Atomics.load(words, index)
  return generationOf(word) === generation && offeredOf(word) !== claimedOf(word)
}

/** The client: takes the next item. `false`: it is not its any more. */
export const claim = (words: Int32Array, index: number, generation: number): boolean => {
  for (;;) {
    const word = Atomics.load(words, index)
    if (generationOf(word) !== generation || offeredOf(word) === claimedOf(word)) return false
    const next = make(generation, offeredOf(word), claimedOf(word) + 1)
    if (Atomics.compareExchange(words, index, word, next) === word) return true
  }
}

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
