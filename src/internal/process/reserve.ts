/**
 * Which idle processes there are, and how many more there should be. No I/O, no time.
 *
 * A spare is starting, then idle. It is taken from either, and is then in use, or gone.
 */

/** How many spares more than there should be may end one after the other before no other one is started. */
const patience = 3

export class Reserve<Spare> {
  private readonly size: number
  private readonly starting = new Set<Spare>()
  /** In the order in which they became ready. */
  private readonly idle = new Set<Spare>()
  /** How many have ended without use since one was used, or lived long. */
  private losses = 0
  private refilling = true

  constructor(size: number) {
    this.size = size
  }

  /** How many to start now. */
  get missing(): number {
    return this.refilling ? this.size - this.starting.size - this.idle.size : 0
  }

  started(spare: Spare): void {
    this.starting.add(spare)
  }

  ready(spare: Spare): void {
    if (this.starting.delete(spare)) this.idle.add(spare)
  }

  /** The one that has waited longest, or, if none waits, the one that will be ready first. */
  take(): Spare | undefined {
    for (const spares of [this.idle, this.starting]) {
      for (const spare of spares) {
        spares.delete(spare)
        return spare
      }
    }
    return undefined
  }

  /** What was taken is in use. */
  used(): void {
    this.losses = 0
  }

  /** A spare has ended without use. `true`: one too many, so that there will be no others. */
  gone(spare: Spare, livedLong: boolean): boolean {
    this.starting.delete(spare)
    this.idle.delete(spare)
    if (!this.refilling) return false
    this.losses = livedLong ? 1 : this.losses + 1
    if (this.losses < this.size + patience) return false
    this.refilling = false
    return true
  }

  /** There will be no others; those that are idle may still be taken. `true` the first time. */
  giveUp(): boolean {
    const { refilling } = this
    this.refilling = false
    return refilling
  }

  /** The end: who is left, to be ended. */
  close(): Array<Spare> {
    this.refilling = false
    const left = [...this.starting, ...this.idle]
    this.starting.clear()
    this.idle.clear()
    return left
  }
}
