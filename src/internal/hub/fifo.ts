/** First in, first out, without moving what is left. */
export class Fifo<A> {
  private items: Array<A | undefined> = []
  private first = 0

  get length(): number {
    return this.items.length - this.first
  }

  push(item: A): void {
    this.items.push(item)
  }

  peek(): A | undefined {
    return this.items[this.first]
  }

  shift(): A | undefined {
    const item = this.items[this.first]
    if (this.first === this.items.length) return undefined
    this.items[this.first++] = undefined
    if (this.first === this.items.length) {
      this.items = []
      this.first = 0
    }
    return item
  }
}
