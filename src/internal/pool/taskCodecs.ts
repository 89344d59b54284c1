/**
 * How the payloads and the outcomes of a target travel, the same for the pool and for its workers.
 */
import * as Schema from "effect/Schema"
import type { Hub } from "../../Hub.ts"
import type { Definition } from "../../Target.ts"
import * as Codec from "../codec.ts"
import * as Outcome from "../process/outcome.ts"

export interface TaskCodecs {
  readonly definition: Definition
  readonly payload: Codec.Codec<unknown>
  readonly payloads: Codec.Codec<ReadonlyArray<unknown>>
  readonly success: Codec.Codec<unknown>
  readonly successes: Codec.Codec<ReadonlyArray<unknown>>
  readonly outcome: Outcome.Codec
}

export const make = (definition: Definition, hub: Hub["Service"]): TaskCodecs => {
  const { name, payload, success } = definition
  return {
    definition,
    payload: Codec.make(payload, name, hub),
    payloads: Codec.make(Schema.Array(payload), name, hub),
    success: Codec.make(success, name, hub),
    successes: Codec.make(Schema.Array(success), name, hub),
    outcome: Outcome.make(definition)
  }
}
