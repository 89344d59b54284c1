/**
 * A picture of the Mandelbrot set, painted in bands by as many processes as there are processors, and then by one alone.
 *
 *     node examples/mandelbrot/main.ts [path of the picture]
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Duration, Effect, FileSystem, Layer, Path, Runtime, Schema, Stdio } from "effect"
import * as Mp from "effect-multiprocessing"
import { loadavg, tmpdir } from "node:os"
import { PNG } from "pngjs"
import { bandsOf, paint, type View } from "./band.ts"

const usage = "node examples/mandelbrot/main.ts [path of the picture]"

const view: View = { width: 1200, height: 800, x: -0.65, y: 0, scale: 1 / 380, maxIterations: 2000 }

/** The message is all that the user needs. */
class Problem extends Schema.TaggedError<Problem>()("Problem", { message: Schema.String }) {
  override readonly [Runtime.errorReported] = false
}

const file = Effect.gen(function*() {
  const path = yield* Path.Path
  const [given, ...more] = yield* (yield* Stdio.Stdio).args
  if (more.length > 0) return yield* Effect.fail(new Problem({ message: `Give one path: ${usage}` }))
  return path.resolve(given ?? path.join(tmpdir(), "mandelbrot.png"))
})

/** Bands of few rows: those in the middle take longer than those at the border, and whoever is done takes the next one. */
const bands = bandsOf(view, 8)

const paintWith = Effect.fnUntraced(function*(size: number) {
  const label = size === 1 ? "1 worker" : `${size} workers`
  const [starting, pool] = yield* Effect.timed(Mp.Pool.make({ size, targets: [paint] }))
  const progress = yield* Mp.Progress.make({ label, total: bands.length })
  yield* Mp.Progress.bar(progress)
  const [painting, parts] = yield* Effect.timed(pool.map(paint, bands, { chunkSize: 1, progress }))
  yield* Console.log(`${label.padEnd(10)} ${seconds(painting)} to paint, after ${seconds(starting)} to start`)
  return { painting, pixels: Buffer.concat(parts) }
}, Effect.scoped)

const seconds = (duration: Duration.Duration) => `${Duration.toSeconds(duration).toFixed(2)} s`

const toPng = (pixels: Buffer): Buffer => {
  const png = new PNG({ width: view.width, height: view.height })
  png.data = pixels
  return PNG.sync.write(png, { colorType: 2, deflateLevel: 6 })
}

const program = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const target = yield* file
  const size = yield* Mp.cpuCount
  const load = loadavg()[0]!
  yield* Console.log(`Painting ${view.width} x ${view.height} pixels in ${bands.length} bands`)

  const together = yield* paintWith(size)
  yield* fs.writeFile(target, toPng(together.pixels)).pipe(
    Effect.mapError(({ message }) => new Problem({ message: `Can't write the picture: ${message}` }))
  )
  const alone = yield* paintWith(1)
  if (!together.pixels.equals(alone.pixels)) {
    return yield* Effect.fail(new Problem({ message: "The two pictures differ." }))
  }
  const speedup = Duration.toMillis(alone.painting) / Duration.toMillis(together.painting)
  yield* Console.log(`With ${size} it was ${speedup.toFixed(2)} times as fast, and both painted the same.`)
  if (load > size / 2) {
    const others = `Other programs kept the ${size} processors busy (load ${load.toFixed(1)})`
    yield* Console.log(`${others}: on an idle machine it would be another number.`)
  }
  yield* Console.log(`The picture: ${target}`)
}).pipe(Effect.tapErrorTag("Problem", ({ message }) => Console.error(message)))

Mp.runMain(program.pipe(Effect.provide(Mp.layer.pipe(Layer.provideMerge(NodeServices.layer)))))
