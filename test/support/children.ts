/** The frame of a test that starts processes which inherit queues and pipes. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Mp from "../../src/index.ts"
import { within } from "./waiting.ts"

type Processes = Mp.Hub.Hub | Mp.Spawner.Spawner

/** The body of a test with these objects. Its scope closes first, and with it its processes; then the objects. */
export const withChildren =
  <R>(objects: Layer.Layer<R, never, Mp.Hub.Hub>) =>
  <A, E>(body: Effect.Effect<A, E, R | Processes | Scope.Scope>) =>
  (): Effect.Effect<A, E> =>
    body.pipe(
      Effect.scoped,
      Effect.provide(objects.pipe(Layer.provideMerge(Mp.layer))),
      within("25 seconds", "the end of the test")
    ) as Effect.Effect<A, E>
