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
})
