/** `node bench/node/main.ts CASE COUNT json|advanced|socket`: what one would write with Node alone. */
import { type ChildProcess, fork } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Procfs from "../procfs.ts"
import {
  bytes,
  cpuTime,
  insist,
  type Measurement,
  monotonic,
  percentiles,
  print,
  sameBytes,
  small,
  sumOfRecord,
  sumOfRecords,
  sumOfSmall
} from "../work.ts"
import { ask, decodeIpc, ipcLink, isControl, type Link, type Report, socketLink } from "./link.ts"

const [name = "", countText = "", transport = ""] = process.argv.slice(2)
const count = Number(countText)

const directory = mkdtempSync(join(tmpdir(), "bench-"))
process.on("exit", () => rmSync(directory, { recursive: true, force: true }))

interface Child {
  readonly process: ChildProcess
  /** The way of the data. */
  readonly link: Link
  /** The next report. */
  readonly report: () => Promise<Report>
}

let addresses = 0
/** Starts a child and connects to it. With an address, the child does not talk to its parent, but to another one. */
const start = async (role: string, other?: string): Promise<Child> => {
  const address = other ?? join(directory, `${addresses++}`)
  const connected = Promise.withResolvers<Link>()
  const server = createServer((socket) => connected.resolve(socketLink(socket)))
  if (transport === "socket" && other === undefined) {
    await new Promise<void>((resolve) => server.listen(address, resolve))
  }
  const child = fork(new URL("child.ts", import.meta.url), [role, transport, address], {
    serialization: transport === "advanced" ? "advanced" : "json"
  })
  const ipc = ipcLink(child, transport === "json")
  const reports: Array<Report> = []
  const waiting: Array<(report: Report) => void> = []
  child.on("message", (message: any) => {
    if (!isControl(message)) return ipc.onMessage(decodeIpc(message))
    if (message.control !== "done" && (message.control !== "report" || !("sum" in message))) return
    const next = waiting.shift()
    if (next === undefined) reports.push(message as Report)
    else next(message as Report)
  })
  child.on("exit", (code) => {
    if (code !== 0 && code !== null) process.exit(1)
  })
  const report = (): Promise<Report> => {
    const first = reports.shift()
    return first === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(first)
  }
  await report()
  const link = transport === "socket" && other === undefined ? await connected.promise : ipc
  server.close()
  return { process: child, link, report }
}

const processorTime = async (children: ReadonlyArray<Child>): Promise<number> => {
  let total = cpuTime()
  for (const child of children) {
    child.process.send({ control: "report", count: 0 })
    total += (await child.report()).cpu
  }
  return total
}

type Result = Partial<Pick<Report, "sum" | "p50" | "p99">>

/** One phase of all, and what the parent itself does in it. */
const run = async (children: ReadonlyArray<Child>, count: number, own: (count: number) => Promise<Result>) => {
  for (const child of children) child.process.send({ control: "begin", count })
  // Listens at once, before anything can come.
  const results = [await own(count), ...await Promise.all(children.map((child) => child.report()))]
  return {
    sum: results.reduce((sum, result) => sum + (result.sum ?? 0), 0),
    p50: Math.max(...results.map((result) => result.p50 ?? 0)),
    p99: Math.max(...results.map((result) => result.p99 ?? 0))
  }
}

const measure = async (
  children: ReadonlyArray<Child>,
  count: number,
  own: (count: number) => Promise<Result>,
  sum: (count: number) => number
): Promise<Measurement> => {
  await run(children, count, own)
  const cpu = await processorTime(children)
  const start = performance.now()
  const result = await run(children, count, own)
  const seconds = (performance.now() - start) / 1000
  const used = (await processorTime(children)) - cpu
  insist("the sum of all", result.sum, sum(count))
  return { seconds, count, cpu: used / 1e6, p50: result.p50, p99: result.p99 }
}

/** Takes so many from all of them. */
const take = (
  children: ReadonlyArray<Child>,
  count: number,
  value: (message: any) => number,
  acknowledge = false
): Promise<Result> =>
  new Promise((resolve) => {
    let [left, sum] = [count, 0]
    for (const { link } of children) {
      link.onMessage = (message) => {
        sum += value(message)
        if (acknowledge) link.send(1)
        if (--left === 0) resolve({ sum })
      }
    }
  })

const number = (n: number) => n
const nothing = () => Promise.resolve({})

const several = async (count: number, role: string): Promise<Array<Child>> => {
  const children: Array<Child> = []
  for (let i = 0; i < count; i++) children.push(await start(role))
  return children
}

const fromChildren = async (producers: number, role: string): Promise<Measurement> => {
  const children = await several(producers, role)
  const share = Math.ceil(count / producers)
  const acknowledge = role === "bounded" || role === "joinable"
  const result = await measure(
    children,
    share,
    (share) => take(children, share * producers, number, acknowledge),
    (share) => sumOfSmall(share) * producers
  )
  return { ...result, count: share * producers }
}

const fromParent = async (): Promise<Measurement> => {
  const children = await several(4, "consumer")
  const own = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const { link } = children[i % 4]!
      if (!link.send(small(i))) await link.drained()
    }
    for (const { link } of children) link.send(0)
    return {}
  }
  return measure(children, count, own, sumOfSmall)
}

/** The parent hands on what it gets, to one after the other. */
const amongChildren = async (): Promise<Measurement> => {
  const producers = await several(4, "producer-with-end")
  const consumers = await several(4, "consumer")
  const share = Math.ceil(count / 4)
  const own = () => {
    let [next, ends] = [0, 0]
    for (const { link } of producers) {
      link.onMessage = (n) => {
        if (n !== 0) consumers[next++ % 4]!.link.send(n)
        else if (++ends === 4) { for (const { link } of consumers) link.send(0) }
      }
    }
    return Promise.resolve({})
  }
  const result = await measure([...producers, ...consumers], share, own, (share) => sumOfSmall(share) * 4)
  return { ...result, count: share * 4 }
}

const records = async (): Promise<Measurement> => {
  const children = await several(1, "record")
  return measure(children, count, (count) => take(children, count, sumOfRecord), sumOfRecords)
}

const blocks = async (role: string, size: number): Promise<Measurement> => {
  const children = await several(1, role)
  const expected = bytes(size)
  return measure(
    children,
    count,
    (count) => take(children, count, (message) => sameBytes(message, expected)),
    (count) => count
  )
}

const roundTrip = async (): Promise<Measurement> => {
  const child = await start("echo")
  return measure(
    [child],
    count,
    // The child listens first: its command is on its way before the first question.
    (count) =>
      new Promise((resolve) => setImmediate(() => resolve(ask(child.link, count, (f) => child.link.onMessage = f)))),
    sumOfSmall
  )
}

const roundTripOfChildren = async (): Promise<Measurement> => {
  if (transport !== "socket") {
    // The channels of `fork` only go to the parent, which hands on.
    const [echo, asker] = [await start("echo"), await start("asker")]
    echo.link.onMessage = (n) => asker.link.send(n)
    asker.link.onMessage = (n) => echo.link.send(n)
    return measure([echo, asker], count, nothing, sumOfSmall)
  }
  const address = join(directory, "between")
  const echo = await start("echo-listening", address)
  const asker = await start("asker", address)
  await echo.report()
  return measure([echo, asker], count, nothing, sumOfSmall)
}

/** From the call until the first instruction of a file that has imported what a program imports. */
const starts = async (): Promise<Measurement> => {
  const samples: Array<number> = []
  let [seconds, cpu] = [0, 0]
  for (let i = -1; i < count; i++) {
    const own = cpuTime()
    const ended = Procfs.cpuOfEnded()
    const start = monotonic()
    const child = fork(new URL("startTarget.ts", import.meta.url))
    const first = await new Promise<number>((resolve) => child.once("message", (at) => resolve(at as number)))
    await new Promise((resolve) => child.once("exit", resolve))
    if (i < 0) continue
    samples.push(first - start)
    seconds += (first - start) / 1e6
    if (ended !== undefined) cpu += (cpuTime() - own) / 1e6 + Procfs.cpuOfEnded()! - ended
  }
  return { seconds, count, cpu: Procfs.available ? cpu : undefined, ...percentiles(samples) }
}

/** A child that has imported the same as ours, and waits for messages. */
const memory = async (figure: "resident" | "share"): Promise<Measurement | { readonly skip: string }> => {
  if (!Procfs.available) return { skip: "only Linux tells" }
  const child = fork(new URL("startTarget.ts", import.meta.url), ["stay"])
  await new Promise((resolve) => child.once("message", resolve))
  await new Promise((resolve) => setTimeout(resolve, 1000))
  return { seconds: 0, count: 1, value: Procfs.memory(child.pid!)[figure] }
}

const programs: Readonly<Record<string, () => Promise<Measurement | { readonly skip: string }>>> = {
  "queue-1-1": () => fromChildren(1, "producer"),
  "queue-1-1-maxsize10": () => fromChildren(1, "bounded"),
  "queue-4-1": () => fromChildren(4, "producer"),
  "queue-1-4": fromParent,
  "queue-4-4": amongChildren,
  "queue-1-1-record": records,
  "joinable-queue-1-1": () => fromChildren(1, "joinable"),
  "pipe-rtt": roundTrip,
  "pipe-rtt-child-child": roundTripOfChildren,
  "pipe-one-way": () => fromChildren(1, "producer"),
  "pipe-one-way-record": records,
  "pipe-bytes-64k": () => blocks("bytes-64k", 2 ** 16),
  "pipe-bytes-1m": () => blocks("bytes-1m", 2 ** 20),
  "pipe-bytes-64m": () => blocks("bytes-64m", 2 ** 26),
  "start-cold": starts,
  "idle-memory": () => memory("resident"),
  "idle-memory-share": () => memory("share")
}

const program = programs[name]
if (program === undefined) throw new Error(`No case ${name}`)
void program().then((result) => {
  print(result)
  // Ends the children.
  process.exit()
})
