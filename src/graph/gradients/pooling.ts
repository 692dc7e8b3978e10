// Gradients of pooling.
import { sizeOf } from "../../core/index.ts";
import { mul } from "../ops/elementwise.ts";
import { applyAveraging, averaging, transposedConstant } from "../ops/pooling.ts";
import { expand } from "../ops/shape.ts";
import type { Rule } from "./rule.ts";

export const poolingRules: Record<string, Rule> = {
  MaxPool: (dy, [x], y, { attributes }) => dy.graph.apply("MaxPoolGradient", [dy, x, y], attributes),
  // y = R x C' with banded matrices of means, so dx = R' dy C
  AveragePool: (dy, [x], y, { attributes }) => {
    const { kernel_shape: kernel, strides, pads } = attributes as Record<string, readonly number[]>;
    const back = [0, 1].map((i) => {
      const bounds = (o: number): [number, number] => [o * strides[i] - pads[i], o * strides[i] - pads[i] + kernel[i]];
      const inside = (o: number) => Math.min(bounds(o)[1], x.shape[i + 2]) - Math.max(bounds(o)[0], 0);
      const divisor = attributes.count_include_pad ? () => kernel[i] : inside;
      return transposedConstant(averaging(dy, x.shape[i + 2], y.shape[i + 2], bounds, divisor));
    });
    return [applyAveraging(dy, back[0], back[1])];
  },
  GlobalAveragePool: (dy, [x]) => [expand(mul(dy, 1 / sizeOf(x.shape.slice(2))), x.shape)],
};
