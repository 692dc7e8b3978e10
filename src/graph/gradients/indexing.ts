// Gradient of indexing: the product with the one-hot matrix, so rows that were used several times receive the sum.
import { sizeOf } from "../../core/index.ts";
import { cast } from "../ops/elementwise.ts";
import { oneHot } from "../ops/indexing.ts";
import { matmul } from "../ops/linear.ts";
import { reshape, swapLast } from "../ops/shape.ts";
import type { Rule } from "./rule.ts";

export const indexingRules: Record<string, Rule> = {
  Gather: (dy, [x, indices], _y, { attributes }) => {
    const axis = attributes.axis as number;
    const [head, tail] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)];
    const fetched = reshape(dy, [...head, sizeOf(indices.shape), sizeOf(tail)]);
    const which = cast(oneHot(reshape(indices, [-1]), x.shape[axis]), dy.dtype);
    return [reshape(matmul(swapLast(which), fetched), x.shape), null];
  },
};
