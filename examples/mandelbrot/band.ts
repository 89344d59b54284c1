/** A band of the picture: what the workers compute. This module imports little, as every worker imports it. */
import * as Mp from "effect-multiprocessing"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** The part of the plane that is shown, and in how many pixels. */
export const View = Schema.Struct({
  width: Schema.Int,
  height: Schema.Int,
  /** The middle of the picture. */
  x: Schema.Number,
  y: Schema.Number,
  /** How wide a pixel is. */
  scale: Schema.Number,
  maxIterations: Schema.Int
})
export type View = typeof View.Type

export const Band = Schema.Struct({ view: View, top: Schema.Int, rows: Schema.Int })
export type Band = typeof Band.Type

/** The bands of a picture, from top to bottom. */
export const bandsOf = (view: View, rows: number): Array<Band> => {
  const bands: Array<Band> = []
  for (let top = 0; top < view.height; top += rows) bands.push({ view, top, rows: Math.min(rows, view.height - top) })
  return bands
}

/** After how many iterations a point has left the circle, smoothly; infinite if it has not. */
const escape = (x0: number, y0: number, maxIterations: number): number => {
  let x = 0
  let y = 0
  for (let i = 0; i < maxIterations; i++) {
    const xx = x * x
    const yy = y * y
    if (xx + yy > 256) return i + 1 - Math.log2(Math.log2(xx + yy) / 2)
    y = 2 * x * y + y0
    x = xx - yy + x0
  }
  return Infinity
}

const channel = (time: number, phase: number) => Math.round(127.5 * (1 - Math.cos(0.35 * Math.sqrt(time) + phase)))

/** Its pixels, four bytes each: red, green, blue, alpha. */
const pixelsOf = (
  { rows, top, view: { height, maxIterations, scale, width, x, y } }: Band
): Uint8Array<ArrayBuffer> => {
  const pixels = new Uint8Array(4 * width * rows)
  let at = 0
  for (let row = top; row < top + rows; row++) {
    for (let column = 0; column < width; column++) {
      const time = escape(x + (column - width / 2) * scale, y + (row - height / 2) * scale, maxIterations)
      if (time !== Infinity) {
        pixels[at] = channel(time, 0.3)
        pixels[at + 1] = channel(time, 0.1)
        pixels[at + 2] = channel(time, 0.9)
      }
      pixels[at + 3] = 255
      at += 4
    }
  }
  return pixels
}

export const paint = Mp.Target.make(
  "paint",
  { module: import.meta.url, payload: Band, success: Schema.Uint8Array },
  (band) => Effect.sync(() => pixelsOf(band))
)
