/**
 * The real rings over a simulated network: memory that simulated processes share, and looks at it at random times.
 */
import type { Pollable } from "../../src/internal/transport/poller.ts"
import * as Ring from "../../src/internal/transport/ringTransport.ts"
import type { Transport } from "../../src/internal/transport/transport.ts"
import type { Network, Node } from "./network.ts"

/** As much as a simulated socket takes. */
const capacity = 16 * 1024

/** The segments of a world that still have a name. */
export type Segments = Map<string, ArrayBuffer>

const poller = (network: Network, node: Node) => {
  const hot = new Set<Pollable>()
  const all = new Set<Pollable>()
  const soon = (pollable: Pollable, then: () => void) => {
    network.schedule(network.random.next(), () => {
      if (node.alive && hot.has(pollable)) then()
    })
  }
  const look = (pollable: Pollable): void =>
    soon(pollable, () => {
      node.onArrival?.()
      const found = pollable.poll()
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
    pollAll: () => {
      if (node.alive) { for (const pollable of all) pollable.poll() }
    }
  }
}

/** The transport of a process of a world with rings. Now and then, one can't open a segment. */
export const over = (network: Network, node: Node, segments: Segments): Transport =>
  Ring.over(network.transport(node), {
    capacity,
    poller: poller(network, node),
    shared: {
      isAvailable: () => !network.random.chance(0.05),
      yieldProcessor: () => {},
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
