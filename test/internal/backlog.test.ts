import { assert, describe, it } from "@effect/vitest"
import { Backlog } from "../../src/internal/pool/backlog.ts"
import { Random, seed, seedNote } from "../support/random.ts"

interface Job {
  readonly id: number
  readonly priority: number
}

/** The same as a sorted array. */
class Model {
  private readonly jobs: Array<Job> = []

  get length() {
    return this.jobs.length
  }
  get first(): Job | undefined {
    return this.jobs[0]
  }
  has(job: Job) {
    return this.jobs.includes(job)
  }
  add(job: Job) {
    this.jobs.push(job)
    this.jobs.sort((a, b) => b.priority - a.priority || a.id - b.id)
  }
  delete(job: Job): boolean {
    const at = this.jobs.indexOf(job)
    if (at >= 0) this.jobs.splice(at, 1)
    return at >= 0
  }
  clear(): Array<Job> {
    return this.jobs.splice(0)
  }
}

describe("a backlog", () => {
  it("gives those of the highest priority first, and of one priority those that came first", () => {
    const backlog = new Backlog<Job>()
    for (const [id, priority] of [0, 5, 0, -1, 5].entries()) backlog.add({ id, priority })
    assert.deepStrictEqual(backlog.clear().map(({ id }) => id), [1, 4, 0, 2, 3])
  })

  it("puts one that comes back where it was", () => {
    const backlog = new Backlog<Job>()
    const jobs = [0, 1, 2, 3].map((id) => ({ id, priority: 0 }))
    for (const job of jobs) backlog.add(job)
    assert.strictEqual(backlog.shift(), jobs[0])
    assert.strictEqual(backlog.shift(), jobs[1])
    backlog.add(jobs[1]!)
    backlog.add(jobs[0]!)
    assert.deepStrictEqual(backlog.clear(), jobs)
  })

  it("is empty at first and after it was cleared", () => {
    const backlog = new Backlog<Job>()
    assert.isUndefined(backlog.peek())
    assert.isUndefined(backlog.shift())
    backlog.add({ id: 1, priority: Infinity })
    backlog.add({ id: 2, priority: -Infinity })
    assert.strictEqual(backlog.clear().length, 2)
    assert.strictEqual(backlog.length, 0)
    assert.isUndefined(backlog.peek())
    assert.deepStrictEqual(backlog.clear(), [])
  })

  it("does what a sorted array does, whatever happens to it", () => {
    for (let run = 0; run < 40; run++) {
      const random = new Random(seed + run)
      const backlog = new Backlog<Job>()
      const model = new Model()
      const out: Array<Job> = []
      let nextId = 0
      const step = (): void => {
        switch (random.int(6)) {
          case 0:
          case 1: {
            const job = { id: nextId++, priority: random.int(4) - 1 }
            backlog.add(job)
            return model.add(job)
          }
          case 2: {
            const job = model.first
            assert.strictEqual(backlog.peek(), job)
            assert.strictEqual(backlog.shift(), job)
            if (job === undefined) return
            model.delete(job)
            return void out.push(job)
          }
          case 3: {
            // One comes back.
            if (out.length === 0) return
            const [job] = out.splice(random.int(out.length), 1)
            backlog.add(job!)
            return model.add(job!)
          }
          case 4: {
            const job = { id: random.int(nextId + 1), priority: 0 }
            assert.isFalse(backlog.delete(job), "another one with the same number")
            const chosen = out.length > 0 && random.chance(0.5) ? random.pick(out) : model.first
            if (chosen === undefined) return
            assert.strictEqual(backlog.has(chosen), model.has(chosen))
            const wasThere = model.delete(chosen)
            assert.strictEqual(backlog.delete(chosen), wasThere)
            if (wasThere) out.push(chosen)
            return
          }
          default: {
            if (!random.chance(0.05)) return
            const all = model.clear()
            assert.deepStrictEqual(backlog.clear(), all)
            out.push(...all)
          }
        }
      }
      try {
        for (let i = 0; i < 300; i++) {
          step()
          assert.strictEqual(backlog.length, model.length)
          assert.strictEqual(backlog.peek(), model.first)
        }
        assert.deepStrictEqual(backlog.clear(), model.clear())
      } catch (error) {
        throw new Error(seedNote(random), { cause: error })
      }
    }
  })
})
