/**
 * The piped standard streams of a child, as Effect's.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import type { Readable, Writable } from "node:stream"
import { BrokenPipe } from "../../Failure.ts"
import type { Spawned } from "../../Spawner.ts"

// Few processes are piped, so what makes streams of Node's ones is loaded when it is needed.
const nodeStream = Effect.promise(() => import("@effect/platform-node/NodeStream"))
const nodeSink = Effect.promise(() => import("@effect/platform-node/NodeSink"))

/** As long as somebody listens, Node does not throw away, when the child exits, what nobody has read yet. */
const keep = () => {}

const readable = (stream: Readable | null): Spawned["stdout"] => {
  stream?.on("readable", keep)
  return Option.map(
    Option.fromNullOr(stream),
    (stream) =>
      Stream.unwrap(Effect.map(nodeStream, (NodeStream) =>
        NodeStream.fromReadable<Uint8Array, never>({
          evaluate: () => stream,
          // A pipe that breaks, or was read before, is at its end.
          onError: () => Cause.Done() as never
        })))
  )
}

const writable = (stream: Writable | null): Spawned["stdin"] =>
  Option.map(
    Option.fromNullOr(stream),
    (stream) =>
      Sink.unwrap(Effect.map(nodeSink, (NodeSink) =>
        NodeSink.fromWritable({
          evaluate: () => stream,
          onError: () => new BrokenPipe({ connection: "stdin of a process" })
        })))
  )

/** What of a {@link Spawned} concerns its standard streams; null is what is not piped. */
export const streams = (child: {
  readonly stdin: Writable | null
  readonly stdout: Readable | null
  readonly stderr: Readable | null
}): Pick<Spawned, "stdin" | "stdout" | "stderr" | "drain"> => ({
  stdin: writable(child.stdin),
  stdout: readable(child.stdout),
  stderr: readable(child.stderr),
  drain: Effect.sync(() => {
    child.stdin?.end()
    child.stdout?.off("readable", keep).resume()
    child.stderr?.off("readable", keep).resume()
  })
})
