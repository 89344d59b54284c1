/**
 * Two processes as far as queues and pipes can tell, in one: each object of a test has a holder on the near and one on the far side. What lies
 * between them is a layer, so that one suite runs over all of them.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Mp from "../../src/index.ts"

type HubService = Mp.Hub.Hub["Service"]

export interface SidesService {
  readonly near: HubService
  readonly far: HubService
  /** The side that makes the objects of a test, and so owns them. */
  readonly owner: "near" | "far"
}

export class Sides extends Context.Service<Sides, SidesService>()("test/Sides") {}

type Shared<Self, Shape> = Mp.Inheritable.Inheritable<Self, Shape> & {
  readonly layer: Layer.Layer<Self, never, Mp.Hub.Hub>
}

/** Makes a side a holder of what another side holds. */
export const give = <Self, Shape>(
  tag: Mp.Inheritable.Inheritable<Self, Shape>,
  service: Shape,
  to: HubService
): Effect.Effect<Shape, never, Scope.Scope> =>
  Effect.orDie(Effect.flatMap(
    tag[Mp.Inheritable.TypeId].handOver(service),
    (bytes) => Effect.provideService(tag[Mp.Inheritable.TypeId].receive(bytes), Mp.Hub.Hub, to)
  ))

const make = <I>(layer: Layer.Layer<I, never, Mp.Hub.Hub>, hub: HubService) =>
  Layer.build(Layer.provide(Layer.fresh(layer), Layer.succeed(Mp.Hub.Hub)(hub)))

/** An object that both sides hold. */
export const shared = <Self, Shape>(
  tag: Shared<Self, Shape>
): Effect.Effect<readonly [near: Shape, far: Shape], never, Sides | Scope.Scope> =>
  Effect.gen(function*() {
    const { far, near, owner } = yield* Sides
    const made = Context.get(yield* make(tag.layer, owner === "near" ? near : far), tag)
    const given = yield* give(tag, made, owner === "near" ? far : near)
    return owner === "near" ? [made, given] : [given, made]
  })

/** A pipe whose left end the near side holds, and whose right end the far side holds, and nobody else. */
export const sharedPipe = <Self, Id extends string, L extends Mp.Connection.End, R extends Mp.Connection.End>(
  pipe: Mp.Pipe.PipeClass<Self, Id, L, R>
): Effect.Effect<readonly [left: L, right: R], never, Sides | Scope.Scope> =>
  Effect.gen(function*() {
    const { far, near, owner } = yield* Sides
    const ends = yield* make(pipe.layer, owner === "near" ? near : far)
    const left = Context.get(ends, pipe.left)
    const right = Context.get(ends, pipe.right)
    if (owner === "near") {
      const given = yield* give(pipe.right, right, far)
      yield* right.close
      return [left, given]
    }
    const given = yield* give(pipe.left, left, near)
    yield* left.close
    return [given, right]
  })

const hubOver = (transport: "ring" | "socket"): Effect.Effect<HubService, never, Scope.Scope> =>
  Effect.map(
    Layer.build(Layer.fresh(Mp.Hub.layer)).pipe(Effect.provideService(Mp.Hub.TransportOptions, { transport })),
    (context) => Context.get(context, Mp.Hub.Hub)
  )

/** A hub of its own, as each process has one. */
export const freshHub = hubOver("ring")

const between = (
  far: (near: HubService) => Effect.Effect<HubService, never, Scope.Scope>,
  owner: "near" | "far",
  nearHub = freshHub
): Layer.Layer<Sides> =>
  Layer.effect(Sides)(Effect.gen(function*() {
    const near = yield* nearHub
    return { near, far: yield* far(near), owner }
  }))

/** What may lie between two processes. */
export const layers: ReadonlyArray<readonly [name: string, layer: Layer.Layer<Sides>]> = [
  ["two holders at one hub", between((near) => near.fork, "near")],
  ["a ring, the near side owns the object", between(() => freshHub, "near")],
  ["a ring, the far side owns the object", between(() => freshHub, "far")],
  ["a socket, the near side owns the object", between(() => hubOver("socket"), "near", hubOver("socket"))],
  ["a socket, the far side owns the object", between(() => hubOver("socket"), "far", hubOver("socket"))]
]
