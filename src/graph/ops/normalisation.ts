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

/**
 * Softmax along an axis, default the last. Throws an Error if x does not have that axis.
 * @example
 * ```ts
 * import { Graph, softmax } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const scores = graph.input("scores", "float32", [2, 4, 4]);
 * console.log(softmax(scores).shape); // [ 2, 4, 4 ]
 * ```
 */
export function softmax(x: Value, axis = -1): Value {
  return x.graph.apply("Softmax", [x], { axis: normalAxis(axis, x.shape.length) })[0];
}

/** Natural logarithm of the {@link softmax}, computed stably. */
export function logSoftmax(x: Value, axis = -1): Value {
  return x.graph.apply("LogSoftmax", [x], { axis: normalAxis(axis, x.shape.length) })[0];
}

/**
 * Layer normalisation over the last axis: scale and bias [C] for x [..., C]. Source: Ba et al. 2016, arXiv 1607.06450.
 * @example
 * ```ts
 * import { Graph, layerNormalization } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [2, 5, 8]);
 * const scale = graph.input("scale", "float32", [8]);
 * console.log(layerNormalization(x, scale).shape); // [ 2, 5, 8 ]
 * ```
 */
export function layerNormalization(x: Value, scale: Value, bias: Value | null = null, epsilon = 1e-5): Value {
  return x.graph.apply("LayerNormalization", bias ? [x, scale, bias] : [x, scale], {
    axis: x.shape.length - 1,
    epsilon,
  })[0];
}

/**
 * Batch normalisation in evaluation, with running mean and variance: scale, bias, mean and variance [C] for x
 * [N, C, ...]. Source: Ioffe and Szegedy 2015, arXiv 1502.03167, algorithm 2. Training uses
 * {@link batchNormalizationTraining}.
 * @example
 * ```ts
 * import { batchNormalization, Graph } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [2, 3, 8, 8]);
 * const names = ["scale", "bias", "mean", "variance"];
 * const [scale, bias, mean, variance] = names.map((name) => graph.input(name, "float32", [3]));
 * console.log(batchNormalization(x, scale, bias, mean, variance).shape); // [ 2, 3, 8, 8 ]
 * ```
 */
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
