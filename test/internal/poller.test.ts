import { expect, it } from "@effect/vitest"
import { describe } from "vitest"
import { type Pollable, Poller } from "../../src/internal/transport/poller.ts"

const hotTime = 0.2

/** A poller whose clock goes on by a microsecond with each look at it, and something that it looks at, until it sleeps. */
const watch = (poll: (events: Array<string>) => boolean, sleep = () => true) => {
  const events: Array<string> = []
  let time = 0
  let asleep = () => {}
  const done = new Promise<void>((resolve) => asleep = resolve)
  const poller = new Poller(hotTime, () => events.push("yield"), () => time += 0.001)
  const pollable: Pollable = {
    poll: () => {
      const found = poll(events)
      events.push(found ? "found" : "nothing")
      return found
    },
    sleep: () => {
      const sleeps = sleep()
      events.push(sleeps ? "sleep" : "no sleep")
      if (sleeps) asleep()
      return sleeps
    }
  }
  poller.wake(pollable)
  return { done, events, poller, pollable }
}

/** An answer to each of so many looks, and then none. */
const times = (count: number) => () => count-- > 0

describe("The poller", () => {
  it("looks again in the same turn of the event loop, after what this tick still does", async () => {
    const isThere = times(3)
    const { done, events } = watch((events) => {
      const found = isThere()
      if (!found) return false
      queueMicrotask(() => events.push("sent"))
      setImmediate(() => events.push("next turn"))
      return true
    })
    await done
    const turn = events.slice(0, events.indexOf("next turn"))
    expect(turn.slice(0, 6)).toEqual(["found", "sent", "found", "sent", "found", "sent"])
    expect(turn).not.toContain("sleep")
  })

  it("looks several times before it leaves a turn in which there is nothing", async () => {
    let turns = 0
    const { done, events } = watch((events) => {
      if (turns++ === 0) setImmediate(() => events.push("next turn"))
      return false
    })
    await done
    expect(events.slice(0, events.indexOf("next turn"))).toEqual(
      Array.from({ length: 4 }, () => ["nothing", "yield"]).flat()
    )
  })

  it("lets the event loop go on, however much it finds", async () => {
    let left = 1000
    let turns = 0
    const count = () => {
      turns++
      if (left > 0) setImmediate(count)
    }
    setImmediate(count)
    const { done, events } = watch(() => left-- > 0)
    await done
    expect(events.filter((event) => event === "found")).toHaveLength(1000)
    expect(turns).toBeGreaterThan(10)
  })

  it("lets other processes go on whenever it finds nothing, and only then", async () => {
    const { done, events } = watch(times(5))
    await done
    for (const [i, event] of events.entries()) {
      if (event === "yield") expect(events[i - 1]).toMatch(/nothing|no sleep/)
    }
    expect(events).toContain("yield")
  })

  it("sleeps when nothing was found for the given time, and not before", async () => {
    const { done, events } = watch(times(1))
    await done
    // Each look takes a microsecond or two, of 200.
    const looks = events.filter((event) => event === "nothing").length
    expect(looks).toBeGreaterThan(hotTime * 1000 / 2)
    expect(looks).toBeLessThan(hotTime * 1000 + 10)
    expect(events.at(-1)).toBe("sleep")
  })

  it("goes on if something came just when it would have slept", async () => {
    let refusals = 2
    const { done, events } = watch(() => false, () => refusals-- <= 0)
    await done
    expect(events.filter((event) => event.includes("sleep"))).toEqual(["no sleep", "no sleep", "sleep"])
  })

  it("tells its listeners of each look that has found something", async () => {
    const { done, events, poller } = watch(times(2))
    const end = poller.onFound(() => events.push("told"))
    await done
    end()
    expect(events.filter((event) => event !== "nothing" && event !== "yield")).toEqual(
      ["found", "told", "found", "told", "sleep"]
    )
  })

  it("looks no more at what it was told to forget, and at what sleeps only when it is woken", async () => {
    const { done, events, pollable, poller } = watch(times(1))
    await done
    const before = events.length
    await new Promise((resolve) => setImmediate(resolve))
    expect(events).toHaveLength(before)
    poller.wake(pollable)
    poller.forget(pollable)
    await new Promise((resolve) => setImmediate(resolve))
    expect(events).toHaveLength(before)
    poller.wake(pollable)
    await new Promise((resolve) => setImmediate(resolve))
    expect(events[before]).toBe("nothing")
  })

  describe("where something comes again and again", () => {
    /**
     * Something that comes so many milliseconds after it was found before: while it is looked for, or by a bell. Says how long it was looked
     * for after the last time.
     */
    const onLine = () => {
      let time = 0
      const poller = new Poller(hotTime, () => {}, () => time += 0.001)
      let gaps: Array<number> = []
      let comesAt = Infinity
      let foundAt = 0
      let asleep = () => {}
      const pollable: Pollable = {
        poll: () => {
          if (time < comesAt) return false
          foundAt = time
          comesAt = time + (gaps.shift() ?? Infinity)
          return true
        },
        sleep: () => {
          asleep()
          return true
        }
      }
      /** It comes now, and once more after each of these times. Gives how long it was looked for after the last one. */
      return async (after: ReadonlyArray<number>) => {
        gaps = [...after]
        comesAt = time
        for (;;) {
          const slept = new Promise<void>((resolve) => asleep = resolve)
          poller.wake(pollable, true)
          await slept
          if (comesAt === Infinity) return time - foundAt
          time = Math.max(time, comesAt) + 0.1
        }
      }
    }
    const times = (count: number, gap: number) => Array.from({ length: count }, () => gap)

    it("looks for it as long as it comes soon", async () => {
      const come = onLine()
      expect(await come(times(100, 0.1))).toBeGreaterThan(hotTime)
    })

    it("sleeps soon when it always comes later", async () => {
      const come = onLine()
      expect(await come(times(3, 4))).toBeGreaterThan(hotTime)
      expect(await come(times(30, 4))).toBeLessThan(0.01)
    })

    it("looks for it again when it has come soon some times, by the bell or not", async () => {
      const come = onLine()
      await come(times(100, 4))
      expect(await come(times(6, 0.15))).toBeGreaterThan(hotTime)
    })

    it("goes on to look where it comes soon now and then", async () => {
      const come = onLine()
      const mixed = Array.from({ length: 100 }, (_, i) => i % 2 === 0 ? 4 : 0.1)
      expect(await come(mixed)).toBeGreaterThan(hotTime)
    })
  })

  describe("among programs that take the processor for long", () => {
    const slice = 4

    /** Something that is never there, on a machine where each offer of the processor takes as long as `cost` says. */
    const onMachine = (cost: () => number) => {
      let time = 0
      let offers = 0
      const poller = new Poller(hotTime, () => {
        offers++
        time += cost()
      }, () => time += 0.001)
      /** Looks until it sleeps, and says for how long, and with how many offers. */
      const wait = () => {
        const before = { offers, time }
        return new Promise<{ readonly time: number; readonly offers: number }>((resolve) =>
          poller.wake({
            poll: () => false,
            sleep: () => {
              resolve({ time: time - before.time, offers: offers - before.offers })
              return true
            }
          })
        )
      }
      return { wait, pass: (milliseconds: number) => time += milliseconds }
    }

    it("sleeps soon, and offers it no more", async () => {
      const { wait } = onMachine(() => slice)
      let lost = 0
      for (let i = 0; i < 100; i++) lost += (await wait()).offers
      expect(lost).toBeLessThan(10)
      const { offers, time } = await wait()
      expect(offers).toBe(0)
      expect(time).toBeLessThan(0.02)
    })

    it("tries again after a while, and looks on as long as before if they are gone", async () => {
      let cost = slice
      const { pass, wait } = onMachine(() => cost)
      for (let i = 0; i < 100; i++) await wait()
      pass(250)
      expect((await wait()).offers).toBe(1)
      expect((await wait()).offers).toBe(0)
      cost = 0.001
      pass(250)
      for (let i = 0; i < 3; i++) {
        const { offers, time } = await wait()
        expect(offers).toBeGreaterThan(10)
        expect(time).toBeGreaterThan(hotTime)
      }
    })

    it("looks on where that is rare", async () => {
      let offers = 0
      const { wait } = onMachine(() => offers++ % 100 === 0 ? slice : 0.002)
      for (let i = 0; i < 20; i++) await wait()
      expect((await wait()).time).toBeGreaterThan(hotTime)
    })
  })
})
