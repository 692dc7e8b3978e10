// Indexing. Indices have no gradient.
import { tensor } from "../../core/index.ts";
import type { Value } from "../graph.ts";
import { cast } from "./elementwise.ts";
import { constantInts, normalAxis, type Operation } from "./operation.ts";

export const indexing = {
  Gather: {
    attributes: { axis: "int" },
    infer([x, indices], { axis }) {
      const at = normalAxis(axis as number, x!.shape.length);
      return [{ dtype: x!.dtype, shape: [...x!.shape.slice(0, at), ...indices!.shape, ...x!.shape.slice(at + 1)] }];
    },
  },
  OneHot: {
    attributes: { axis: "int" },
    infer: ([indices, depth, values]) => [
      { dtype: values!.dtype, shape: [...indices!.shape, constantInts(depth, "OneHot")[0]] },
    ],
  },
} satisfies Record<string, Operation>;

/**
 * x with `axis` replaced by the axes of `indices` (int32 or int64). Throws an Error if x does not have that axis.
 * @example
 * ```ts
 * import { gather, Graph } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const embedding = graph.input("embedding", "float32", [100, 8]);
 * const ids = graph.input("ids", "int64", [2, 5]);
 * console.log(gather(embedding, ids, 0).shape); // [ 2, 5, 8 ]
 * ```
 */
export function gather(x: Value, indices: Value, axis: number): Value {
  return x.graph.apply("Gather", [x, indices], { axis: normalAxis(axis, x.shape.length) })[0];
}

/**
 * 1 at the index, 0 elsewhere, along a new last axis of length `depth`; float32. It has no gradient.
 * @example
 * ```ts
 * import { Graph, oneHot } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const labels = graph.input("labels", "int64", [4]);
 * console.log(oneHot(labels, 10).shape); // [ 4, 10 ]
 * ```
 */
export function oneHot(indices: Value, depth: number): Value {
  const { graph } = indices;
  const values = graph.constant(tensor("float32", [2], [0, 1]));
  return graph.apply("OneHot", [cast(indices, "int64"), graph.constant(tensor("int64", [1], [depth])), values], {
    axis: -1,
  })[0];
}
