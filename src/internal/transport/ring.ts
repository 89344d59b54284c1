/**
 * A stream of bytes through shared memory, from one writer to one reader. No I/O.
 *
 * The writer moves `head`, the reader `tail`: two counters that only grow (modulo 2³¹), so that neither side waits for the other,
 * and what the death of one leaves behind is always whole. A reader that finds nothing may go to sleep, and a writer that finds no room
 * may wait: each leaves a mark at the counter of the other one, if that has not moved. The step that moves it takes the mark, and who has
 * taken it must wake the other side, by whatever means there is. Counter and mark are one word, so that nothing can come in between.
 *
 * What the other side writes is not trusted: counters that can't be are reported by `available`, and bytes are copied before anybody looks
 * at them.
 */

/** Counters, each in a cache line of its own. */
const head = 0
const tail = 16

/** Long messages are copied in parts of this size, or up to twice that where they are read, so that both sides can copy at the same time. */
const stride = 64 * 1024

/** Up to so many bytes, a loop is faster than a call. */
const few = 32

/** Bytes before the data of a ring. */
const controlSize = 256

/** Bytes of memory that a ring of this capacity takes. */
export const ringSize = (capacity: number): number => controlSize + capacity

/** What both sides of a ring see. The capacity is a power of two. */
interface View {
  readonly control: Int32Array
  readonly data: Uint8Array
  readonly mask: number
}

const view = (memory: ArrayBufferLike, offset: number, capacity: number): View => ({
  control: new Int32Array(memory, offset, controlSize / 4),
  data: new Uint8Array(memory, offset + controlSize, capacity),
  mask: capacity - 1
})

/** Beside a counter: the other side is to be woken when it moves. */
const mark = 1

const wordOf = (count: number): number => count << 1

/** Counters are modulo this and one. */
const largest = 0x7fff_ffff

/** What a counter says. */
const countAt = (control: Int32Array, counter: number): number => Atomics.load(control, counter) >>> 1

const sum = (count: number, more: number): number => (count + more) & largest

/** How far it is from one count to another. */
const distance = (from: number, to: number): number => (to - from) & largest

/** Moves a counter. `true`: there was a mark. */
const move = (control: Int32Array, counter: number, count: number): boolean =>
  (Atomics.exchange(control, counter, wordOf(count)) & mark) !== 0

/** Leaves a mark at a counter. `false`: it does not say this any more. */
const leaveMark = (control: Int32Array, counter: number, count: number): boolean => {
  const word = wordOf(count)
  const before = Atomics.compareExchange(control, counter, word, word | mark)
  return (before & ~mark) === word
}

export class RingWriter {
  private readonly view: View
  /** This side's own counter: the one in memory is for the reader. */
  private written: number
  /** What the reader had taken when this side last looked: to look each time would have two processors fight for that place. */
  private taken: number
  /** The reader had left its mark. */
  private sleeper = false

  constructor(memory: ArrayBufferLike, offset: number, capacity: number) {
    this.view = view(memory, offset, capacity)
    this.written = countAt(this.view.control, head)
    this.taken = countAt(this.view.control, tail)
  }

  /** Could so many bytes be written now? */
  hasRoom(count: number): boolean {
    return this.roomSince() >= count || this.room >= count
  }

  private roomSince(): number {
    return Math.max(0, this.view.data.length - distance(this.taken, this.written))
  }

  /** Bytes that could be written now. */
  get room(): number {
    this.taken = countAt(this.view.control, tail)
    return this.roomSince()
  }

  /** Writes as many of the first `length` bytes as there is room for, and says how many that were. */
  write(bytes: Uint8Array, length = bytes.length): number {
    let done = 0
    while (done < length) {
      const left = Math.min(length - done, stride)
      const count = this.hasRoom(left) ? left : this.roomSince()
      if (count === 0) break
      this.copy(bytes, done, count)
      done += count
    }
    return done
  }

  /** There is room for them. */
  private copy(bytes: Uint8Array, from: number, count: number): void {
    const { control, data, mask } = this.view
    const start = this.written & mask
    if (count <= few) {
      for (let i = 0; i < count; i++) data[(start + i) & mask] = bytes[from + i]!
    } else {
      const first = Math.min(count, data.length - start)
      data.set(bytes.subarray(from, from + first), start)
      if (first < count) data.set(bytes.subarray(from + first, from + count), 0)
    }
    this.written = sum(this.written, count)
    if (move(control, head, this.written)) this.sleeper = true
  }

  /** Leaves the mark that this side waits for room. `false`: there is some. */
  awaitRoom(): boolean {
    return this.room === 0 && leaveMark(this.view.control, tail, this.taken)
  }

  /** Did what was written take the mark of a reader that sleeps? */
  get hasSleeper(): boolean {
    return this.sleeper
  }

  /** The same, answered `true` once: then the caller must wake it. */
  takeSleeper(): boolean {
    const { sleeper } = this
    this.sleeper = false
    return sleeper
  }
}

export class RingReader {
  private readonly view: View
  private taken: number
  /** The writer had left its mark. */
  private waiter = false

  constructor(memory: ArrayBufferLike, offset: number, capacity: number) {
    this.view = view(memory, offset, capacity)
    this.taken = countAt(this.view.control, tail)
  }

  /** How much is there. Throws if the writer does not follow the rules. */
  get available(): number {
    const { control, data } = this.view
    const count = distance(this.taken, countAt(control, head))
    if (count > data.length) throw new RangeError("the other side has written nonsense into the shared memory")
    return count
  }

  /** The number of four bytes, most significant first, at an offset. */
  readonly numberAt = (offset: number): number => {
    const { data, mask } = this.view
    const at = this.taken + offset
    return (data[at & mask]! << 24 | data[(at + 1) & mask]! << 16 | data[(at + 2) & mask]! << 8 |
      data[(at + 3) & mask]!) >>> 0
  }

  /** So many bytes, which are there, are known already. */
  skip(count: number): void {
    this.taken = sum(this.taken, count)
    if (move(this.view.control, tail, this.taken)) this.waiter = true
  }

  /** A copy of so many bytes, which must be there; `undefined` if there are none. */
  read(count = this.available): Buffer | undefined {
    if (count === 0) return undefined
    // Small ones come from a pool: thousands of tiny blocks of memory a second would scatter the heap of the process.
    const bytes = Buffer.allocUnsafe(count)
    this.take(bytes, count)
    return bytes
  }

  /** Copies as much of so many bytes, which are there, as fits; gives how much that is. */
  readInto(place: Uint8Array, available: number): number {
    const count = Math.min(available, place.length)
    this.take(place, count)
    return count
  }

  private take(place: Uint8Array, count: number): void {
    const { control, data, mask } = this.view
    for (let done = 0; done < count;) {
      const start = this.taken & mask
      const left = count - done
      // What is around a message of this size is not worth a copy of its own.
      const part = Math.min(left < 2 * stride ? left : stride, data.length - start)
      place.set(data.subarray(start, start + part), done)
      done += part
      this.taken = sum(this.taken, part)
      if (move(control, tail, this.taken)) this.waiter = true
    }
  }

  /** Leaves the mark that this side sleeps. `false`: there is something to read. */
  sleep(): boolean {
    return leaveMark(this.view.control, head, this.taken)
  }

  /** Did what was read take the mark of a writer that waits for room? Then the caller must wake it: it is answered `true` once. */
  takeWaiter(): boolean {
    const { waiter } = this
    this.waiter = false
    return waiter
  }
}
