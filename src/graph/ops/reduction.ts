// Reductions over axes.
import { tensor } from "../../core/index.ts";
import type { Value } from "../graph.ts";
import { constantInts, normalAxis, type Operation } from "./operation.ts";

const reduction: Operation = {
  attributes: { keepdims: "int" },
  infer([x, axes], { keepdims }) {
    const reduced = new Set(constantInts(axes, "a reduction").map((axis) => normalAxis(axis, x!.shape.length)));
    const kept = x!.shape.map((n, i) => (reduced.has(i) ? 1 : n));
    return [{ dtype: x!.dtype, shape: keepdims === 0 ? kept.filter((_, i) => !reduced.has(i)) : kept }];
  },
};

export const reductions = {
  ReduceSum: reduction,
  ReduceMean: reduction,
  ReduceMax: reduction,
  ArgMax: {
    attributes: { axis: "int", keepdims: "int" },
    infer([x], { axis, keepdims }) {
      const at = normalAxis(axis as number, x!.shape.length);
      const kept = x!.shape.map((n, i) => (i === at ? 1 : n));
      return [{ dtype: "int64", shape: keepdims === 0 ? kept.filter((_, i) => i !== at) : kept }];
    },
  },
} satisfies Record<string, Operation>;

/** How a reduction leaves the axes. */
export interface ReduceOptions {
  /** Keep the reduced axes with length 1. */
  keep?: boolean;
}

const reduce =
  (op: "ReduceSum" | "ReduceMean" | "ReduceMax") =>
  (x: Value, axes: readonly number[], { keep = false }: ReduceOptions = {}): Value => {
    if (axes.length === 0) return x;
    const normal = axes.map((axis) => normalAxis(axis, x.shape.length)).sort((a, b) => a - b);
    return x.graph.apply(op, [x, x.graph.constant(tensor("int64", [normal.length], normal))], {
      keepdims: Number(keep),
    })[0];
  };

/**
 * Sum over axes, which are removed unless `keep` is true; negative axes count from the end. No axes: x itself. Throws
 * an Error if x does not have an axis.
 * @example
 * ```ts
 * import { Graph, reduceSum } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [2, 3, 4]);
 * console.log(reduceSum(x, [-1]).shape); // [ 2, 3 ]
 * console.log(reduceSum(x, [0, 2], { keep: true }).shape); // [ 1, 3, 1 ]
 * ```
 */
export const reduceSum = reduce("ReduceSum");
/** Mean over axes, as {@link reduceSum}. */
export const reduceMean = reduce("ReduceMean");
/** Maximum over axes, as {@link reduceSum}. */
export const reduceMax = reduce("ReduceMax");

/**
 * Index of the largest element along an axis, the first if several are equal; int64, the axis removed. It has no
 * gradient.
 * @example
 * ```ts
 * import { argMax, Graph } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const logits = graph.input("logits", "float32", [4, 10]);
 * const predicted = argMax(logits, -1);
 * console.log(predicted.dtype, predicted.shape); // int64 [ 4 ]
 * ```
 */
export function argMax(x: Value, axis: number): Value {
  return x.graph.apply("ArgMax", [x], { axis, keepdims: 0 })[0];
}
