// Softmax and the normalisation layers, as in ONNX. Batch normalisation in training is a composite (../composites.ts).
import type { Value } from "../graph.ts";
import { likeFirst, normalAxis, type Operation } from "./operation.ts";

export const normalisation = {
  Softmax: { attributes: { axis: "int" }, infer: likeFirst },
  LogSoftmax: { attributes: { axis: "int" }, infer: likeFirst },
  /**
   * (x, scale, bias?) -> y, mean, 1/deviation (both in float32). Omit a missing bias: an explicitly empty one crashes
   * the runtime.
   */
  LayerNormalization: {
    attributes: { axis: "int", epsilon: "float" },
    infer([x], { axis }) {
      const at = normalAxis(axis as number, x!.shape.length);
      const statistics = { dtype: "float32" as const, shape: x!.shape.map((n, i) => (i < at ? n : 1)) };
      return [x!.type, statistics, statistics];
    },
  },
  /** (x, scale, bias, mean, variance) -> y, with running statistics. */
  BatchNormalization: { attributes: { epsilon: "float" }, infer: likeFirst },
} satisfies Record<string, Operation>;

export function softmax(x: Value, axis = -1): Value {
  return x.graph.apply("Softmax", [x], { axis: normalAxis(axis, x.shape.length) })[0];
}

export function logSoftmax(x: Value, axis = -1): Value {
  return x.graph.apply("LogSoftmax", [x], { axis: normalAxis(axis, x.shape.length) })[0];
}

/** Over the last axis. */
export function layerNormalization(x: Value, scale: Value, bias: Value | null = null, epsilon = 1e-5): Value {
  return x.graph.apply("LayerNormalization", bias ? [x, scale, bias] : [x, scale], {
    axis: x.shape.length - 1,
    epsilon,
  })[0];
}

/** Batch normalisation in evaluation: running mean and variance, each [C] for x [N, C, …]. */
export function batchNormalization(
  x: Value,
  scale: Value,
  bias: Value,
  mean: Value,
  variance: Value,
  epsilon = 1e-5,
): Value {
  return x.graph.apply("BatchNormalization", [x, scale, bias, mean, variance], { epsilon })[0];
}
