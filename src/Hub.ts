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
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { CurrentProcess } from "./CurrentProcess.ts"
import type { Closed, HubLost } from "./Failure.ts"
import type { Client } from "./internal/hub/client.ts"
import type { ObjectSpec } from "./internal/hub/objects.ts"
import type { Reference } from "./internal/hub/reference.ts"
import * as Service from "./internal/hub/service.ts"
import * as Guard from "./internal/process/guard.ts"
import * as Transport from "./internal/transport/local.ts"

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
  /** Address of the hub. Empty: the hub that the message comes from. */
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
  /** @internal Redeems a handle, which came by way of a client or not. The reference is closed with the scope. */
  readonly attach: (handle: Handle, via?: Client) => Effect.Effect<Reference, HubLost | Closed, Scope.Scope>
  /** @internal Where other processes reach this hub; it starts to listen. */
  readonly address: Effect.Effect<string, HubLost>
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

/**
 * How other processes reach a hub: read by {@link layer}. Nobody should need it.
 *
 * @category models
 * @since 0.1.0
 */
export interface TransportOptions {
  /** Rings in shared memory where they can be had, or nothing but sockets. Default: `"ring"`. */
  readonly transport?: "ring" | "socket" | undefined
  /** How long a busy process looks for more before it sleeps. Default: 200 microseconds. */
  readonly hotTime?: Duration.Input | undefined
  /** Bytes that each direction of a connection holds: a power of two. Less where memory to share is short. Default: 2 MiB. */
  readonly ringCapacity?: number | undefined
}

/**
 * See {@link TransportOptions}.
 *
 * @category references
 * @since 0.1.0
 */
export const TransportOptions: Context.Reference<TransportOptions> = Context.Reference<TransportOptions>(
  "effect-multiprocessing/Hub/TransportOptions",
  { defaultValue: () => ({}) }
)

/** A hub that is made when something is first asked of it: most processes share nothing. */
const makeLazily = <R>(
  make: Effect.Effect<HubService, never, R | Scope.Scope>
): Effect.Effect<HubService, never, R | Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const context = yield* Effect.context<R | Scope.Scope>()
    const hub = yield* Effect.cached(Effect.uninterruptible(Effect.provideContext(make, context)))
    return {
      scope,
      address: Effect.flatMap(hub, ({ address }) => address),
      create: (names, spec) => Effect.flatMap(hub, ({ create }) => create(names, spec)),
      attach: (handle, via) => Effect.flatMap(hub, ({ attach }) => attach(handle, via)),
      fork: Effect.flatMap(hub, ({ fork }) => fork)
    }
  })

/**
 * A hub inside this process. It and its objects end with the layer's scope.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Hub> = Layer.effect(Hub)(
  makeLazily(Effect.gen(function*() {
    const transport = yield* Transport.make(yield* Guard.CurrentGuard, yield* TransportOptions)
    const { authkey } = yield* CurrentProcess
    return yield* Service.make(transport, Redacted.value(authkey))
  }))
).pipe(Layer.provide(Guard.layer))
