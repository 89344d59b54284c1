/**
 * The hub of a process: a kernel of its own, served to others once they need it, and clients of the hubs of others.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as RcMap from "effect/RcMap"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { Closed, HubLost } from "../../Failure.ts"
import type { HubService } from "../../Hub.ts"
import { randomBytes } from "../crypto.ts"
import type { Transport } from "../transport/transport.ts"
import { type Adopt, gate } from "./attachments.ts"
import { Client } from "./client.ts"
import { dial } from "./dial.ts"
import { Kernel } from "./kernel.ts"
import * as Link from "./link.ts"
import * as Message from "./message.ts"
import type { Peer } from "./objects.ts"
import { Reference } from "./reference.ts"
import { serve } from "./server.ts"

const lateHandle = "can't be reached: the handle was used before, or whoever sent it has let go of it. " +
  "Keep an object open until its handle has arrived."

interface Core {
  readonly kernel: Kernel
  readonly letIn: (peer: Peer, message: Message.Message) => boolean
  readonly transport: Transport
  readonly key: Uint8Array
  /** Starts to listen, if it does not yet. */
  readonly advertise: Effect.Effect<string, HubLost>
  readonly isOwn: (address: string) => boolean
}

const makeCore = (transport: Transport, key: Uint8Array): Effect.Effect<Core, never, Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const kernel = new Kernel({ makeToken: () => randomBytes(16), transport })
    const clients = yield* makeClients(transport, key)
    const mutex = Semaphore.makeUnsafe(1)
    let address: string | undefined
    const isOwn = (other: string) => other === "" || other === address

    // One scope for each ticket of another hub: while it is open, this hub stays a client there.
    const adopt: Adopt = Effect.fnUntraced(function*({ hub, token }) {
      const holding = yield* Scope.make()
      const letGo = Scope.close(holding, Exit.void)
      yield* RcMap.get(clients, hub).pipe(
        Effect.tap((client) => Effect.addFinalizer(() => Effect.sync(() => client.revoke(token)))),
        Effect.flatMap((client) => client.adopt(token)),
        Scope.provide(holding),
        Effect.onError(() => letGo)
      )
      return () => {
        Effect.runFork(letGo)
      }
    })
    const letIn = gate(kernel, isOwn, adopt)
    // What a request of another process finds is also what others have put and not told of yet.
    const receive = (peer: Peer, message: Message.Message): boolean => {
      if (Message.looks(message.op)) transport.poll()
      return letIn(peer, message)
    }
    const listen = serve({ transport, kernel, receive, key }).pipe(
      Scope.provide(scope),
      Effect.mapError((error) => new HubLost({ hub: "of this process", reason: error.message })),
      Effect.tap((listening) =>
        Effect.sync(() => {
          address = listening
        })
      )
    )
    return {
      kernel,
      letIn,
      transport,
      key,
      advertise: Effect.suspend(() =>
        address !== undefined
          ? Effect.succeed(address)
          : mutex.withPermit(Effect.suspend(() => address !== undefined ? Effect.succeed(address) : listen))
      ),
      isOwn
    }
  })

/** The clients of other hubs, by address: one connection each, as long as something needs it. */
const makeClients = (
  transport: Transport,
  key: Uint8Array
): Effect.Effect<RcMap.RcMap<string, Client, HubLost>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const runFork = Effect.runForkWith(yield* Effect.context<never>())
    const clients: RcMap.RcMap<string, Client, HubLost> = yield* RcMap.make({
      lookup: (address: string) =>
        // Whoever comes next must dial again.
        dial({ transport, address, key, onLost: () => runFork(RcMap.invalidate(clients, address)) })
    })
    return clients
  })

const makeService = (core: Core): Effect.Effect<HubService, never, Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const scheduler = yield* Scheduler.Scheduler
    const dispatcher = scheduler.makeDispatcher()
    const link = Link.local({
      kernel: core.kernel,
      letIn: core.letIn,
      poll: core.transport.poll,
      // As a task of the scheduler, so that whoever waits until nothing more happens (a test clock) waits for this too.
      later: (task) => dispatcher.scheduleTask(task, 0)
    })
    const own = yield* Effect.acquireRelease(
      Effect.sync(() => new Client({ address: "", open: link.open })),
      (client) => Effect.sync(() => client.close())
    )
    // Whoever waits for what has just come need not wait for the scheduler too.
    yield* Effect.acquireRelease(
      Effect.sync(() => core.transport.onFound(link.deliver)),
      (end) => Effect.sync(end)
    )
    const clients = yield* makeClients(core.transport, core.key)
    const numbers = new Set<number>()
    const reference = (name: string, client: Client, ref: number, letGo: Effect.Effect<void> = Effect.void) =>
      new Reference({
        name,
        client,
        ref,
        letGo,
        numbers,
        keep: client === own ? Effect.void : Effect.asVoid(RcMap.get(clients, client.address)),
        advertise: client === own ? core.advertise : Effect.succeed(client.address)
      })

    return {
      address: core.advertise,
      scope,
      create: (names, spec) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            const refs = names.map(() => own.allocateRef())
            core.kernel.create(link.peer(), spec, refs)
            return refs.map((ref, i) => reference(names[i]!, own, ref))
          }),
          (references) => Effect.forEach(references, (reference) => reference.close, { discard: true })
        ),
      attach: Effect.fnUntraced(function*(handle, via) {
        const address = handle.hub === "" ? via?.address ?? "" : handle.hub
        // A scope for this one, so that nothing of it is left behind when it is closed before the others.
        const scope = yield* Effect.flatMap(Effect.scope, Scope.fork)
        const letGo = Scope.close(scope, Exit.void)
        const attach = Effect.gen(function*() {
          const client = core.isOwn(address) ? own : yield* RcMap.get(clients, address)
          const attached = reference(handle.name, client, client.allocateRef(), letGo)
          // Before the request, so that no interruption leaves a holder behind.
          yield* Effect.addFinalizer(() => Effect.sync(() => attached.detach()))
          yield* attached.request(Message.Request.Attach, {
            onReply: () => Effect.void,
            onRefusal: () => Effect.fail(new Closed({ object: handle.name, problem: lateHandle }))
          }, { bytes: handle.token })
          return attached
        })
        return yield* Effect.onError(Scope.provide(attach, scope), () => letGo)
      }),
      fork: Effect.suspend(() => makeService(core))
    }
  })

/** A hub that reaches others, and is reached, over a transport. */
export const make = (transport: Transport, key: Uint8Array): Effect.Effect<HubService, never, Scope.Scope> =>
  Effect.flatMap(makeCore(transport, key), makeService)
