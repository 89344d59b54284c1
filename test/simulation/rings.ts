/**
 * The real rings over a simulated network: memory that simulated processes share, and looks at it at random times.
 */
import * as Effect from "effect/Effect"
import type { Pollable } from "../../src/internal/transport/poller.ts"
import * as Ring from "../../src/internal/transport/ringTransport.ts"
import type { Duplex, Transport } from "../../src/internal/transport/transport.ts"
import type { Network, Node } from "./network.ts"

/** As much as a simulated socket takes. */
const capacity = 16 * 1024

/** The segments of a world that still have a name. */
export type Segments = Map<string, ArrayBuffer>

const poller = (network: Network, node: Node) => {
  const hot = new Set<Pollable>()
  const all = new Set<Pollable>()
  const listeners = new Set<() => void>()
  const soon = (pollable: Pollable, then: () => void) => {
    network.schedule(network.random.next(), () => {
      if (node.alive && hot.has(pollable)) then()
    })
  }
  const look = (pollable: Pollable): void =>
    soon(pollable, () => {
      node.onArrival?.()
      const found = pollable.poll()
      // What was found may be told now, or as late as everything else.
      if (found && network.random.chance(0.5)) { for (const listener of listeners) listener() }
      node.onArrival?.()
      if (found || network.random.chance(0.5)) return look(pollable)
      // Others may write between the last look and the sleep.
      soon(pollable, () => {
        if (pollable.sleep()) hot.delete(pollable)
        else look(pollable)
      })
    })
  return {
    wake: (pollable: Pollable) => {
      all.add(pollable)
      if (hot.has(pollable)) return
      hot.add(pollable)
      look(pollable)
    },
    forget: (pollable: Pollable) => {
      hot.delete(pollable)
      all.delete(pollable)
    },
    onFound: (listener: () => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    pollAll: () => {
      if (node.alive) { for (const pollable of all) pollable.poll() }
    }
  }
}

/** What a dead process does to shared memory has no effect. */
const ofTheLiving = (node: Node, duplex: Duplex): Duplex => ({
  write: (bytes, length, lent, quiet) => {
    if (node.alive) duplex.write(bytes, length, lent, quiet)
  },
  owesBell: () => node.alive && duplex.owesBell(),
  ring: () => {
    if (node.alive) duplex.ring()
  },
  own: () => duplex.own(),
  words: () => node.alive ? duplex.words() : undefined,
  open: (name, size) => node.alive ? duplex.open(name, size) : undefined,
  authenticated: (side, rest) => duplex.authenticated(side, rest),
  whenFlushed: (callback) => duplex.whenFlushed(callback),
  hasRoom: () => duplex.hasRoom(),
  end: () => duplex.end(),
  destroy: () => duplex.destroy()
})

/** The transport of a process of a world with rings. */
export const over = (network: Network, node: Node, segments: Segments): Transport => {
  const rings = overDead(network, node, segments)
  return {
    poll: rings.poll,
    onFound: rings.onFound,
    cameIn: rings.cameIn,
    expectAfter: rings.expectAfter,
    watch: rings.watch,
    unwatch: rings.unwatch,
    allocate: rings.allocate,
    share: rings.share,
    listen: (onConnection) => rings.listen((duplex) => onConnection(ofTheLiving(node, duplex))),
    connect: (address, events) =>
      Effect.map(
        rings.connect(address, (duplex) => events(ofTheLiving(node, duplex))),
        (duplex) => ofTheLiving(node, duplex)
      )
  }
}

/** Now and then, one can't open a segment. */
const overDead = (network: Network, node: Node, segments: Segments): Transport =>
  Ring.over(network.transport(node), {
    capacity,
    expectAfter: network.random.int(4),
    poller: poller(network, node),
    shared: {
      isAvailable: () => !network.random.chance(0.05),
      yieldProcessor: () => {},
      allocateLong: (size, allocate) => allocate(size),
      create: (size) => {
        if (network.random.chance(0.05)) return undefined
        const name = `segment ${network.steps} of ${node.name} ${segments.size}`
        const memory = new ArrayBuffer(size)
        segments.set(name, memory)
        return { name, memory, release: () => {}, unlink: () => segments.delete(name) }
      },
      open: (name) => {
        const memory = segments.get(name)
        return memory === undefined || network.random.chance(0.05) ? undefined : { memory, release: () => {} }
      }
    }
  })
