// Convolutions of stride 2 in the rows layout (3x3 with a padding of one, and 1x1), and their gradients: rows fetched
// under the kernel, then one matrix product. For the gradient of a 3x3's input, one, two or four taps reach a pixel,
// depending on whether its row and column are even or odd; each case is a separate product.
import { tensor } from "../../core/index.ts";
import type { Value } from "../graph.ts";
import { gather } from "../ops/indexing.ts";
import { gemm, matmul } from "../ops/linear.ts";
import { concat, reshape, transpose } from "../ops/shape.ts";
import { countOf, fetchRows, numbersFor, type Rows, rowNumber, tileOf } from "./rows.ts";

/** The pixels under the kernel of every output pixel: [pixels out, taps C]. */
function columns(x: Value, from: Rows, to: Rows, kernel: 1 | 3): Value {
  const border = (kernel - 1) / 2;
  const taps = kernel ** 2;
  const numbers = numbersFor(to, taps, (image, y, column, i) =>
    rowNumber(from, image, 2 * y + Math.floor(i / kernel) - border, 2 * column + (i % kernel) - border),
  );
  return reshape(fetchRows(x, numbers), [countOf(to), taps * from.channels]);
}

/**
 * The identity, to transpose a matrix by a product: it reads contiguous memory, while Transpose moves a few numbers at
 * a time.
 */
const identity = (like: Value, n: number) =>
  like.graph.constant(
    tensor(
      like.dtype,
      [n, n],
      Array.from({ length: n * n }, (_, i) => Number(i % (n + 1) === 0)),
    ),
  );

/** A weight [O, C, k, k] as [k k, O, C]. */
function perTap(w: Value): Value {
  const [outer, inner, k] = w.shape;
  const flat = reshape(w, [outer * inner, k * k]);
  return reshape(k === 1 ? flat : gemm(identity(w, k * k), flat, null, { transB: true }), [k * k, outer, inner]);
}

export function stridedForward(x: Value, w: Value, from: Rows, to: Rows): Value {
  const [outer, inner, k] = w.shape;
  const matrix = reshape(transpose(perTap(w), [1, 0, 2]), [outer, k * k * inner]);
  return gemm(columns(x, from, to, k as 1 | 3), matrix, null, { transB: true });
}

export function stridedWeight(x: Value, dy: Value, from: Rows, to: Rows, kernel: 1 | 3): Value {
  const taps = kernel ** 2;
  const product = gemm(dy, columns(x, from, to, kernel), null, { transA: true });
  const shape = [to.channels, from.channels, kernel, kernel];
  if (kernel === 1) return reshape(product, shape);
  const flat = reshape(transpose(reshape(product, [to.channels, taps, from.channels]), [1, 0, 2]), [taps, -1]);
  return reshape(gemm(flat, identity(dy, taps), null, { transA: true }), shape);
}

/** `from` is the input's layout, `to` is dy's. */
export function stridedInput(w: Value, dy: Value, from: Rows, to: Rows): Value {
  const [outer, inner, kernel] = w.shape;
  if (kernel === 1) {
    const small = matmul(dy, reshape(w, [outer, inner]));
    const even = (n: number) => n % 2 === 0;
    const numbers = numbersFor(from, 1, (image, y, x) =>
      even(y) && even(x) ? rowNumber(to, image, y / 2, x / 2) : countOf(to),
    );
    return fetchRows(small, numbers);
  }
  const m = tileOf(from.side)!;
  const half = m / 2;
  const rest = countOf(from) / m ** 2;
  const all = perTap(w);
  const kinds = [0, 1].map((oddY) =>
    [0, 1].map((oddX) => {
      // the middle tap reaches even rows; the first and the last tap reach odd rows
      const tapsY = oddY ? [0, 2] : [1];
      const tapsX = oddX ? [0, 2] : [1];
      const taps = tapsY.flatMap((i) => tapsX.map((j) => [i, j] as const));
      const met = numbersFor(from, taps.length, (image, y, x, k) =>
        y % 2 === oddY && x % 2 === oddX ? rowNumber(to, image, (y + 1 - taps[k][0]) / 2, (x + 1 - taps[k][1]) / 2) : 0,
      );
      const chosen = ofKind(Array.from(met.data as Int32Array), m, rest * taps.length, oddY, oddX);
      const fetched = reshape(fetchRows(dy, tensor("int32", [chosen.length], chosen)), [
        half * half * rest,
        taps.length * outer,
      ]);
      const which = w.graph.constant(
        tensor(
          "int64",
          [taps.length],
          taps.map(([i, j]) => 3 * i + j),
        ),
      );
      const product = matmul(fetched, reshape(gather(all, which, 0), [taps.length * outer, inner]));
      return reshape(product, [half, 1, half, 1, rest * inner]);
    }),
  );
  const joined = concat(
    kinds.map((row) => concat(row, 3)),
    1,
  );
  return reshape(joined, [countOf(from), inner]);
}

/** The entries of rows whose position in the tile has the given parities; each position has `rest` entries. */
function ofKind(entries: readonly number[], m: number, rest: number, oddY: number, oddX: number): number[] {
  const chosen: number[] = [];
  for (let r = oddY; r < m; r += 2)
    for (let s = oddX; s < m; s += 2) {
      const start = (r * m + s) * rest;
      for (let i = 0; i < rest; i++) chosen.push(entries[start + i]);
    }
  return chosen;
}
