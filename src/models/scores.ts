// What is minimised and measured: per-sample loss and error of a network's scores against labels.
import {
  argMax,
  cast,
  crossEntropy,
  equal,
  mul,
  reduceMean,
  reshape,
  scalar,
  sub,
  type Value,
} from "../graph/index.ts";

export interface Scores {
  /** Natural-log cross entropy of each sample [batch]; for text the mean over its characters. Squared error for regression. */
  readonly loss: Value;
  /** 1 where the largest logit is not the label's, else 0 [batch]; for text the share of wrong characters. A regression has none. */
  readonly error?: Value;
}

const perSample = (items: Value) => reduceMean(reshape(items, [items.shape[0], -1]), [1]);

/** Whole-number labels are classes, others the values of a regression. */
export function scoresOf(scores: Value, labels: Value): Scores {
  return labels.dtype === "int64" ? classification(scores, labels) : regression(scores, labels);
}

/** Logits [batch, classes] or [batch, T, classes] against class indices [batch] or [batch, T]. */
export function classification(logits: Value, labels: Value): Required<Scores> {
  const right = cast(equal(argMax(logits, -1), labels), logits.dtype);
  const wrong = sub(scalar(logits.graph, logits.dtype, 1), right);
  return { loss: perSample(crossEntropy(logits, labels)), error: perSample(wrong) };
}

/** The mean squared difference of each sample; scores and labels have as many elements. */
function regression(scores: Value, labels: Value): Scores {
  const difference = sub(reshape(scores, labels.shape), labels);
  return { loss: perSample(mul(difference, difference)) };
}
