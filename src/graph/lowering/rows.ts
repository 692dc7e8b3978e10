// The rows layout: an image batch [N, C, H, H] as a matrix [pixels, C] with a row for each pixel of each image. The
// square image is cut into t x t tiles of m x m pixels (m = 4, or 2 for images of 2x2). Rows are ordered by the pixel's
// position in its tile, then the image, then the tile. So pixels that Winograd's transforms need are contiguous, and
// any other pixel is fetched by its row number.
import { type Tensor, tensor } from "../../core/index.ts";
import type { Value } from "../graph.ts";
import { gather } from "../ops/indexing.ts";
import { concat, reshape, transpose, zeros } from "../ops/shape.ts";

export interface Rows {
  readonly batch: number;
  readonly channels: number;
  readonly side: number;
}

/** Pixels along a tile's side; undefined for sides that cannot be tiled. */
export const tileOf = (side: number): number | undefined => (side % 4 === 0 ? 4 : side === 2 ? 2 : undefined);

/** The layout of a batch of square images; undefined where it has none. */
export function rowsOf(shape: readonly number[]): Rows | undefined {
  const [batch, channels, side, other] = shape;
  return shape.length === 4 && side === other && tileOf(side) ? { batch, channels, side } : undefined;
}

export const countOf = ({ batch, side }: Rows): number => batch * side * side;

/** [N, C, H, H] as rows. */
export function toRows(x: Value, rows: Rows): Value {
  const { batch, channels, side } = rows;
  const m = tileOf(side)!;
  const t = side / m;
  const tiled = transpose(reshape(x, [batch, channels, t, m, t, m]), [3, 5, 0, 2, 4, 1]);
  return reshape(tiled, [countOf(rows), channels]);
}

/** Rows as [N, C, H, H]. */
export function fromRows(x: Value, { batch, channels, side }: Rows): Value {
  const m = tileOf(side)!;
  const t = side / m;
  const tiled = transpose(reshape(x, [m, m, batch, t, t, channels]), [2, 5, 3, 0, 4, 1]);
  return reshape(tiled, [batch, channels, side, side]);
}

/** The number of a pixel's row; for a pixel outside of the image, the zero row, which is last. */
export function rowNumber(rows: Rows, image: number, y: number, x: number): number {
  const { batch, side } = rows;
  if (y < 0 || x < 0 || y >= side || x >= side) return countOf(rows);
  const m = tileOf(side)!;
  const t = side / m;
  return (((y % m) * m + (x % m)) * batch + image) * t * t + Math.floor(y / m) * t + Math.floor(x / m);
}

/** Row numbers for every pixel of `of`, in order; `at(image, y, x)` returns one or more for each. */
export function numbersFor(
  of: Rows,
  each: number,
  at: (image: number, y: number, x: number, i: number) => number,
): Tensor {
  const numbers = tensor("int32", [countOf(of) * each]);
  for (let image = 0; image < of.batch; image++)
    for (let y = 0; y < of.side; y++)
      for (let x = 0; x < of.side; x++) {
        const row = rowNumber(of, image, y, x) * each;
        for (let i = 0; i < each; i++) numbers.data[row + i] = at(image, y, x, i);
      }
  return numbers;
}

/** Rows by number, [numbers, C], including the zero row. */
export function fetchRows(x: Value, numbers: Tensor): Value {
  const padded = concat([x, zeros(x, [1, x.shape[1]])], 0);
  return gather(padded, x.graph.constant(numbers), 0);
}
