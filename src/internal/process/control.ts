/**
 * What a parent and a child tell each other over the child's control channel: a socket pair on descriptor 3 that exists from the
 * first instruction on, belongs to these two alone, and ends when either of them does.
 *
 * A frame is a length of four bytes, a kind of one byte, and a body.
 */
import * as Schema from "effect/Schema"
import { ofSchema } from "../packing/ofSchema.ts"
import { packer } from "../packing/packer.ts"

/** Where a child finds its control channel. */
export const descriptor = 3

/** Kinds of frames. */
export const Kind = {
  /** Parent: what to run, as {@link Boot}. */
  Boot: 1,
  /** Parent: interrupt the target's fiber. */
  Interrupt: 2,
  /** Parent: what a spare is to be, `[module, target]` as JSON. Comes before all else. */
  Become: 3,
  /** Parent: nothing. When a spare has read it once, to read is quicker. */
  Rehearse: 4,
  /** Child: the module is imported and defines the target. */
  Imported: 16,
  /** Child: it is not, or does not; {@link ImportFailure} as JSON. */
  ImportFailed: 17,
  /** Child: the target's exit, encoded with its schemas. */
  Ended: 18,
  /** Spare: it has imported what it was told to, and waits. */
  Ready: 19,
  /** Spare: it begins to be what it was told to be. */
  Becoming: 20
} as const

const BootSchema = Schema.Struct({
  name: Schema.String,
  /** Place in the tree of processes, for default names. */
  identity: Schema.Array(Schema.Number),
  daemon: Schema.Boolean,
  authkey: Schema.Uint8Array,
  parent: Schema.Struct({ name: Schema.String, pid: Schema.Number }),
  payload: Schema.Uint8Array,
  /** The inherited services, in the order of the target's list. */
  inherited: Schema.Array(Schema.Uint8Array),
  span: Schema.UndefinedOr(Schema.Struct({ traceId: Schema.String, spanId: Schema.String, sampled: Schema.Boolean })),
  minimumLogLevel: Schema.Literals(["All", "Fatal", "Error", "Warn", "Info", "Debug", "Trace", "None"]),
  /** As JSON. */
  logAnnotations: Schema.String
})

/** What a child must know to run a target. */
export type Boot = typeof BootSchema.Type

const { pack, unpack } = packer(ofSchema(BootSchema.ast)!)

/** The body of {@link Kind.Boot}. Nothing is checked: it is plain data, from this library to itself. */
export const encodeBoot: (boot: Boot) => Uint8Array = pack

/** Throws if it is none. */
export const decodeBoot = (bytes: Uint8Array): Boot => unpack(bytes) as Boot

/** What a child's entry reports when it can't run the target. */
export const ImportFailure = Schema.Struct({
  reason: Schema.Literals(["ModuleNotFound", "ModuleFailed", "TargetNotFound", "TargetAmbiguous"]),
  name: Schema.String,
  message: Schema.String,
  stack: Schema.String
})

const none = new Uint8Array(0)

/** A kind and its body: what a thread posts. */
export const message = (kind: number, body: Uint8Array = none): Uint8Array => {
  const bytes = new Uint8Array(1 + body.length)
  bytes[0] = kind
  bytes.set(body, 1)
  return bytes
}

/** The same as a frame: what a process writes. */
export const frame = (kind: number, body: Uint8Array = none): Buffer => {
  const bytes = Buffer.allocUnsafe(5 + body.length)
  bytes.writeUInt32BE(1 + body.length, 0)
  bytes[4] = kind
  bytes.set(body, 5)
  return bytes
}
