/**
 * What a worker of a pool is: a target whose payload tells it where its tasks come from.
 */
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Connection from "../../Connection.ts"
import type * as Inheritable from "../../Inheritable.ts"
import * as Target from "../../Target.ts"
import type * as Codec from "../codec.ts"
import { serve } from "./worker.ts"

const Mission = Schema.Struct({
  tasks: Connection.handle({ receive: Schema.Uint8Array }),
  control: Connection.handle({ send: Schema.Uint8Array, receive: Schema.Uint8Array }),
  heapReport: Schema.String,
  watchMemory: Schema.Boolean
})

/** The target of a worker. */
export type WorkerTarget = Target.Target<typeof Mission.Type, void, any, any>

export const define = (
  name: string,
  options: {
    readonly module: string | URL
    readonly error?: Codec.Portable | undefined
    readonly inherits?: ReadonlyArray<Inheritable.Any> | undefined
  },
  layer: Layer.Layer<never, any, any>
): WorkerTarget =>
  Target.make(
    name,
    {
      module: options.module,
      payload: Mission,
      error: options.error ?? Schema.Never,
      inherits: options.inherits ?? []
    },
    (mission) => serve(mission as any, layer) as any
  )

/** A worker that has nothing but what its tasks bring. */
export const plain: WorkerTarget = define("worker", { module: import.meta.url }, Layer.empty)
