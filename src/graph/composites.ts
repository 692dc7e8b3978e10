// Parts of networks that are made of several operations, so they need no gradient rules.

import { type DType, sizeOf, tensor } from "../core/index.ts";
import type { Graph, Value } from "./graph.ts";
import { add, cast, div, greaterOrEqual, mul, neg, scalar, sqrt, sub } from "./ops/elementwise.ts";
import { gather, oneHot } from "./ops/indexing.ts";
import { logSoftmax } from "./ops/normalisation.ts";
import { reduceMean, reduceSum } from "./ops/reduction.ts";
import { concat, reshape } from "./ops/shape.ts";

/**
 * Cross entropy, natural logarithm, of logits [..., classes] with class indices [...]: one value for each item, not
 * reduced. Training uses this form: its gradient is the softmax minus the one-hot labels. A logit of -inf makes it NaN;
 * measuring uses {@link crossEntropyAt}.
 * @example
 * ```ts
 * import { crossEntropy, Graph, reduceMean } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const logits = graph.input("logits", "float32", [4, 10]);
 * const labels = graph.input("labels", "int64", [4]);
 * const each = crossEntropy(logits, labels);
 * console.log(each.shape, reduceMean(each, [0]).shape); // [ 4 ] []
 * ```
 */
export function crossEntropy(logits: Value, labels: Value): Value {
  const classes = logits.shape.at(-1)!;
  const picked = mul(logSoftmax(logits), cast(oneHot(labels, classes), logits.dtype));
  return neg(reduceSum(picked, [-1]));
}

/**
 * The values of {@link crossEntropy}, with each label's log-probability gathered by its index: a class that is ruled
 * out (a logit of -inf) does not count, where the product with a one-hot row would be 0 x -inf. It has no efficient
 * gradient. All its operations exist from operator set 7 on. `counted` (int64, 1 or 0 for each label): where it is 0
 * the value is 0, whatever the logits and the label.
 * @example
 * ```ts
 * import { crossEntropyAt, Graph } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const logits = graph.input("logits", "float32", [2, 5, 100]);
 * const labels = graph.input("labels", "int64", [2, 5]);
 * console.log(crossEntropyAt(logits, labels).shape); // [ 2, 5 ]
 * ```
 */
export function crossEntropyAt(logits: Value, labels: Value, counted?: Value): Value {
  const { graph, dtype } = logits;
  const classes = logits.shape.at(-1)!;
  const rows = sizeOf(labels.shape);
  const all = reshape(logSoftmax(reshape(logits, [rows, classes])), [-1]);
  const starts = graph.constant(
    tensor(
      "int64",
      [rows],
      Array.from({ length: rows }, (_, row) => row * classes),
    ),
  );
  const places = add(starts, reshape(labels, [rows]));
  if (!counted) return neg(reshape(gather(all, places, 0), labels.shape));
  // ignored labels take the zero at the end
  const end = scalar(graph, "int64", rows * classes);
  const chosen = add(mul(sub(places, end), reshape(counted, [rows])), end);
  const zero = graph.constant(tensor(dtype, [1], [-0]));
  return neg(reshape(gather(concat([all, zero], 0), chosen, 0), labels.shape));
}

/**
 * The causal mask [t, t] that is added to attention scores: zero where a query sees a key, else a number that no score
 * outweighs (-1e30). With a window a query sees at most that many keys, itself included.
 * @example
 * ```ts
 * import { add, causalMask, Graph } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const scores = graph.input("scores", "float32", [2, 4, 4]);
 * console.log(add(scores, causalMask(graph, "float32", 4)).shape); // [ 2, 4, 4 ]
 * ```
 */
export function causalMask(graph: Graph, dtype: DType, t: number, window = t): Value {
  const mask = tensor(dtype, [t, t]);
  for (let i = 0; i < t * t; i++) {
    const [query, key] = [Math.floor(i / t), i % t];
    mask.data[i] = key <= query && key > query - window ? 0 : -1e30;
  }
  return graph.constant(mask);
}

/**
 * Inverted dropout (Srivastava et al. 2014): zeroes an element where `noise` is below p and scales the rest by 1 / (1 -
 * p). `noise` is uniform in [0, 1), of x's shape, and is fed by the caller from a seeded stream: the graph itself holds
 * no generator, so a resumed run sees the same masks.
 * @example
 * ```ts
 * import { dropout, Graph } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [2, 3]);
 * const noise = graph.input("noise", "float32", [2, 3]);
 * console.log(dropout(x, noise, 0.5).shape); // [ 2, 3 ]
 * ```
 */
export function dropout(x: Value, noise: Value, p: number): Value {
  return mul(x, mul(cast(greaterOrEqual(noise, p), x.dtype), 1 / (1 - p)));
}

/** What {@link batchNormalizationTraining} gives: the normalised batch, and the new running statistics [C]. */
export interface BatchStatistics {
  readonly output: Value;
  /** Running statistics after this batch, updated as in PyTorch: with the unbiased variance. */
  readonly mean: Value;
  readonly variance: Value;
}

/**
 * Batch normalisation in training: x [N, C, H, W] normalised with the batch's own statistics; scale, bias and running
 * statistics [C]. `momentum` is the weight of the new batch in the running statistics (PyTorch's meaning). Source:
 * Ioffe and Szegedy 2015, arXiv 1502.03167, algorithm 1.
 * @param options `epsilon`, default 1e-5, and `momentum`, default 0.1.
 * @example
 * ```ts
 * import { batchNormalizationTraining, Graph } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [4, 3, 8, 8]);
 * const names = ["scale", "bias", "mean", "variance"];
 * const [scale, bias, mean, variance] = names.map((name) => graph.input(name, "float32", [3]));
 * const normed = batchNormalizationTraining(x, scale, bias, { mean, variance });
 * console.log(normed.output.shape, normed.mean.shape); // [ 4, 3, 8, 8 ] [ 3 ]
 * ```
 */
export function batchNormalizationTraining(
  x: Value,
  scale: Value,
  bias: Value,
  running: { mean: Value; variance: Value },
  { epsilon = 1e-5, momentum = 0.1 } = {},
): BatchStatistics {
  const channels = x.shape[1];
  const axes = x.shape.map((_, i) => i).filter((i) => i !== 1);
  const count = axes.reduce((product, axis) => product * x.shape[axis], 1);
  const perChannel = (v: Value) =>
    reshape(
      v,
      x.shape.map((_, i) => (i === 1 ? channels : 1)),
    );
  const mean = reduceMean(x, axes, { keep: true });
  const centred = sub(x, mean);
  const variance = reduceMean(mul(centred, centred), axes, { keep: true });
  const normal = div(centred, sqrt(add(variance, epsilon)));
  const track = (old: Value, batch: Value) =>
    momentum === 1
      ? reshape(batch, [channels])
      : add(mul(old, 1 - momentum), mul(reshape(batch, [channels]), momentum));
  return {
    output: add(mul(normal, perChannel(scale)), perChannel(bias)),
    mean: track(running.mean, mean),
    variance: track(running.variance, mul(variance, count / (count - 1))),
  };
}
