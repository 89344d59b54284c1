/**
 * A stream of bytes through shared memory, from one writer to one reader. No I/O.
 *
 * The writer moves `head`, the reader `tail`: two counters that only grow (modulo 2³²), so that neither side waits for the other,
 * and what the death of one leaves behind is always whole. A reader that finds nothing may go to sleep, and a writer that finds no room
 * may wait: each leaves a mark, looks once more, and whoever takes the mark must wake it, by whatever means there is.
 *
 * What the other side writes is not trusted: counters that can't be are reported by `available`, and bytes are copied before anybody looks
 * at them.
 */

/** Counters and marks, each in a cache line of its own. */
const head = 0
const tail = 16
const asleep = 32
const waiting = 48

/** Long messages are copied in parts of this size, so that both sides can copy at the same time. */
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

/** Takes a mark, if there is one: only one of those who see it does. */
const takeMark = ({ control }: View, mark: number): boolean =>
  Atomics.load(control, mark) !== 0 && Atomics.exchange(control, mark, 0) !== 0

export class RingWriter {
  private readonly view: View
  /** This side's own counter: the one in memory is for the reader. */
  private written: number
  /** What the reader had taken when this side last looked: to look each time would have two processors fight for that place. */
  private taken: number

  constructor(memory: ArrayBufferLike, offset: number, capacity: number) {
    this.view = view(memory, offset, capacity)
    this.written = Atomics.load(this.view.control, head)
    this.taken = Atomics.load(this.view.control, tail)
  }

  /** Could so many bytes be written now? */
  hasRoom(count: number): boolean {
    return this.roomSince() >= count || this.room >= count
  }

  private roomSince(): number {
    return Math.max(0, this.view.data.length - ((this.written - this.taken) >>> 0))
  }

  /** Bytes that could be written now. */
  get room(): number {
    this.taken = Atomics.load(this.view.control, tail)
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
    this.written = (this.written + count) | 0
    Atomics.store(control, head, this.written)
  }

  /** Leaves the mark that this side waits for room. `false`: there is some. */
  awaitRoom(): boolean {
    const { control } = this.view
    Atomics.store(control, waiting, 1)
    if (this.room === 0) return true
    Atomics.store(control, waiting, 0)
    return false
  }

  /** Takes the mark of a reader that sleeps: the caller must wake it. */
  takeSleeper(): boolean {
    return takeMark(this.view, asleep)
  }
}

export class RingReader {
  private readonly view: View
  private taken: number

  constructor(memory: ArrayBufferLike, offset: number, capacity: number) {
    this.view = view(memory, offset, capacity)
    this.taken = Atomics.load(this.view.control, tail)
  }

  /** How much is there. Throws if the writer does not follow the rules. */
  get available(): number {
    const { control, data } = this.view
    const count = (Atomics.load(control, head) - this.taken) >>> 0
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
    this.taken = (this.taken + count) | 0
    Atomics.store(this.view.control, tail, this.taken)
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
      const part = Math.min(count - done, stride, data.length - start)
      place.set(data.subarray(start, start + part), done)
      done += part
      this.taken = (this.taken + part) | 0
      Atomics.store(control, tail, this.taken)
    }
  }

  /** Leaves the mark that this side sleeps. `false`: there is something to read. */
  sleep(): boolean {
    const { control } = this.view
    Atomics.store(control, asleep, 1)
    if (Atomics.load(control, head) === this.taken) return true
    Atomics.store(control, asleep, 0)
    return false
  }

  /** Takes the mark of a writer that waits for room: the caller must wake it. */
  takeWaiter(): boolean {
    return takeMark(this.view, waiting)
  }
}
