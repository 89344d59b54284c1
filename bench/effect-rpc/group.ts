/** What a worker can be asked. */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { Transferable } from "effect/workers"
import { Rec } from "../ours/record.ts"

const Count = { count: Schema.Int }

export class Work extends RpcGroup.make(
  Rpc.make("echo", { payload: { n: Schema.Int }, success: Schema.Int }),
  /** Zero for no limit. */
  Rpc.make("numbers", { payload: { ...Count, maxsize: Schema.Int }, success: Schema.Int, stream: true }),
  Rpc.make("records", { payload: Count, success: Rec, stream: true }),
  /** Bytes that stay bytes; `Schema.Uint8Array` would make text of them. */
  Rpc.make("blocks", { payload: { ...Count, size: Schema.Int }, success: Transferable.Uint8Array, stream: true }),
  Rpc.make("square", { payload: { n: Schema.Int }, success: Schema.Int }),
  Rpc.make("band", { payload: { index: Schema.Int, of: Schema.Int }, success: Transferable.Uint8Array }),
  Rpc.make("echoBytes", { payload: { block: Transferable.Uint8Array }, success: Transferable.Uint8Array }),
  /** The number of the worker, which blocks for a moment. */
  Rpc.make("who", { success: Schema.Int }),
  Rpc.make("put", { payload: { n: Schema.Int } }),
  /** The sum of all that was put since the last report, and the processor time so far in microseconds. */
  Rpc.make("report", { success: Schema.Struct({ sum: Schema.Int, cpu: Schema.Int }) })
) {}
