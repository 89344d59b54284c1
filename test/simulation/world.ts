/**
 * Simulated processes with the real hub, the real clients and the real queues, on a simulated network.
 */
import { Clock, Context, Effect, Exit, type Fiber, Scheduler, Scope } from "effect"
import { Hub } from "../../src/Hub.ts"
import * as Inheritable from "../../src/Inheritable.ts"
import * as Service from "../../src/internal/hub/service.ts"
import type { Random } from "../support/random.ts"
import { Network, type Node } from "./network.ts"
import * as Rings from "./rings.ts"

const key = new Uint8Array(32).fill(7)

/** A simulated process: what it runs ends when it is killed, and what it does afterwards has no effect. */
export interface Process {
  readonly node: Node
  /** Runs a program in it. */
  readonly run: <A, E>(program: Effect.Effect<A, E, Hub | Scope.Scope>) => Fiber.Fiber<A, E>
  /** Called a moment after it was killed, as its parent would be told. */
  readonly onKilled: Array<() => void>
  /** Ends at this instant. */
  readonly kill: () => void
  /** Ends in order. */
  readonly exit: Effect.Effect<void>
}

export class World {
  readonly network: Network
  readonly random: Random
  readonly processes: Array<Process> = []
  /** `undefined`: nothing but sockets. */
  private readonly segments: Rings.Segments | undefined
  private readonly context: Context.Context<never>

  constructor(random: Random) {
    this.random = random
    this.network = new Network(random)
    this.segments = random.chance(0.5) ? new Map() : undefined
    this.context = Context.make(Clock.Clock, this.network.clock).pipe(
      Context.add(Scheduler.Scheduler, new Scheduler.MixedScheduler("async", microtask))
    )
  }

  /** Starts a process. */
  process(name: string): Process {
    const node = this.network.node(name)
    const scope = Scope.makeUnsafe()
    const transport = this.segments === undefined
      ? this.network.transport(node)
      : Rings.over(this.network, node, this.segments)
    const fibers = new Set<Fiber.Fiber<unknown, unknown>>()
    const hub = Effect.runSync(
      Effect.provideContext(Scope.provide(Service.make(transport, key), scope), this.context)
    )
    const onKilled: Array<() => void> = []
    const process: Process = {
      node,
      onKilled,
      run: (program) => {
        const fiber = Effect.runForkWith(this.context)(
          program.pipe(Effect.provideService(Hub, hub), Scope.provide(scope))
        )
        fibers.add(fiber)
        fiber.addObserver(() => fibers.delete(fiber))
        return fiber
      },
      kill: () => {
        if (!node.alive) return
        this.network.kill(node)
        // Not what happens to a killed process, but nobody can see it: it has no connections.
        for (const fiber of fibers) fiber.interruptUnsafe()
        this.network.schedule(1, () => {
          for (const tell of onKilled) tell()
        })
      },
      exit: Effect.suspend(() => Scope.close(scope, Exit.void))
    }
    this.processes.push(process)
    return process
  }

  /** Runs until nothing happens any more. */
  run(limit = 200_000): Promise<boolean> {
    return this.network.run(limit)
  }

  sleep(milliseconds: number): Effect.Effect<void> {
    return Effect.sleep(milliseconds)
  }
}

const microtask = (f: () => void) => {
  let cancelled = false
  queueMicrotask(() => {
    if (!cancelled) f()
  })
  return () => {
    cancelled = true
  }
}

/** What a child gets from its parent: by the same way, without a process in between. */
export const inherit = <Self, Shape>(
  tag: Inheritable.Inheritable<Self, Shape>,
  from: { readonly process: Process; readonly service: Shape },
  to: Process,
  then: (service: Shape) => Effect.Effect<unknown, unknown, Hub | Scope.Scope>
): void => {
  // The parent keeps the ticket alive until it is redeemed, or the child is dead.
  const transit = Scope.makeUnsafe()
  to.onKilled.push(() => from.process.run(Scope.close(transit, Exit.void)))
  from.process.run(Scope.provide(tag[Inheritable.TypeId].handOver(from.service), transit)).addObserver((exit) => {
    if (Exit.isFailure(exit)) return
    to.run(Effect.flatMap(tag[Inheritable.TypeId].receive(exit.value), then))
  })
}
