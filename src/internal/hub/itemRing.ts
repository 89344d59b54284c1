/**
 * The next items of a queue or pipe, in memory that the hub shares with all who read it: the hub offers, and whoever is first claims.
 *
 * How many items were offered is written by the hub alone. How many were claimed, and by whom the last one, is one word, which a reader moves
 * on by one in an atomic step: so each item is claimed once, in the order of the offers, and a reader that is slow, stuck or dead keeps
 * nothing from others but what it has claimed. A reader copies an item before it claims it; if another one was quicker, the copy may be
 * torn, and is thrown away. The hub takes back what is not claimed by claiming all of it.
 *
 * Who claims an item first notes down who claimed the one before, as that is in the word that it replaces. So of each item it is known who has
 * it, at whatever moment a reader dies. Where that does not matter, all claim as anyone.
 *
 * A reader tells the hub of claims only where the hub has left a wish for that: how few items have to be left.
 *
 * A reader that finds nothing may look again and again for a while, as something may come. Where what comes next will not come here, or
 * nothing will, the hub says so beside the number of offers.
 *
 * The hub may lend its pen to a client that puts: then what it puts is offered without the hub, and the hub takes the pen back in one atomic
 * step, whenever it wants to know or do something. Whoever has lost the pen may still be writing an item, which it can't offer any more; so
 * the hub writes there again only after the client has said that it has put the pen down.
 *
 * Only the words that say how many were offered and claimed, and the wish, are read and written as atomic steps. What is written before one
 * of them is seen by who has read it, and what was read counts only once the claim has succeeded.
 *
 * No I/O. The hub trusts nothing that readers can write: it knows itself where items lie, and keeps them until they are claimed.
 */

/** Items that may be offered and not claimed: a power of two. */
export const maxOffered = 1024

/** Items that are offered with a pen that is lent: less than half of the numbers, so that they can't be taken for those before. */
export const maxLent = 2 ** 22

/** Who reads the same has a number from 1 on, */
export const maxReader = 255

/** or this one, like the hub, where it does not matter who has what. */
export const anyone = 0

/** Words, each in a cache line of its own. */
const claims = 0
const offers = 16
const wish = 32
/** Three words for each item: where it begins in the data, its length, and who has claimed it, where that matters. */
const entries = 48
const entrySize = 4

const controlSize = 4 * (entries + entrySize * maxOffered)

/** Bytes of memory for a ring with room for so many bytes of items. */
export const sizeOf = (capacity: number): number => controlSize + capacity

/** Items are counted modulo 2²⁴. */
const mask = 0xff_ffff

/** Beside the number of offers: nothing more comes here, the hub must be asked. */
const ask = 0x100_0000

/** And: the pen is lent. */
const lent = 0x200_0000

const entryOf = (number: number): number => entries + entrySize * (number % maxOffered)
const distance = (from: number, to: number): number => (to - from) & mask

const numberOf = (claim: number): number => claim >>> 8
const ownerOf = (claim: number): number => claim & 0xff
const offeredOf = (word: number): number => word & mask
const claimOf = (number: number, owner: number): number => ((number & mask) << 8) | owner

/** Who has claimed an item, before anybody has. It differs each time that the entry is used, so that a note that comes too late is void. */
const unclaimed = (number: number): number => Math.floor(number / maxOffered) << 8

/** Notes down who claimed the last item. */
const note = (words: Int32Array, claim: number): void => {
  const last = (numberOf(claim) - 1) & mask
  const owner = ownerOf(claim)
  if (owner !== anyone) Atomics.compareExchange(words, entryOf(last) + 2, unclaimed(last), unclaimed(last) | owner)
}

/** Small items share buffers of this size: thousands of tiny blocks of memory a second would scatter the heap of the process. */
const poolSize = 16 * 1024
/** Up to this size, a loop is faster than a call. */
const tiny = 24

const none = new Uint8Array(0)

/** The reader's side. */
export class ItemRingReader {
  private readonly words: Int32Array
  private readonly data: Uint8Array
  private readonly number: number
  private pool = new ArrayBuffer(0)
  private used = 0
  /** How many items were left after the last claim, or less. */
  private left = 0

  constructor(memory: ArrayBufferLike, number: number) {
    this.words = new Int32Array(memory, 0, controlSize / 4)
    this.data = new Uint8Array(memory, controlSize)
    this.number = number
  }

  /** Items that are offered and not claimed. */
  get length(): number {
    const { words } = this
    return distance(numberOf(Atomics.load(words, claims)), offeredOf(Atomics.load(words, offers)))
  }

  get isEmpty(): boolean {
    return this.length === 0
  }

  /** Could something come soon that can be claimed? `false`: it is there, or the hub must be asked. */
  get isExpecting(): boolean {
    return (Atomics.load(this.words, offers) & ask) === 0 && this.isEmpty
  }

  /** Claims the next item. It is then this reader's, and nobody else gets it. `undefined`: the hub must be asked. */
  claim(): Uint8Array | undefined {
    const { words } = this
    for (;;) {
      const claim = Atomics.load(words, claims)
      const number = numberOf(claim)
      const offered = offeredOf(Atomics.load(words, offers))
      if (number === offered) return undefined
      const bytes = this.copy(entryOf(number))
      note(words, claim)
      if (bytes === undefined) {
        // Another reader was quicker, or has written nonsense there. Whoever asks the hub gets what is right.
        if (Atomics.load(words, claims) === claim) return undefined
      } else if (Atomics.compareExchange(words, claims, claim, claimOf(number + 1, this.number)) === claim) {
        this.left = distance(number + 1, offered)
        return bytes
      }
    }
  }

  /**
   * Must the hub be told of the last claim? Of all readers, one is answered `true`. It may be told too soon, of what was offered meanwhile, but
   * never too late: who has claimed later has found less.
   */
  mustTell(): boolean {
    const { words } = this
    const wished = Atomics.load(words, wish)
    return wished !== 0 && this.left < wished && Atomics.compareExchange(words, wish, wished, 0) === wished
  }

  private copy(entry: number): Uint8Array | undefined {
    const { data, words } = this
    const start = words[entry]!
    const length = words[entry + 1]!
    if (start < 0 || length < 0 || start + length > data.length) return undefined
    if (length > poolSize / 4) {
      // Node does not clear it, and gives a buffer of its own.
      const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
      bytes.set(data.subarray(start, start + length))
      return bytes
    }
    if (this.used + length > this.pool.byteLength) {
      this.pool = new ArrayBuffer(poolSize)
      this.used = 0
    }
    const bytes = new Uint8Array(this.pool, this.used, length)
    this.used += length
    if (length > tiny) bytes.set(data.subarray(start, start + length))
    else for (let i = 0; i < length; i++) bytes[i] = data[start + i]!
    return bytes
  }
}

/** The side of the hub, and of a client that has its pen. */
export class ItemRingWriter {
  /** Bytes of items that it holds at most. */
  readonly capacity: number
  private readonly words: Int32Array
  private readonly data: Uint8Array
  /** Where each item ends. */
  private readonly ends = new Int32Array(maxOffered)
  /** Numbers: the next item, and the first that the hub does not know to be claimed. */
  private offered = 0
  private settled = 0
  /** Where the next item may begin, and where the first begins whose place is not free. */
  private head = 0
  private tail = 0
  /** What stands beside the number of offers. */
  private flag = 0

  constructor(memory: ArrayBufferLike) {
    this.words = new Int32Array(memory, 0, controlSize / 4)
    this.data = new Uint8Array(memory, controlSize)
    this.capacity = this.data.length
  }

  /** For a client that was lent the pen. `undefined`: somebody has written nonsense there. */
  static withPen(memory: ArrayBufferLike): ItemRingWriter | undefined {
    const writer = new ItemRingWriter(memory)
    const { words } = writer
    writer.flag = lent
    writer.settled = writer.offered = numberOf(Atomics.load(words, claims))
    return writer.follow(offeredOf(Atomics.load(words, offers)), () => {}) ? writer : undefined
  }

  /** Items that are offered, and as far as this side knows not claimed. */
  get length(): number {
    return distance(this.settled, this.offered)
  }

  /** Offers an item, with these bytes in front. `false`: there is no room, or the pen has been taken back. */
  offer(bytes: Uint8Array, head: Uint8Array = none): boolean {
    const { offered, words } = this
    const length = head.length + bytes.length
    const start = this.place(length)
    if (start === undefined) return false
    this.write(head, start)
    this.write(bytes, start + head.length)
    const entry = entryOf(offered)
    words[entry] = start
    words[entry + 1] = length
    words[entry + 2] = unclaimed(offered)
    const next = (offered + 1) & mask
    if (!this.publish(next)) return false
    this.head = this.ends[offered % maxOffered] = start + length
    this.offered = next
    return true
  }

  private write(bytes: Uint8Array, start: number): void {
    const { data } = this
    const { length } = bytes
    if (length > tiny) data.set(bytes, start)
    else for (let i = 0; i < length; i++) data[start + i] = bytes[i]!
  }

  /** `false`: the pen has been taken back. */
  private publish(number: number): boolean {
    const { flag, words } = this
    if (flag !== lent) {
      Atomics.store(words, offers, number | flag)
      return true
    }
    const word = this.offered | lent
    return Atomics.compareExchange(words, offers, word, number | lent) === word
  }

  /** Tells readers who find nothing whether something may come here, or the hub must be asked. */
  expect(isExpected: boolean): void {
    const flag = isExpected ? 0 : ask
    if (flag === this.flag) return
    this.flag = flag
    this.publish(this.offered)
  }

  /** Lends the pen: until {@link recall}, this side offers and takes nothing. Who has it offers at most {@link maxLent} items. */
  lend(): void {
    this.flag = 0
    Atomics.store(this.words, offers, this.offered | lent)
  }

  /**
   * Takes the pen back, and gives a copy of each item that was offered with it and is not claimed: it counts as offered by this side. Says of each
   * item that this side had offered and that was claimed, by whom. `undefined`: somebody has written nonsense. Readers must ask from now on, until
   * something else is said.
   */
  recall(claimed: (reader: number) => void): ReadonlyArray<Uint8Array> | undefined {
    const { data, words } = this
    this.flag = ask
    let word: number
    do word = Atomics.load(words, offers)
    while (Atomics.compareExchange(words, offers, word, offeredOf(word) | ask) !== word)
    const claim = Atomics.load(words, claims)
    if (distance(this.settled, numberOf(claim)) <= this.length) this.settleUntil(claim, claimed)
    else {
      this.settleUntil(claimOf(this.offered, anyone), claimed)
      this.settled = this.offered = numberOf(claim)
    }
    const known = this.offered
    const items: Array<Uint8Array> = []
    if (this.follow(offeredOf(word), (start, end) => items.push(data.slice(start, end)))) return items
    // Then nothing is to be had, also not of what this side had offered.
    this.offered = known
    this.settleUntil(claimOf(known, anyone), claimed)
    return undefined
  }

  /** Takes note of what another one has offered, up to a number: where each item is. `false`: it is nonsense. */
  private follow(number: number, offered: (start: number, end: number) => void): boolean {
    const { capacity, words } = this
    if (distance(this.settled, number) > maxOffered) return false
    for (let left = capacity; this.offered !== number; this.offered = (this.offered + 1) & mask) {
      const entry = entryOf(this.offered)
      const start = words[entry]!
      const length = words[entry + 1]!
      left -= length
      if (start < 0 || length < 0 || start + length > capacity || left < 0) return false
      if (this.length === 0) this.tail = start
      this.head = this.ends[this.offered % maxOffered] = start + length
      offered(start, start + length)
    }
    return true
  }

  /** Where so many bytes fit, in one piece. */
  private place(length: number): number | undefined {
    if (this.length === 0) this.head = this.tail = 0
    else if (this.length === maxOffered) return undefined
    const { capacity, head, tail } = this
    // Never up to the tail: then full and empty would look the same.
    if (head < tail) return tail - head > length ? head : undefined
    if (capacity - head >= length) return head
    return tail > length ? 0 : undefined
  }

  /** Says of each item that was claimed by whom, in order. `false`: a reader has written nonsense, and all items count as claimed. */
  settle(claimed: (reader: number) => void): boolean {
    return this.settleUntil(Atomics.load(this.words, claims), claimed)
  }

  private settleUntil(claim: number, claimed: (reader: number) => void): boolean {
    const { words } = this
    const number = numberOf(claim)
    const isValid = distance(this.settled, number) <= this.length
    const last = isValid ? number : this.offered
    while (this.settled !== last) {
      const current = this.settled
      const noted = words[entryOf(current) + 2]!
      this.tail = this.ends[current % maxOffered]!
      this.settled = (current + 1) & mask
      if (this.settled === number) claimed(ownerOf(claim))
      else claimed((noted ^ unclaimed(current)) <= maxReader ? noted & 0xff : anyone)
    }
    return isValid
  }

  /** Claims so many items for the hub, if there are as many, and says how many it has got. */
  take(count: number, claimed: (reader: number) => void): number {
    const { words } = this
    for (;;) {
      const claim = Atomics.load(words, claims)
      if (!this.settleUntil(claim, claimed)) return 0
      const taken = Math.min(count, this.length)
      if (taken === 0) return 0
      note(words, claim)
      const last = (this.settled + taken) & mask
      if (Atomics.compareExchange(words, claims, claim, claimOf(last, anyone)) !== claim) continue
      this.tail = this.ends[(last - 1) % maxOffered]!
      this.settled = last
      return taken
    }
  }

  /** Wants to be told when less than so many items are left; 0: never. `false`: it is so now, and nobody will tell. */
  wishFor(count: number): boolean {
    const { words } = this
    // As long as nobody has taken the last wish, it holds.
    if (words[wish] !== count) Atomics.store(words, wish, count)
    const left = distance(numberOf(Atomics.load(words, claims)), this.offered)
    return left >= count || Atomics.exchange(words, wish, 0) === 0
  }
}
