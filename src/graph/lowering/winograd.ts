// A 3x3 convolution of stride 1 in the rows layout, and its two gradients, by Winograd's minimal filtering F(m x m, 3 x
// 3) (Lavin and Gray 2016): patches of (m + 2)^2 pixels and kernels are transformed, multiplied position by position,
// and transformed back, with 2.25 (m = 2) to 4 (m = 4) times fewer products. The weight's gradient needs the
// transformed input of the forward pass, and the graph shares it. Rounding errors are two to four times those of direct
// convolution.
import { tensor } from "../../core/index.ts";
import type { Value } from "../graph.ts";
import { fusedMatMul, gemm, matmul } from "../ops/linear.ts";
import { reshape } from "../ops/shape.ts";
import { countOf, fetchRows, type Rows, rowNumber, tileOf } from "./rows.ts";

type Matrix = readonly (readonly number[])[];

/** B', G, A' of Lavin and Gray, by m. */
const transforms: Readonly<
  Record<number, { readonly input: Matrix; readonly kernel: Matrix; readonly output: Matrix }>
> = {
  2: {
    input: [
      [1, 0, -1, 0],
      [0, 1, 1, 0],
      [0, -1, 1, 0],
      [0, 1, 0, -1],
    ],
    kernel: [
      [1, 0, 0],
      [1 / 2, 1 / 2, 1 / 2],
      [1 / 2, -1 / 2, 1 / 2],
      [0, 0, 1],
    ],
    output: [
      [1, 1, 1, 0],
      [0, 1, -1, -1],
    ],
  },
  4: {
    input: [
      [4, 0, -5, 0, 1, 0],
      [0, -4, -4, 1, 1, 0],
      [0, 4, -4, -1, 1, 0],
      [0, -2, -1, 2, 1, 0],
      [0, 2, -1, -2, 1, 0],
      [0, 4, 0, -5, 0, 1],
    ],
    kernel: [
      [1 / 4, 0, 0],
      [-1 / 6, -1 / 6, -1 / 6],
      [-1 / 6, 1 / 6, -1 / 6],
      [1 / 24, 1 / 12, 1 / 6],
      [1 / 24, -1 / 12, 1 / 6],
      [0, 0, 1],
    ],
    output: [
      [1, 1, 1, 1, 1, 0],
      [0, 1, -1, 2, -2, 0],
      [0, 1, 1, 4, 4, 0],
      [0, 1, -1, 8, -8, 1],
    ],
  },
};

/**
 * The transform of both axes at once, as a constant: the Kronecker product with itself, optionally transposed or with
 * reversed columns.
 */
function both(like: Value, matrix: Matrix, { transposed = false, reversed = false } = {}): Value {
  const product = matrix.flatMap((a) => matrix.map((b) => a.flatMap((x) => b.map((y) => x * y))));
  const turned = reversed ? product.map((row) => row.toReversed()) : product;
  const final = transposed ? turned[0].map((_, j) => turned.map((row) => row[j])) : turned;
  return like.graph.constant(tensor(like.dtype, [final.length, final[0].length], final.flat()));
}

const sizes = (rows: Rows) => {
  const m = tileOf(rows.side)!;
  return { m, positions: (m + 2) ** 2, tiles: countOf(rows) / m ** 2, ...transforms[m] };
};

/** Transformed patches [positions, tiles, C]. */
function patches(x: Value, rows: Rows): Value {
  const { m, positions, tiles, input } = sizes(rows);
  const t = rows.side / m;
  const numbers = tensor("int32", [positions * tiles]);
  let at = 0;
  for (let i = 0; i < m + 2; i++)
    for (let j = 0; j < m + 2; j++)
      for (let image = 0; image < rows.batch; image++)
        for (let ty = 0; ty < t; ty++)
          for (let tx = 0; tx < t; tx++) numbers.data[at++] = rowNumber(rows, image, m * ty + i - 1, m * tx + j - 1);
  const fetched = reshape(fetchRows(x, numbers), [positions, tiles * rows.channels]);
  return reshape(matmul(both(x, input), fetched), [positions, tiles, rows.channels]);
}

/** Transformed kernels [positions, O, C] of a weight [O, C, 3, 3]; rotated by 180 degrees for the input's gradient. */
function kernels(w: Value, rows: Rows, reversed = false): Value {
  const [outer, inner] = w.shape;
  const { positions, kernel } = sizes(rows);
  // the product reads the weight without a Transpose: moving its small last axes takes longer than the convolution
  const transformed = gemm(both(w, kernel, { reversed }), reshape(w, [outer * inner, 9]), null, { transB: true });
  return reshape(transformed, [positions, outer, inner]);
}

/** Products [positions, tiles, channels] back to rows. */
function backToRows(products: Value, rows: Rows): Value {
  const [positions, tiles, channels] = products.shape;
  const { output } = sizes(rows);
  const flat = matmul(both(products, output), reshape(products, [positions, tiles * channels]));
  return reshape(flat, [countOf(rows), channels]);
}

/** x [pixels, C] with weight [O, C, 3, 3]: [pixels, O]. */
export function winogradForward(x: Value, w: Value, rows: Rows): Value {
  return backToRows(fusedMatMul(patches(x, rows), kernels(w, rows), { transB: true }), rows);
}

/** dy [pixels, O] with the weight: the gradient of the input [pixels, C]. `rows` is dy's. */
export function winogradInput(w: Value, dy: Value, rows: Rows): Value {
  return backToRows(matmul(patches(dy, rows), kernels(w, rows, true)), rows);
}

/** x [pixels, C] and dy [pixels, O]: the gradient of the weight [O, C, 3, 3]. `rows` is x's. */
export function winogradWeight(x: Value, dy: Value, rows: Rows): Value {
  const [, outer] = dy.shape;
  const { m, positions, tiles, kernel, output } = sizes(rows);
  const flat = reshape(dy, [m * m, tiles * outer]);
  const products = reshape(matmul(both(dy, output, { transposed: true }), flat), [positions, tiles, outer]);
  const perPosition = fusedMatMul(products, patches(x, rows), { transA: true });
  const flatter = reshape(perPosition, [positions, outer * rows.channels]);
  return reshape(gemm(flatter, both(dy, kernel), null, { transA: true }), [outer, rows.channels, 3, 3]);
}
