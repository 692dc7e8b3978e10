// Parts of networks that are made of several operations, so they need no gradient rules.

import { type DType, sizeOf, tensor } from "../core/index.ts";
import type { Graph, Value } from "./graph.ts";
import { add, cast, div, greaterOrEqual, mul, neg, scalar, sqrt, sub } from "./ops/elementwise.ts";
import { gather, oneHot } from "./ops/indexing.ts";
import { logSoftmax } from "./ops/normalisation.ts";
import { reduceMean, reduceSum } from "./ops/reduction.ts";
import { concat, reshape } from "./ops/shape.ts";

/**
 * Cross entropy (natural log) of logits [..., classes] with class indices [...]: one value per item, not reduced.
 * Training uses this form: its gradient is the softmax minus the one-hot labels. A logit of -inf makes it NaN, so
 * measuring uses {@link crossEntropyAt}.
 */
export function crossEntropy(logits: Value, labels: Value): Value {
  const classes = logits.shape.at(-1)!;
  const picked = mul(logSoftmax(logits), cast(oneHot(labels, classes), logits.dtype));
  return neg(reduceSum(picked, [-1]));
}

/**
 * The same values, computed by gathering each label's log-probability. An excluded class (a logit of -inf) has no
 * effect, while the product with a one-hot row would contain 0 x -inf. It has no efficient gradient. All its operations
 * exist since operator set 7. `counted` (int64, 1 or 0 for each label): where it is 0, the value is 0.
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
 * The causal mask [T, T] that is added to attention scores: zero where a query attends to a key, else a large negative
 * number. With a window, a query attends to at most that many keys, itself included.
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
 * Inverted dropout: zeroes an element where `noise` is below p and scales the rest by 1/(1-p).
 * `noise` is uniform in [0, 1), of x's shape, and fed by the caller from a seeded stream. The graph has no generator,
 * so a resumed run has the same masks.
 */
export function dropout(x: Value, noise: Value, p: number): Value {
  return mul(x, mul(cast(greaterOrEqual(noise, p), x.dtype), 1 / (1 - p)));
}

export interface BatchStatistics {
  readonly output: Value;
  /** Running statistics after this batch, updated as in PyTorch: with the unbiased variance. */
  readonly mean: Value;
  readonly variance: Value;
}

/**
 * Batch normalisation in training: x [N, C, H, W] normalised with the batch's statistics. `momentum` is the weight of
 * the new batch.
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
