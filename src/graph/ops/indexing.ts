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

/** x with `axis` replaced by the axes of `indices` (int32 or int64): an embedding is `gather(weight, ids, 0)`. */
export function gather(x: Value, indices: Value, axis: number): Value {
  return x.graph.apply("Gather", [x, indices], { axis: normalAxis(axis, x.shape.length) })[0];
}

/** 1 at the index, 0 elsewhere, along a new last axis of length `depth`; float32. */
export function oneHot(indices: Value, depth: number): Value {
  const { graph } = indices;
  const values = graph.constant(tensor("float32", [2], [0, 1]));
  return graph.apply("OneHot", [cast(indices, "int64"), graph.constant(tensor("int64", [1], [depth])), values], {
    axis: -1,
  })[0];
}
