/**
 * What a pool and its workers tell each other: tasks on one pipe, all else on another one.
 *
 * A frame is a kind, a number of four bytes (of the task, or of the target), and a body.
 */
import type { SpawnErrorReason } from "../../Failure.ts"
import type { FrameMemory } from "./frameMemory.ts"

export const Kind = {
  /** Pool, on the pipe of tasks: a payload. */
  Run: 1,
  /** Pool, on the pipe of tasks: a series of payloads, encoded as an array. */
  RunAll: 2,
  /** Pool: where a target is found, and what it inherits. Comes once, before or after its first task. */
  Load: 3,
  /** Pool: the task need not go on. */
  Interrupt: 4,
  /** Pool: the target can't be loaded; why, as JSON. */
  CantLoad: 5,
  /** Worker: its layer is built. */
  Ready: 16,
  /** Worker: the value, or the array of values of a series. */
  Success: 17,
  /** Worker: the exit of a task that gave no value. */
  Failure: 18,
  /** Worker: the same of one in a series, and the values before it: the length of their array, the array, the exit. */
  FailureAfter: 19,
  /** Worker: the target can't be found; why, as JSON. */
  NotLoaded: 20,
  /** Worker: its resident memory, in the number, in KiB. */
  Memory: 21
} as const

export interface Frame {
  readonly kind: number
  readonly number: number
  readonly body: Uint8Array
}

export interface Task {
  readonly isSeries: boolean
  readonly id: number
  /** The number of the target. */
  readonly target: number
  /** Of the tasks whose values nobody sees before all are there; 0: none. */
  readonly batch: number
  readonly span: Span | undefined
  readonly payload: Uint8Array
}

/** The span that a task belongs to. */
export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly sampled: boolean
}

/** Why a target can't be run in a worker. */
export interface NotLoaded {
  readonly reason: SpawnErrorReason
  readonly message: string
  readonly stack: string
}

export const headerSize = 5
const none = new Uint8Array(0)
const encoder = new TextEncoder()
const decoder = new TextDecoder()

const readNumber = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24) >>> 0

const writeNumber = (bytes: Uint8Array, at: number, number: number): void => {
  bytes[at] = number
  bytes[at + 1] = number >>> 8
  bytes[at + 2] = number >>> 16
  bytes[at + 3] = number >>> 24
}

export const frame = (kind: number, number: number, body: Uint8Array = none): Frame => ({ kind, number, body })

/** What comes before the body. */
export const writeHeader = ({ kind, number }: Frame, bytes: Uint8Array): void => {
  bytes[0] = kind
  writeNumber(bytes, 1, number)
}

export const toBytes = (frame: Frame): Uint8Array => {
  const bytes = new Uint8Array(headerSize + frame.body.length)
  writeHeader(frame, bytes)
  bytes.set(frame.body, headerSize)
  return bytes
}

export const parse = (bytes: Uint8Array): Frame => ({
  kind: bytes[0]!,
  number: readNumber(bytes, 1),
  body: bytes.subarray(headerSize)
})

const batchAt = headerSize + 4
const spanLengthAt = batchAt + 4
const spanAt = spanLengthAt + 2

export const task = ({ batch, id, isSeries, payload, span, target }: Task, memory: FrameMemory): Uint8Array => {
  const spanBytes = span === undefined ? none : encoder.encode(JSON.stringify(span))
  const bytes = memory.take(spanAt + spanBytes.length + payload.length)
  bytes[0] = isSeries ? Kind.RunAll : Kind.Run
  writeNumber(bytes, 1, id)
  writeNumber(bytes, headerSize, target)
  writeNumber(bytes, batchAt, batch)
  bytes[spanLengthAt] = spanBytes.length
  bytes[spanLengthAt + 1] = spanBytes.length >>> 8
  bytes.set(spanBytes, spanAt)
  bytes.set(payload, spanAt + spanBytes.length)
  return bytes
}

/** The number of a task, whatever else it is. */
export const taskId = (bytes: Uint8Array): number => readNumber(bytes, 1)

export const parseTask = (bytes: Uint8Array): Task => {
  const spanLength = bytes[spanLengthAt]! | bytes[spanLengthAt + 1]! << 8
  const payloadAt = spanAt + spanLength
  return {
    isSeries: bytes[0] === Kind.RunAll,
    id: readNumber(bytes, 1),
    target: readNumber(bytes, headerSize),
    batch: readNumber(bytes, batchAt),
    span: spanLength === 0 ? undefined : JSON.parse(decoder.decode(bytes.subarray(spanAt, payloadAt))),
    payload: bytes.subarray(payloadAt)
  }
}

export const failureAfter = (id: number, values: Uint8Array, exit: Uint8Array): Frame => {
  const body = new Uint8Array(4 + values.length + exit.length)
  writeNumber(body, 0, values.length)
  body.set(values, 4)
  body.set(exit, 4 + values.length)
  return frame(Kind.FailureAfter, id, body)
}

export const parseFailureAfter = (body: Uint8Array): { readonly values: Uint8Array; readonly exit: Uint8Array } => {
  const end = 4 + readNumber(body, 0)
  return { values: body.subarray(4, end), exit: body.subarray(end) }
}

/** Anything that JSON can hold. */
export const json = (kind: number, number: number, value: unknown): Frame =>
  frame(kind, number, encoder.encode(JSON.stringify(value)))

export const parseJson = (body: Uint8Array): any => JSON.parse(decoder.decode(body))

/** What is said instead of {@link load} if an inherited object can't be handed over. */
export const cantLoad = (number: number, error: Error): Frame =>
  json(Kind.CantLoad, number, notLoaded("HandOverFailed", error))

/** Why a target can't be run, from what was thrown. */
export const notLoaded = (reason: NotLoaded["reason"], error: unknown): NotLoaded => ({
  reason,
  message: error instanceof Error ? error.message : String(error),
  stack: error instanceof Error ? error.stack ?? "" : ""
})

/** Where a target is found, and what it inherits. */
export interface Load {
  readonly module: string
  readonly name: string
  readonly inherited: ReadonlyArray<Uint8Array>
}

export const load = (number: number, { inherited, module, name }: Load): Frame =>
  json(Kind.Load, number, { module, name, inherited: inherited.map((bytes) => Buffer.from(bytes).toString("base64")) })

export const parseLoad = (body: Uint8Array): Load => {
  const { inherited, module, name } = parseJson(body)
  return { module, name, inherited: inherited.map((text: string) => new Uint8Array(Buffer.from(text, "base64"))) }
}
