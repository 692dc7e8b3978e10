// Operations that move elements without changing them.
import { sizeOf, tensor } from "../../core/index.ts";
import type { Graph, Value } from "../graph.ts";
import { broadcast, constantInts, normalAxis, type Operation } from "./operation.ts";

export const shapeOps = {
  Reshape: {
    infer([x, target]) {
      const shape = constantInts(target, "Reshape");
      if (sizeOf(shape) !== sizeOf(x!.shape)) throw new Error(`Reshape of [${x!.shape}] to [${shape}]`);
      return [{ dtype: x!.dtype, shape }];
    },
  },
  Transpose: {
    attributes: { perm: "ints" },
    infer([x], { perm }) {
      const axes = perm as readonly number[];
      if ([...axes].sort((a, b) => a - b).some((axis, i) => axis !== i) || axes.length !== x!.shape.length) {
        throw new Error(`Transpose of [${x!.shape}] by [${axes}]`);
      }
      return [{ dtype: x!.dtype, shape: axes.map((axis) => x!.shape[axis]) }];
    },
  },
  Expand: {
    infer: ([x, target]) => [{ dtype: x!.dtype, shape: broadcast(x!.shape, constantInts(target, "Expand")) }],
  },
  Concat: {
    attributes: { axis: "int" },
    infer(inputs, { axis }) {
      const first = inputs[0]!;
      const at = normalAxis(axis as number, first.shape.length);
      for (const x of inputs) {
        if (x!.shape.some((n, i) => i !== at && n !== first.shape[i]))
          throw new Error(`Concat of [${first.shape}] and [${x!.shape}]`);
      }
      const total = inputs.reduce((sum, x) => sum + x!.shape[at], 0);
      return [{ dtype: first.dtype, shape: first.shape.map((n, i) => (i === at ? total : n)) }];
    },
  },
  Slice: {
    infer([x, starts, ends, axes, steps]) {
      const shape = [...x!.shape];
      const [from, to, at, by] = [starts, ends, axes, steps].map((v) => constantInts(v, "Slice"));
      at.forEach((axis, i) => {
        if (by[i] < 1 || from[i] < 0 || to[i] > shape[axis])
          throw new Error(`Slice ${from[i]}:${to[i]}:${by[i]} of [${shape}]`);
        shape[axis] = Math.max(0, Math.ceil((to[i] - from[i]) / by[i]));
      });
      return [{ dtype: x!.dtype, shape }];
    },
  },
  Pad: {
    attributes: { mode: "string" },
    infer([x, pads]) {
      const by = constantInts(pads, "Pad");
      return [{ dtype: x!.dtype, shape: x!.shape.map((n, i) => n + by[i] + by[i + x!.shape.length]) }];
    },
  },
} satisfies Record<string, Operation>;

const ints = (graph: Graph, values: readonly number[]) => graph.constant(tensor("int64", [values.length], values));

/**
 * The same elements in another shape; one -1 is whatever is left. Throws an Error if the sizes differ.
 * @example
 * ```ts
 * import { Graph, reshape } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [2, 3, 4]);
 * console.log(reshape(x, [2, -1]).shape); // [ 2, 12 ]
 * ```
 */
export function reshape(x: Value, shape: readonly number[]): Value {
  const known = sizeOf(shape.filter((n) => n !== -1));
  const full = shape.map((n) => (n === -1 ? sizeOf(x.shape) / known : n));
  if (String(full) === String(x.shape)) return x;
  return x.graph.apply("Reshape", [x, ints(x.graph, full)])[0];
}

/**
 * Permutes the axes: output axis i is input axis perm[i]. Throws an Error if `perm` is not a permutation of them.
 * @example
 * ```ts
 * import { Graph, transpose } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [2, 3, 4]);
 * console.log(transpose(x, [1, 0, 2]).shape); // [ 3, 2, 4 ]
 * ```
 */
export function transpose(x: Value, perm: readonly number[]): Value {
  return perm.every((axis, i) => axis === i) ? x : x.graph.apply("Transpose", [x], { perm })[0];
}

/**
 * Swaps the last two axes.
 * @example
 * ```ts
 * import { Graph, swapLast } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [2, 3, 4]);
 * console.log(swapLast(x).shape); // [ 2, 4, 3 ]
 * ```
 */
export function swapLast(x: Value): Value {
  const rank = x.shape.length;
  return transpose(x, [...Array(rank - 2).keys(), rank - 1, rank - 2]);
}

/**
 * Broadcasts x to a shape, as numpy does. Throws an Error if it does not broadcast.
 * @example
 * ```ts
 * import { expand, Graph } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [3, 1]);
 * console.log(expand(x, [2, 3, 4]).shape); // [ 2, 3, 4 ]
 * ```
 */
export function expand(x: Value, shape: readonly number[]): Value {
  return String(shape) === String(x.shape) ? x : x.graph.apply("Expand", [x, ints(x.graph, shape)])[0];
}

/**
 * Joins values along an axis. Throws an Error if another axis differs.
 * @example
 * ```ts
 * import { concat, Graph } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [2, 3]);
 * const y = graph.input("y", "float32", [2, 1]);
 * console.log(concat([x, y], 1).shape); // [ 2, 4 ]
 * ```
 */
export function concat(values: readonly Value[], axis: number): Value {
  return values.length === 1 ? values[0] : values[0].graph.apply("Concat", values, { axis })[0];
}

/**
 * Elements start, start + step, … below end along one axis. Start and end count from the front, and step is positive.
 * Throws an Error if they are outside of the axis.
 * @example
 * ```ts
 * import { Graph, slice } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [2, 10]);
 * console.log(slice(x, 1, 2, 8, 2).shape); // [ 2, 3 ]
 * ```
 */
export function slice(x: Value, axis: number, start: number, end: number, step = 1): Value {
  const at = normalAxis(axis, x.shape.length);
  if (start === 0 && end === x.shape[at] && step === 1) return x;
  return x.graph.apply("Slice", [x, ...[start, end, at, step].map((n) => ints(x.graph, [n]))])[0];
}

/**
 * Adds zeros: `before[i]` in front of axis i, `after[i]` behind it.
 * @example
 * ```ts
 * import { Graph, pad } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [2, 3]);
 * console.log(pad(x, [0, 1], [0, 2]).shape); // [ 2, 6 ]
 * ```
 */
export function pad(x: Value, before: readonly number[], after: readonly number[]): Value {
  if ([...before, ...after].every((n) => n === 0)) return x;
  return x.graph.apply("Pad", [x, ints(x.graph, [...before, ...after])], { mode: "constant" })[0];
}

/**
 * Zeros of a shape, in the dtype and the graph of another value.
 * @example
 * ```ts
 * import { Graph, zeros } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [2]);
 * console.log(zeros(x, [3, 4]).shape); // [ 3, 4 ]
 * ```
 */
export function zeros(like: Value, shape: readonly number[]): Value {
  return expand(like.graph.constant(tensor(like.dtype, [], [0])), shape);
}
