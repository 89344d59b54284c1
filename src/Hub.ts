/**
 * Where shared objects live.
 *
 * A queue or a pipe belongs to the hub of the process that created it: a small server inside that process. Other processes
 * reach it through the handles they inherit. Nothing is started before an object is handed to another process, so
 * that a hub costs nothing where it is not needed.
 *
 * Each object is a state machine that handles one message at a time, so that no process can leave it half changed, and no
 * lock is left held by a process that was killed. When the process that owns the hub ends, every pending and later
 * operation of other processes on its objects fails with `HubLost`; nothing hangs.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as RcMap from "effect/RcMap"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { randomBytes } from "node:crypto"
import { CurrentProcess } from "./CurrentProcess.ts"
import { Closed, HubLost } from "./Failure.ts"
import { type Adopt, gate } from "./internal/hub/attachments.ts"
import { Client } from "./internal/hub/client.ts"
import { dial } from "./internal/hub/dial.ts"
import { Kernel, type ObjectSpec, type Peer } from "./internal/hub/kernel.ts"
import * as Link from "./internal/hub/link.ts"
import * as Message from "./internal/hub/message.ts"
import { Reference } from "./internal/hub/reference.ts"
import { serve } from "./internal/hub/server.ts"
import * as Guard from "./internal/process/guard.ts"
import * as Socket from "./internal/transport/socket.ts"
import type { Transport } from "./internal/transport/transport.ts"

/**
 * A shared object on its way to another process: the hub that owns it, and a ticket that makes one holder.
 *
 * @category models
 * @since 0.1.0
 */
export interface Handle extends Schema.Schema.Type<typeof Handle> {}

/**
 * Schema of a {@link Handle}.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Handle = Schema.Struct({
  /** Address of the hub. */
  hub: Schema.String,
  /** 16 random bytes, good for one use. */
  token: Schema.Uint8Array,
  /** Name of the object, for messages. */
  name: Schema.String
})

/**
 * What a hub can do. Users need none of it: queues and pipes are made of it.
 *
 * @category models
 * @since 0.1.0
 */
export interface HubService {
  /** @internal Makes an object, and gives a reference to each of its sides. They are closed with the scope. */
  readonly create: (
    name: ReadonlyArray<string>,
    spec: ObjectSpec
  ) => Effect.Effect<ReadonlyArray<Reference>, never, Scope.Scope>
  /** @internal Redeems a handle. The reference is closed with the scope. */
  readonly attach: (handle: Handle) => Effect.Effect<Reference, HubLost | Closed, Scope.Scope>
  /** @internal Objects that arrive in messages are let go when it closes, or when they are closed. */
  readonly scope: Scope.Scope
  /** @internal A hub for a process that lives inside of this one: the same objects, other holders. */
  readonly fork: Effect.Effect<HubService, never, Scope.Scope>
}

/**
 * Where shared objects live: a service that `Queue.layer`, `Pipe.layer` and the like need.
 *
 * @category services
 * @since 0.1.0
 */
export class Hub extends Context.Service<Hub, HubService>()("effect-multiprocessing/Hub") {}

interface Core {
  readonly kernel: Kernel
  readonly receive: (peer: Peer, message: Message.Message) => boolean
  readonly transport: Transport
  readonly key: Uint8Array
  /** Starts to listen, if it does not yet. */
  readonly advertise: Effect.Effect<string, HubLost>
  readonly isAddress: (address: string) => boolean
}

const makeCore = (transport: Transport, key: Uint8Array): Effect.Effect<Core, never, Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const kernel = new Kernel({ makeToken: () => randomBytes(16) })
    const clients = yield* makeClients(transport, key)
    const mutex = Semaphore.makeUnsafe(1)
    let address: string | undefined
    const isAddress = (other: string) => other === address

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
    const receive = gate(kernel, isAddress, adopt)
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
      receive,
      transport,
      key,
      advertise: Effect.suspend(() =>
        address !== undefined
          ? Effect.succeed(address)
          : mutex.withPermit(Effect.suspend(() => address !== undefined ? Effect.succeed(address) : listen))
      ),
      isAddress
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
    const link = Link.local(core.kernel, core.receive)
    const own = yield* Effect.acquireRelease(
      Effect.sync(() => new Client({ address: "", open: link.open })),
      (client) => Effect.sync(() => client.close())
    )
    const clients = yield* makeClients(core.transport, core.key)
    const numbers = new Set<number>()
    const reference = (name: string, client: Client, ref: number) =>
      new Reference({
        name,
        client,
        ref,
        numbers,
        advertise: client === own ? core.advertise : Effect.succeed(client.address)
      })

    return {
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
      attach: Effect.fnUntraced(function*(handle) {
        const client = core.isAddress(handle.hub) ? own : yield* RcMap.get(clients, handle.hub)
        const attached = reference(handle.name, client, client.allocateRef())
        // Before the request, so that no interruption leaves a holder behind.
        yield* Effect.addFinalizer(() => attached.close)
        yield* attached.request(Message.Request.Attach, {
          onReply: () => Effect.void,
          onRefusal: () => Effect.fail(new Closed({ object: handle.name }))
        }, { bytes: handle.token })
        return attached
      }),
      fork: Effect.suspend(() => makeService(core))
    }
  })

/**
 * A hub inside this process. It and its objects end with the layer's scope.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Hub> = Layer.effect(Hub)(
  Effect.gen(function*() {
    const guard = yield* Guard.CurrentGuard
    const { authkey } = yield* CurrentProcess
    return yield* makeService(yield* makeCore(Socket.make(guard), Redacted.value(authkey)))
  })
).pipe(Layer.provide(Guard.layer))
