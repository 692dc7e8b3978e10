// Named pieces of networks made of several operations; they need no gradient rules of their own.

import type { Value } from "./graph.ts";
import { add, cast, div, greaterOrEqual, mul, neg, sqrt, sub } from "./ops/elementwise.ts";
import { oneHot } from "./ops/indexing.ts";
import { logSoftmax } from "./ops/normalisation.ts";
import { reduceMean, reduceSum } from "./ops/reduction.ts";
import { reshape } from "./ops/shape.ts";

/** Cross entropy, natural log, of logits [..., classes] with class indices [...]: one value for each item, not reduced. */
export function crossEntropy(logits: Value, labels: Value): Value {
  const classes = logits.shape.at(-1)!;
  const picked = mul(logSoftmax(logits), cast(oneHot(labels, classes), logits.dtype));
  return neg(reduceSum(picked, [-1]));
}

/**
 * Inverted dropout: zeroes an element where `noise` is below p and scales the rest by 1/(1-p).
 * `noise` is uniform in [0, 1), of x's shape, and is fed by the caller from a seeded stream: the graph itself holds no generator, so a
 * resumed run sees the same masks.
 */
export function dropout(x: Value, noise: Value, p: number): Value {
  return mul(x, mul(cast(greaterOrEqual(noise, p), x.dtype), 1 / (1 - p)));
}

export interface BatchStatistics {
  readonly output: Value;
  /** Running statistics after this batch, as PyTorch updates them: the variance unbiased. */
  readonly mean: Value;
  readonly variance: Value;
}

/** Batch normalisation in training: x [N, C, H, W] normalised with the batch's own statistics. `momentum` is the new batch's share. */
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
