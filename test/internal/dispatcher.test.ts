import { assert, describe, it } from "@effect/vitest"
import { Dispatcher, type Job, type Limits, maxAhead, Slot } from "../../src/internal/pool/dispatcher.ts"
import { Random, seed, seedNote } from "../support/random.ts"

class TestSlot extends Slot<Job> {}

const make = (limits: Partial<Limits> = {}) =>
  new Dispatcher<Job, TestSlot>({ size: 2, minSize: 2, maxTasks: Infinity, ...limits })

const addSlot = (dispatcher: Dispatcher<Job, TestSlot>, state: TestSlot["state"] = "ready"): TestSlot => {
  const slot = new TestSlot()
  slot.state = state
  dispatcher.slots.add(slot)
  return slot
}

let nextId = 0
const job = (options: Partial<Job> = {}): Job => ({
  id: nextId++,
  priority: 0,
  size: 10,
  isAhead: false,
  ...options
})

const addJobs = (dispatcher: Dispatcher<Job, TestSlot>, count: number, options: Partial<Job> = {}): Array<Job> => {
  const jobs = Array.from({ length: count }, () => job(options))
  for (const one of jobs) dispatcher.backlog.add(one)
  return jobs
}

/** Sends all that can be sent. */
const sendAll = (dispatcher: Dispatcher<Job, TestSlot>): number => {
  let sent = 0
  for (let next = dispatcher.next(); next !== undefined; next = dispatcher.next()) {
    next.job.isAhead = true
    sent++
  }
  return sent
}

describe("a dispatcher", () => {
  it("sends a task to a worker that has nothing to do rather than ahead", () => {
    const dispatcher = make()
    const [a, b] = [addSlot(dispatcher), addSlot(dispatcher)]
    const [first, second, third] = addJobs(dispatcher, 3)
    assert.deepStrictEqual(dispatcher.next(), { slot: a, job: first! })
    assert.deepStrictEqual(dispatcher.next(), { slot: b, job: second! })
    assert.strictEqual(dispatcher.next()?.job, third)
    assert.isUndefined(dispatcher.next())
  })

  it("sends nothing to workers that are starting or retiring", () => {
    const dispatcher = make()
    addSlot(dispatcher, "starting")
    addSlot(dispatcher, "retiring")
    addJobs(dispatcher, 1)
    assert.isUndefined(dispatcher.next())
  })

  it("sends a bounded number ahead, and more only when half of it is done", () => {
    const dispatcher = make({ size: 1, minSize: 1 })
    const slot = addSlot(dispatcher)
    addJobs(dispatcher, 10 * maxAhead.tasks)
    sendAll(dispatcher)
    const full = slot.assigned.length
    assert.isAtMost(full, maxAhead.tasks + 1)
    dispatcher.finished(slot, slot.assigned[0]!.id)
    assert.isUndefined(dispatcher.next())
    while (slot.assigned.length > maxAhead.tasks / 2) dispatcher.finished(slot, slot.assigned[0]!.id)
    assert.isAbove(sendAll(dispatcher), 1)
    assert.isAtMost(slot.assigned.length, full)
  })

  it("sends a bounded number of bytes ahead, and none of those that can't be taken back", () => {
    const dispatcher = make({ size: 1, minSize: 1 })
    const slot = addSlot(dispatcher)
    addJobs(dispatcher, 10, { size: maxAhead.bytes / 4 })
    sendAll(dispatcher)
    assert.isAtMost(slot.assigned.slice(1).reduce((bytes, { size }) => bytes + size, 0), maxAhead.bytes)
    const another = make({ size: 1, minSize: 1 })
    addSlot(another)
    addJobs(another, 3, { size: Infinity })
    assert.strictEqual(sendAll(another), 1)
  })

  it("sends a worker no more tasks than it may run", () => {
    const dispatcher = make({ size: 1, minSize: 1, maxTasks: 3 })
    const slot = addSlot(dispatcher)
    addJobs(dispatcher, 10)
    assert.strictEqual(sendAll(dispatcher), 3)
    for (let done = 1; done <= 3; done++) {
      assert.isFalse(dispatcher.isWornOut(slot))
      dispatcher.finished(slot, slot.assigned[0]!.id)
      assert.isUndefined(dispatcher.next())
    }
    assert.isTrue(dispatcher.isWornOut(slot))
  })

  it("finds a worker whose tasks were sent ahead too early: when another one is idle, or one is more urgent", () => {
    const dispatcher = make({ size: 1, minSize: 1 })
    const busy = addSlot(dispatcher)
    addJobs(dispatcher, 3)
    sendAll(dispatcher)
    assert.isUndefined(dispatcher.overloaded)
    addSlot(dispatcher)
    assert.strictEqual(dispatcher.overloaded, busy)

    const urgent = make({ size: 1, minSize: 1 })
    const slot = addSlot(urgent)
    addJobs(urgent, 3)
    sendAll(urgent)
    for (let i = 0; i < maxAhead.tasks; i++) urgent.backlog.add(job())
    sendAll(urgent)
    assert.isUndefined(urgent.overloaded)
    urgent.backlog.add(job({ priority: 1 }))
    assert.strictEqual(urgent.overloaded, slot)
  })

  it("does not ask again for what a worker has, until that is sent to another one", () => {
    const dispatcher = make({ size: 1, minSize: 1 })
    const busy = addSlot(dispatcher)
    const [, second, third] = addJobs(dispatcher, 3)
    sendAll(dispatcher)
    const idle = addSlot(dispatcher)
    assert.strictEqual(dispatcher.overloaded, busy)
    assert.strictEqual(dispatcher.tookBack(busy, third!.id), third)
    for (const one of busy.assigned) one.isAhead = false
    assert.isUndefined(dispatcher.overloaded)
    dispatcher.backlog.add(third!)
    assert.strictEqual(dispatcher.next()?.slot, idle)
    assert.deepStrictEqual(busy.assigned.slice(1), [second!])
    assert.isUndefined(dispatcher.overloaded)
  })

  it("puts what was taken back where it was", () => {
    const dispatcher = make({ size: 1, minSize: 1 })
    const slot = addSlot(dispatcher)
    const jobs = addJobs(dispatcher, 4)
    sendAll(dispatcher)
    for (const one of jobs.slice(1)) {
      assert.strictEqual(dispatcher.tookBack(slot, one.id), one)
      dispatcher.backlog.add(one)
    }
    assert.isUndefined(dispatcher.tookBack(slot, jobs[1]!.id))
    assert.deepStrictEqual(slot.assigned, [jobs[0]!])
    assert.deepStrictEqual(dispatcher.backlog.clear(), jobs.slice(1))
  })

  it("gives back what a worker that is gone had not answered, and what waited for it alone", () => {
    const dispatcher = make({ size: 1, minSize: 1 })
    const slot = addSlot(dispatcher)
    const jobs = addJobs(dispatcher, 2)
    const own = job()
    slot.pinned.add(own)
    sendAll(dispatcher)
    assert.deepStrictEqual(dispatcher.gone(slot), { assigned: [own, ...jobs], pinned: [] })
    assert.strictEqual(slot.state, "gone")
    assert.strictEqual(dispatcher.slots.size, 0)
    assert.isTrue(dispatcher.isIdle)
  })

  it("counts a task as waiting until its worker has answered all that came before", () => {
    const dispatcher = make({ size: 1, minSize: 1 })
    const slot = addSlot(dispatcher)
    const [first] = addJobs(dispatcher, 3)
    assert.deepStrictEqual([dispatcher.queued, dispatcher.running], [3, 0])
    sendAll(dispatcher)
    assert.deepStrictEqual([dispatcher.queued, dispatcher.running], [2, 1])
    dispatcher.finished(slot, first!.id)
    assert.deepStrictEqual([dispatcher.queued, dispatcher.running], [1, 1])
    assert.isUndefined(dispatcher.finished(slot, first!.id))
  })

  it("misses workers up to its size when tasks wait, and its smallest size always, until it closes", () => {
    const dispatcher = make({ size: 4, minSize: 1 })
    assert.strictEqual(dispatcher.missing, 1)
    addSlot(dispatcher, "starting")
    assert.strictEqual(dispatcher.missing, 0)
    addJobs(dispatcher, 1)
    assert.strictEqual(dispatcher.missing, 0)
    addJobs(dispatcher, 1)
    assert.strictEqual(dispatcher.missing, 1)
    addJobs(dispatcher, 50)
    assert.strictEqual(dispatcher.missing, 3)
    dispatcher.close()
    assert.strictEqual(dispatcher.missing, 3)
    dispatcher.backlog.clear()
    assert.strictEqual(dispatcher.missing, 0)
    dispatcher.slots.clear()
    assert.strictEqual(dispatcher.missing, 0)
  })

  it("misses workers for all tasks but the one that runs", () => {
    const dispatcher = make({ size: 4, minSize: 1 })
    addSlot(dispatcher)
    addJobs(dispatcher, 3)
    sendAll(dispatcher)
    assert.strictEqual(dispatcher.missing, 2)
  })

  it("sends no task behind less urgent ones that can be taken back", () => {
    const dispatcher = make({ size: 1, minSize: 1 })
    const slot = addSlot(dispatcher)
    addJobs(dispatcher, 3)
    sendAll(dispatcher)
    const [urgent] = addJobs(dispatcher, 1, { priority: 1 })
    assert.isUndefined(dispatcher.next())
    assert.strictEqual(dispatcher.overloaded, slot)
    for (const one of slot.assigned.slice(1)) dispatcher.backlog.add(dispatcher.tookBack(slot, one.id)!)
    for (const one of slot.assigned) one.isAhead = false
    assert.strictEqual(dispatcher.next()?.job, urgent)
  })

  it("sends nothing behind a task that is still on its way to its worker", () => {
    const dispatcher = make({ size: 1 })
    const slot = addSlot(dispatcher)
    const [first, second] = addJobs(dispatcher, 2)
    assert.strictEqual(dispatcher.next()?.job, first)
    slot.isSending = true
    assert.isUndefined(dispatcher.next())
    slot.isSending = false
    assert.strictEqual(dispatcher.next()?.job, second)
  })

  it("spares workers that have nothing to do, and keeps as many as it must", () => {
    const dispatcher = make({ size: 4, minSize: 2 })
    const slots = Array.from({ length: 4 }, () => addSlot(dispatcher))
    addJobs(dispatcher, 1)
    sendAll(dispatcher)
    slots[1]!.pinned.add(job())
    assert.deepStrictEqual(dispatcher.spare(slots), [slots[2]!, slots[3]!])
    slots[3]!.state = "retiring"
    assert.deepStrictEqual(dispatcher.spare(slots), [slots[2]!])
  })

  it("runs each task once and in its order, whatever happens to its workers", () => {
    for (let run = 0; run < 20; run++) {
      const random = new Random(seed + run)
      const limits = {
        size: 1 + random.int(4),
        minSize: 0,
        maxTasks: random.chance(0.5) ? Infinity : 1 + random.int(5)
      }
      const dispatcher = make(limits)
      /** Where each task is: it waits, was sent, or is over. */
      const fate = new Map<Job, "waits" | TestSlot | "over">()
      const slots = () => Array.from(dispatcher.slots)
      const waiting = () => Array.from(fate).filter(([, where]) => where === "waits").map(([job]) => job)

      const check = () => {
        const next = waiting().sort((a, b) => b.priority - a.priority || a.id - b.id)[0]
        assert.strictEqual(dispatcher.backlog.peek(), next)
        for (const slot of slots()) {
          for (const one of slot.assigned) assert.strictEqual(fate.get(one), slot)
          assert.isAtMost(slot.done + slot.assigned.length, limits.maxTasks)
          assert.isAtMost(slot.assigned.length, maxAhead.tasks + 1)
        }
        const sent = Array.from(fate.values()).filter((where) => where instanceof TestSlot).length
        assert.strictEqual(dispatcher.queued + dispatcher.running, waiting().length + sent)
        assert.strictEqual(dispatcher.isIdle, waiting().length + sent === 0)
        assert.isAtLeast(dispatcher.missing, 0)
        assert.isAtMost(dispatcher.alive + dispatcher.missing, limits.size)
        if (waiting().length > 0) assert.isAbove(dispatcher.alive + dispatcher.missing, 0)
      }

      const finishOne = (slot: TestSlot) => {
        const [first] = slot.assigned
        if (first === undefined) return
        assert.strictEqual(dispatcher.finished(slot, first.id), first)
        fate.set(first, "over")
        if (dispatcher.isWornOut(slot)) {
          dispatcher.gone(slot)
          assert.deepStrictEqual(slot.assigned, [])
        }
      }

      const step = (): void => {
        const slot = slots().length > 0 ? random.pick(slots()) : undefined
        switch (random.int(8)) {
          case 0:
          case 1: {
            const one = job({ priority: random.int(3), size: random.chance(0.1) ? 20_000 : random.int(200) })
            dispatcher.backlog.add(one)
            return void fate.set(one, "waits")
          }
          case 2:
          case 3: {
            const urgent = dispatcher.backlog.peek()
            const next = dispatcher.next()
            if (next === undefined) {
              const free = slots().filter((slot) => slot.isIdle && slot.done < limits.maxTasks)
              if (urgent !== undefined) assert.deepStrictEqual(free, [])
              return
            }
            assert.strictEqual(next.job, urgent)
            next.job.isAhead = random.chance(0.9)
            assert.strictEqual(next.slot.state, "ready")
            return void fate.set(next.job, next.slot)
          }
          case 4:
            if (dispatcher.missing > 0) addSlot(dispatcher, "starting")
            else if (slot?.state === "starting") slot.state = "ready"
            return
          case 5:
            if (slot?.state === "starting") slot.state = "ready"
            return slot && finishOne(slot)
          case 6: {
            // All but the first, which it has begun.
            const tookFrom = dispatcher.overloaded ?? slot
            for (const one of tookFrom?.assigned.slice(1) ?? []) {
              assert.strictEqual(dispatcher.tookBack(tookFrom!, one.id), one)
              dispatcher.backlog.add(one)
              fate.set(one, "waits")
            }
            for (const one of tookFrom?.assigned ?? []) one.isAhead = false
            return
          }
          default: {
            if (slot === undefined || !random.chance(0.3)) return
            const { assigned } = dispatcher.gone(slot)
            for (const [i, one] of assigned.entries()) {
              if (i === 0) fate.set(one, "over")
              else {
                dispatcher.backlog.add(one)
                fate.set(one, "waits")
              }
            }
          }
        }
      }
      try {
        for (let i = 0; i < 400; i++) {
          step()
          check()
        }
      } catch (error) {
        throw new Error(seedNote(random), { cause: error })
      }
    }
  })
})
