/** The schema of a record. */
import { Schema } from "effect"

export const Rec = Schema.Struct({
  id: Schema.Int,
  name: Schema.String,
  price: Schema.Number,
  active: Schema.Boolean,
  points: Schema.Array(Schema.Array(Schema.Int))
})
