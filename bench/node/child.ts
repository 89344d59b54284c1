/** `child.ts ROLE TRANSPORT ADDRESS`: the other side of the raw Node arms. */
import { connect, createServer } from "node:net"
import { bytes, cpuTime, record, small } from "../work.ts"
import { ask, type Command, decodeIpc, ipcLink, isControl, type Link, sendAll, socketLink } from "./link.ts"

const [role = "", transport, address] = process.argv.slice(2)
const control = (message: object) => process.send!(message)

const { promise: connected, resolve } = Promise.withResolvers<Link>()
const ipc = ipcLink(process, transport === "json")
let data = ipc
connected.then((link) => {
  data = link
  link.onMessage = (message) => receive(message)
  control({ control: "report", sum: 0, cpu: 0 })
})
if (transport !== "socket") resolve(ipc)
else if (role === "echo-listening") {
  createServer((socket) => resolve(socketLink(socket)))
    // Now somebody may connect.
    .listen(address, () => control({ control: "report", sum: 0, cpu: 0 }))
} else {
  const socket = connect(address!, () => resolve(socketLink(socket)))
}

/** What came by the socket before the command that it belongs to, which comes by the channel. */
const early: Array<unknown> = []
const wait = (message: unknown): void => {
  early.push(message)
}
let receive: (message: any) => void = wait
const listen = (f: (message: any) => void): void => {
  receive = f
  for (const message of early.splice(0)) f(message)
}

/** Sends `count` messages, of which the other side has acknowledged all but `limit` at any time. */
const acknowledged = async (count: number, limit: number) => {
  let [sent, open] = [0, 0]
  const { promise, resolve } = Promise.withResolvers<void>()
  let wake = () => {}
  const isFull = () => open >= limit
  listen(() => {
    open--
    wake()
    if (sent === count && open === 0) resolve()
  })
  while (sent < count) {
    while (isFull()) await new Promise<void>((resolve) => wake = resolve)
    open++
    if (!data.send(small(sent++))) await data.drained()
  }
  await promise
}

const roles: Record<string, (count: number) => Promise<object | void>> = {
  producer: (count) => sendAll(data, count, small),
  // Each of the consumers is sent a zero at the end of what they share.
  "producer-with-end": async (count) => {
    await sendAll(data, count, small)
    data.send(0)
  },
  bounded: (count) => acknowledged(count, 10),
  joinable: (count) => acknowledged(count, Infinity),
  record: (count) => sendAll(data, count, record),
  "bytes-64k": (count) => sendAll(data, count, block(2 ** 16)),
  "bytes-1m": (count) => sendAll(data, count, block(2 ** 20)),
  "bytes-64m": (count) => sendAll(data, count, block(2 ** 26)),
  consumer: () => {
    const { promise, resolve } = Promise.withResolvers<object>()
    let sum = 0
    listen((n: number) => {
      if (n === 0) resolve({ sum })
      sum += n
    })
    return promise
  },
  echo: (count) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    let left = count
    listen((n) => {
      data.send(n)
      if (--left === 0) resolve()
    })
    return promise
  },
  asker: (count) => ask(data, count, listen)
}
roles["echo-listening"] = roles["echo"]!

const blocks = new Map<number, Buffer>()
function block(size: number) {
  const message = blocks.get(size) ?? bytes(size)
  blocks.set(size, message)
  return () => message
}

process.on("message", (message: Command) => {
  if (!isControl(message)) return receive(decodeIpc(message))
  if (message.control === "report") control({ control: "report", sum: 0, cpu: cpuTime() })
  else if (message.control === "begin") {
    void roles[role]!(message.count).then((result) => {
      receive = wait
      control({ control: "done", sum: 0, cpu: 0, ...result })
    })
  }
})
process.on("disconnect", () => process.exit())
