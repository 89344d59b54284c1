/** A picture of the Mandelbrot set, in bands: work that takes a processor, and is the same in each language. */

export const width = 1024
/** Rows of a band. */
export const rows = 32
const limit = 250

/** A band of a picture that has so many. The picture shows the same with few bands as with many, so a band costs the same on average. */
export type Band = readonly [index: number, of: number]

export const bands = (of: number): Array<Band> => Array.from({ length: of }, (_, index) => [index, of])

/** How many steps it takes to escape. */
const steps = (x: number, y: number): number => {
  let zx = 0
  let zy = 0
  for (let n = 0; n < limit; n++) {
    const xx = zx * zx
    const yy = zy * zy
    if (xx + yy > 4) return n
    zy = 2 * zx * zy + y
    zx = xx - yy + x
  }
  return limit
}

/** One byte for each pixel. python/pools.py has the same, operation by operation. */
export const draw = ([index, of]: Band): Uint8Array<ArrayBuffer> => {
  const pixels = new Uint8Array(width * rows)
  for (let row = 0; row < rows; row++) {
    const y = (index * rows + row) / (of * rows) * 2.5 - 1.25
    for (let column = 0; column < width; column++) {
      const x = column / width * 3 - 2.25
      pixels[row * width + column] = steps(x, y)
    }
  }
  return pixels
}

/** How many bands are those of a picture: each byte is compared, as fast as memory allows, which is the same for all arms. */
export const sameBands = (received: ReadonlyArray<Uint8Array>, picture: ReadonlyArray<Uint8Array>): number =>
  received.reduce((sum, pixels, i) => sum + (Buffer.compare(pixels, picture[i]!) === 0 ? 1 : 0), 0)

/** The picture, and how long it takes in this process alone. */
export const drawAlone = (of: number): { readonly picture: ReadonlyArray<Uint8Array>; readonly seconds: number } => {
  for (const band of bands(of)) draw(band)
  const start = performance.now()
  const picture = bands(of).map(draw)
  return { picture, seconds: (performance.now() - start) / 1000 }
}
