// Resizes learned positions of a square of patches to another number of patches, like PyTorch's bicubic interpolation
// (a = -0.75, no antialiasing, edges repeated). It is linear in the positions, so it is a product with a constant
// matrix, and it commutes with averaging.
import { tensor } from "../../../core/index.ts";
import { concat, matmul, slice, type Value } from "../../../graph/index.ts";
import type { Patches } from "./patches.ts";

/**
 * Resizes positions [1, own + patches, width] to `height` x `across` patches. The first `own` belong to learned tokens,
 * and do not change.
 */
export function resizePositions(
  positions: Value,
  own: number,
  { height, width, side }: Patches,
  rows: number,
  columns: number,
): Value {
  const count = positions.shape[1] - own;
  const square = Math.trunc(Math.sqrt(count));
  if (rows === Math.floor(height / side) && columns === Math.floor(width / side)) return positions;
  if (square * square !== count) throw new Error(`${count} patch positions do not form a square`);
  const weights = tensor("float32", [rows * columns, count]);
  const [down, across] = [interpolation(square, rows), interpolation(square, columns)];
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++)
      for (let k = 0; k < count; k++)
        weights.data[(i * columns + j) * count + k] = down[i][Math.floor(k / square)] * across[j][k % square];
  const patches = matmul(positions.graph.constant(weights), slice(positions, 1, own, own + count));
  return concat([slice(positions, 1, 0, own), patches], 1);
}

/** Row i has the coefficients of the `from` values in the i-th of `to` values. */
function interpolation(from: number, to: number): number[][] {
  return Array.from({ length: to }, (_, i) => {
    const at = ((i + 0.5) * from) / to - 0.5;
    const start = Math.floor(at);
    const row = new Array<number>(from).fill(0);
    for (let k = -1; k <= 2; k++) row[Math.min(Math.max(start + k, 0), from - 1)] += cubic(Math.abs(at - start - k));
    return row;
  });
}

/** The cubic convolution kernel at a distance. */
function cubic(x: number): number {
  const a = -0.75;
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}
