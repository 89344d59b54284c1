/**
 * Unix domain sockets (a named pipe on Windows).
 *
 * The socket lies in a directory of its own that only this user can enter. The directory is removed when the scope closes,
 * and by the guard when this process dies first.
 */
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import type * as Net from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import { randomBytes } from "../crypto.ts"
import type { Guard } from "../process/guard.ts"
import { messageGarbage } from "./messageGarbage.ts"
import { copied, type Duplex, type DuplexEvents, type Transport, TransportError } from "./transport.ts"

/** Loaded when it is first needed: a child that talks to no hub starts some milliseconds sooner. */
const net = () => process.getBuiltinModule("node:net")

/** The kernel's limit for the path of a socket, with its final zero: 104 on macOS, 108 on Linux. */
const maxPathLength = 103

/**
 * How many connections are accepted in so many milliseconds. What comes beyond that is hung up on at once, which costs little: a storm
 * of strangers leaves the hub most of its time. A friend comes again.
 */
const acceptance = { connections: 20, milliseconds: 10 }

const limitAcceptance = (server: Net.Server): void => {
  let accepted = 0
  const open = () => {
    accepted = 0
    server.maxConnections = Infinity
  }
  server.on("connection", () => {
    accepted++
    if (accepted === 1) setTimeout(open, acceptance.milliseconds).unref()
    else if (accepted === acceptance.connections) server.maxConnections = 0
  })
}

/** Gives a socket an owner. */
const own = (socket: Net.Socket, onConnection: (duplex: Duplex) => DuplexEvents): Duplex => {
  let waiting: Array<() => void> = []
  const onWritten = () => {
    if (waiting.length === 0 || socket.writableLength > 0) return
    const callbacks = waiting
    waiting = []
    for (const callback of callbacks) callback()
  }
  const duplex: Duplex = {
    write: (bytes, length, lent) => {
      // Node keeps what the socket does not take at once, and does not tell when it has taken a part.
      socket.write(copied(bytes, length, lent), onWritten)
    },
    owesBell: () => false,
    ring: () => {},
    own: () => {},
    authenticated: (_, rest) => {
      if (rest.length > 0) events.onData(rest)
    },
    whenFlushed: (callback) => {
      if (socket.writableLength === 0) callback()
      else waiting.push(callback)
    },
    hasRoom: () => undefined,
    words: () => undefined,
    open: () => undefined,
    end: () => socket.end(),
    destroy: () => socket.destroy()
  }
  const events = onConnection(duplex)
  let reason = "the other side closed the connection"
  socket.on("data", events.onData)
  socket.on("error", (error) => {
    reason = error.message
  })
  socket.on("end", () => socket.destroy())
  socket.on("close", () => events.onClose(reason))
  return duplex
}

const makeDirectory = Effect.try({
  try: () => {
    const prefix = "effect-mp-"
    // mkdtemp gives mode 0700.
    const roots = [os.tmpdir(), "/tmp"]
    const root = roots.find((root) => path.join(root, `${prefix}123456`, "hub").length <= maxPathLength)
    if (root === undefined) throw new Error(`the temporary directory ${os.tmpdir()} has too long a name for a socket`)
    return fs.mkdtempSync(path.join(root, prefix))
  },
  catch: (error) => new TransportError(`no directory for the hub's socket: ${(error as Error).message}`)
})

const makeAddress = (guard: Guard) =>
  process.platform === "win32"
    ? Effect.sync(() => `\\\\.\\pipe\\effect-mp-${randomBytes(16).toString("hex")}`)
    : Effect.acquireRelease(
      Effect.tap(makeDirectory, (directory) => guard.watchDirectory(directory)),
      (directory) =>
        Effect.andThen(
          Effect.sync(() => fs.rmSync(directory, { recursive: true, force: true })),
          guard.unwatchDirectory(directory)
        )
    ).pipe(Effect.map((directory) => path.join(directory, "hub")))

/** A transport whose directories outlive this process by a moment at most. */
export const make = (guard: Guard): Transport => ({
  cameIn: messageGarbage(),
  allocate: Buffer.allocUnsafeSlow,
  poll: () => {},
  onFound: () => () => {},
  expectAfter: Infinity,
  watch: () => {},
  unwatch: () => {},
  share: () => undefined,
  listen: Effect.fnUntraced(function*(onConnection) {
    const address = yield* makeAddress(guard)
    const sockets = new Set<Net.Socket>()
    const server = net().createServer((socket) => {
      sockets.add(socket)
      socket.on("close", () => sockets.delete(socket))
      own(socket, onConnection)
    })
    limitAcceptance(server)
    yield* Effect.addFinalizer(() =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        for (const socket of sockets) socket.destroy()
      })
    )
    yield* Effect.callback<void, TransportError>((resume) => {
      server.once("error", (error) => resume(Effect.fail(new TransportError(`the hub can't listen: ${error.message}`))))
      server.listen(address, () => resume(Effect.void))
    })
    // An accept that fails (no descriptor left) concerns the one who connects.
    server.on("error", () => {})
    // A hub that nobody uses must not keep its process alive.
    server.unref()
    return address
  }),
  connect: (address, events) =>
    Effect.callback<Duplex, TransportError>((resume) => {
      const socket = net().connect(address)
      const onError = (error: NodeJS.ErrnoException) =>
        resume(Effect.fail(
          // EAGAIN: the queue of connections that wait to be accepted is full.
          new TransportError(`can't connect to the hub: ${error.message}`, { passing: error.code === "EAGAIN" })
        ))
      socket.once("error", onError)
      socket.once("connect", () => {
        socket.removeListener("error", onError)
        resume(Effect.succeed(own(socket, events)))
      })
      return Effect.sync(() => socket.destroy())
    })
})
