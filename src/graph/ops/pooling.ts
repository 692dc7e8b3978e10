// Pooling of images [N, C, H, W]. Average pooling is separable and linear, so adaptive pooling is two products with
// constant matrices.
import { tensor } from "../../core/index.ts";
import type { Type, Value } from "../graph.ts";
import { matmul } from "./linear.ts";
import type { AttributeValue, Operation } from "./operation.ts";

const windowAttributes = { kernel_shape: "ints", strides: "ints", pads: "ints" } as const;

function pooled(x: Value, attributes: Readonly<Record<string, AttributeValue>>): Type {
  const { kernel_shape: kernel, strides, pads } = attributes as Record<string, readonly number[]>;
  const [n, c, ...size] = x.shape;
  const out = size.map((s, i) => Math.floor((s + pads[i] + pads[i + 2] - kernel[i]) / strides[i]) + 1);
  return { dtype: x.dtype, shape: [n, c, ...out] };
}

export const pooling = {
  MaxPool: {
    attributes: windowAttributes,
    infer: ([x], attributes) => [pooled(x!, attributes)],
  },
  /**
   * (dy, x, y) of a MaxPool -> dx: the gradient goes to each maximum's position, the first one if several are equal (as
   * in PyTorch).
   */
  MaxPoolGradient: {
    domain: "layerwise",
    attributes: windowAttributes,
    infer: ([dy, x]) => [{ dtype: dy!.dtype, shape: x!.shape }],
  },
  AveragePool: {
    attributes: { ...windowAttributes, count_include_pad: "int" },
    infer: ([x], attributes) => [pooled(x!, attributes)],
  },
  GlobalAveragePool: {
    infer: ([x]) => [{ dtype: x!.dtype, shape: [...x!.shape.slice(0, 2), ...x!.shape.slice(2).map(() => 1)] }],
  },
} satisfies Record<string, Operation>;

/**
 * Side of the square window, its stride (default the side), and the padding on each side (default 0), in pixels.
 */
export interface PoolOptions {
  kernel: number;
  stride?: number;
  padding?: number;
}

const window = ({ kernel, stride = kernel, padding = 0 }: PoolOptions) => ({
  kernel_shape: [kernel, kernel],
  strides: [stride, stride],
  pads: [padding, padding, padding, padding],
});

/**
 * PyTorch's max_pool2d of images [N, C, H, W]. Where several elements of a window are equal, the first one takes the
 * gradient.
 * @example
 * ```ts
 * import { Graph, maxPool } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [1, 3, 8, 8]);
 * console.log(maxPool(x, { kernel: 2 }).shape); // [ 1, 3, 4, 4 ]
 * ```
 */
export function maxPool(x: Value, options: PoolOptions): Value {
  return x.graph.apply("MaxPool", [x], window(options))[0];
}

/**
 * PyTorch's avg_pool2d of images [N, C, H, W]: zeros of the padding count unless `countPadding` is false.
 * @example
 * ```ts
 * import { averagePool, Graph } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [1, 3, 8, 8]);
 * console.log(averagePool(x, { kernel: 3, stride: 2, padding: 1 }).shape); // [ 1, 3, 4, 4 ]
 * ```
 */
export function averagePool(x: Value, options: PoolOptions & { countPadding?: boolean }): Value {
  const { countPadding = true, ...rest } = options;
  return x.graph.apply("AveragePool", [x], { ...window(rest), count_include_pad: Number(countPadding) })[0];
}

/**
 * Mean over each channel of images [N, C, H, W]; gives [N, C, 1, 1].
 * @example
 * ```ts
 * import { globalAveragePool, Graph } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [2, 3, 8, 8]);
 * console.log(globalAveragePool(x).shape); // [ 2, 3, 1, 1 ]
 * ```
 */
export function globalAveragePool(x: Value): Value {
  return x.graph.apply("GlobalAveragePool", [x])[0];
}

/**
 * PyTorch's AdaptiveAvgPool2d to [height, width]: output cell i averages the inputs floor(i n / m) to
 * ceil((i + 1) n / m).
 * @param x Images [N, C, H, W].
 * @param size [height, width] of the result.
 * @example
 * ```ts
 * import { adaptiveAveragePool, Graph } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [1, 3, 7, 7]);
 * console.log(adaptiveAveragePool(x, [2, 2]).shape); // [ 1, 3, 2, 2 ]
 * ```
 */
export function adaptiveAveragePool(x: Value, [height, width]: readonly [number, number]): Value {
  const [, , h, w] = x.shape;
  const bounds =
    (n: number, m: number) =>
    (i: number): [number, number] => [Math.floor((i * n) / m), Math.ceil(((i + 1) * n) / m)];
  return applyAveraging(x, averaging(x, h, height, bounds(h, height)), averaging(x, w, width, bounds(w, width)));
}

/** rows X columns' for every image and channel; both matrices are constant. */
export function applyAveraging(x: Value, rows: Value, columns: Value): Value {
  return matmul(rows, matmul(x, transposedConstant(columns)));
}

/** The transpose of a constant matrix, as another constant. */
export function transposedConstant(matrix: Value): Value {
  const [m, n] = matrix.shape;
  const source = matrix.node.tensor!.data;
  const values = Array.from({ length: m * n }, (_, at) => source[(at % m) * n + Math.floor(at / m)]);
  return matrix.graph.constant(tensor(matrix.dtype, [n, m], values));
}

/**
 * The constant matrix [m, n] whose row i is the mean over the inputs of `bounds(i)`; `divisor(i)` replaces the number
 * of them.
 */
export function averaging(
  like: Value,
  n: number,
  m: number,
  bounds: (i: number) => [number, number],
  divisor?: (i: number) => number,
): Value {
  const matrix = tensor(like.dtype, [m, n]);
  for (let i = 0; i < m; i++) {
    const [from, to] = bounds(i);
    for (let j = Math.max(from, 0); j < Math.min(to, n); j++) matrix.data[i * n + j] = 1 / (divisor?.(i) ?? to - from);
  }
  return like.graph.constant(matrix);
}
