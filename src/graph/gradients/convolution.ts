// Gradients of a convolution: operations of their own, which the lowering computes.
import { reduceSum } from "../ops/reduction.ts";
import type { Rule } from "./rule.ts";

export const convolutionRules: Record<string, Rule> = {
  Conv: (dy, [x, w, b], _y, { graph, attributes }) => {
    const [dx] = graph.apply("ConvInputGradient", [w, dy], { ...attributes, input_shape: x.shape });
    const [dw] = graph.apply("ConvWeightGradient", [x, dy], { ...attributes, weight_shape: w.shape });
    return b ? [dx, dw, reduceSum(dy, [0, 2, 3])] : [dx, dw];
  },
};
