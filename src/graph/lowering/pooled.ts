// Max pooling by two in the rows layout, and its gradient. The four pixels of each window are fetched in the pooled
// image's order, so nothing is transposed.
import type { Value } from "../graph.ts";
import { cast, greaterOrEqual, mul, sub } from "../ops/elementwise.ts";
import { gather } from "../ops/indexing.ts";
import { reduceMax } from "../ops/reduction.ts";
import { concat, reshape } from "../ops/shape.ts";
import { countOf, numbersFor, type Rows, rowNumber } from "./rows.ts";

/** The positions in a window, in PyTorch's order. */
const places = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
] as const;

/** The pixels at one position of every window: [pixels of `to`, C]. */
function pixelsAt([dy, dx]: readonly [number, number], x: Value, from: Rows, to: Rows): Value {
  const numbers = numbersFor(to, 1, (image, row, column) => rowNumber(from, image, 2 * row + dy, 2 * column + dx));
  return gather(x, x.graph.constant(numbers), 0);
}

/** Pools x from the layout `from` into the layout `to`. */
export function pooledForward(x: Value, from: Rows, to: Rows): Value {
  const size = countOf(to) * to.channels;
  const windows = concat(
    places.map((place) => reshape(pixelsAt(place, x, from, to), [1, size])),
    0,
  );
  return reshape(reduceMax(windows, [0]), [countOf(to), to.channels]);
}

/** The gradient of x; y is the result of {@link pooledForward}. */
export function pooledGradient(dy: Value, x: Value, y: Value, from: Rows, to: Rows): Value {
  let left = dy; // the gradient that no earlier position of the window received
  const parts = places.map((place) => {
    const isMaximum = cast(greaterOrEqual(pixelsAt(place, x, from, to), y), dy.dtype);
    const part = mul(left, isMaximum);
    left = sub(left, part);
    return part;
  });
  const numbers = numbersFor(from, 1, (image, row, column) => {
    const place = 2 * (row % 2) + (column % 2);
    return place * countOf(to) + rowNumber(to, image, row >> 1, column >> 1);
  });
  return gather(concat(parts, 0), dy.graph.constant(numbers), 0);
}
