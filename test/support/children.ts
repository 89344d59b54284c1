/** The frame of a test that starts processes which inherit queues and pipes. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Mp from "../../src/index.ts"
import { within } from "./waiting.ts"

type Processes = Mp.Hub.Hub | Mp.Spawner.Spawner

/** The body of a test with these objects. Its scope closes first, and with it its processes; then the objects. */
export const withChildrenOf =
  (spawner: Layer.Layer<Processes>) =>
  <R>(objects: Layer.Layer<R, never, Mp.Hub.Hub>) =>
  <A, E>(body: Effect.Effect<A, E, R | Processes | Scope.Scope>) =>
  (): Effect.Effect<A, E> =>
    body.pipe(
      Effect.scoped,
      Effect.provide(objects.pipe(Layer.provideMerge(spawner))),
      within("50 seconds", "the end of the test")
    ) as Effect.Effect<A, E>

/** The same over fresh processes. */
export const withChildren = withChildrenOf(Mp.layer)
