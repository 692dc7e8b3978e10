// Gradients of reductions: the gradient is broadcast over the reduced axes.
import { sizeOf } from "../../core/index.ts";
import type { Node, Value } from "../graph.ts";
import { cast, div, equal, mul } from "../ops/elementwise.ts";
import { constantInts, normalAxis } from "../ops/operation.ts";
import { reduceSum } from "../ops/reduction.ts";
import { expand, reshape } from "../ops/shape.ts";
import type { Rule } from "./rule.ts";

const reducedAxes = (x: Value, node: Node) =>
  constantInts(node.inputs[1], node.op).map((axis) => normalAxis(axis, x.shape.length));

/** The shape of the output's gradient with the reduced axes as length 1. */
const keptShape = (x: Value, node: Node) => {
  const axes = reducedAxes(x, node);
  return x.shape.map((n, i) => (axes.includes(i) ? 1 : n));
};

export const reductionRules: Record<string, Rule> = {
  ReduceSum: (dy, [x], _y, node) => [expand(reshape(dy, keptShape(x, node)), x.shape), null],
  ReduceMean: (dy, [x], y, node) => {
    const share = sizeOf(y.shape) / sizeOf(x.shape);
    return [expand(reshape(mul(dy, share), keptShape(x, node)), x.shape), null];
  },
  // equal maxima share the gradient (PyTorch's amax)
  ReduceMax: (dy, [x], y, node) => {
    const kept = keptShape(x, node);
    const isMax = cast(equal(x, reshape(y, kept)), x.dtype);
    const count = reduceSum(isMax, reducedAxes(x, node), { keep: true });
    return [mul(isMax, div(reshape(dy, kept), count)), null];
  },
};
