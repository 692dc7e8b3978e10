// What is minimised and measured: per-sample loss and error of logits against labels.
import { argMax, cast, crossEntropy, equal, reduceMean, reshape, scalar, sub, type Value } from "../graph/index.ts";

export interface Scores {
  /** Natural-log cross entropy of each sample [batch]; for text the mean over its characters. */
  readonly loss: Value;
  /** 1 where the largest logit is not the label's, else 0 [batch]; for text the share of wrong characters. */
  readonly error: Value;
}

/** Logits [batch, classes] or [batch, T, classes] against class indices [batch] or [batch, T]. */
export function classification(logits: Value, labels: Value): Scores {
  const right = cast(equal(argMax(logits, -1), labels), logits.dtype);
  const wrong = sub(scalar(logits.graph, logits.dtype, 1), right);
  const batch = logits.shape[0];
  const perSample = (items: Value) => reduceMean(reshape(items, [batch, -1]), [1]);
  return { loss: perSample(crossEntropy(logits, labels)), error: perSample(wrong) };
}
