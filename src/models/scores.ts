// The loss and the error of each sample, from a network's scores and the labels: what training minimises and measuring
// evaluates.
import {
  add,
  argMax,
  cast,
  crossEntropy,
  crossEntropyAt,
  div,
  equal,
  exp,
  greater,
  log,
  mul,
  neg,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  scalar,
  sub,
  type Value,
} from "../graph/index.ts";

export interface Scores {
  /**
   * Natural-log cross entropy of each sample [batch]; for text the mean over its characters. Squared error for
   * regression.
   */
  readonly loss: Value;
  /**
   * 1 if the largest logit is not the label's, else 0 [batch]; for text, the fraction of wrong tokens. A regression has
   * none.
   */
  readonly error?: Value;
}

const perSample = (items: Value) => reduceMean(reshape(items, [items.shape[0], -1]), [1]);

/**
 * Integer labels are classes. Others are the values of a regression, or with `isMultiLabel` yes-or-no labels. With
 * `areSomeIgnored`, negative labels do not count: a sample's loss and error are means over its other labels, or 0 if
 * there are none.
 */
export function scoresOf(scores: Value, labels: Value, areSomeIgnored = false, isMultiLabel = false): Scores {
  if (isMultiLabel) return multiLabel(scores, labels);
  if (labels.dtype !== "int64") return regression(scores, labels);
  if (areSomeIgnored) return partlyLabelled(scores, labels);
  return { loss: perSample(crossEntropyAt(scores, labels)), error: perSample(wrongOf(scores, labels)) };
}

/**
 * The form used in training: logits [batch, classes] or [batch, T, classes], and class indices [batch] or [batch, T].
 * Measuring gathers the label's log-probability instead of multiplying by a one-hot row; the values are equal.
 */
export function classification(logits: Value, labels: Value): Required<Scores> {
  const wrong = wrongOf(logits, labels, -1);
  return { loss: perSample(crossEntropy(logits, labels)), error: perSample(wrong) };
}

/**
 * The mean loss and error of a batch in training. With `areSomeIgnored`, negative labels do not count: the means are
 * over the other labels of the batch, or 0 if there are none.
 */
export function batchScores(logits: Value, labels: Value, areSomeIgnored = false): Required<Scores> {
  if (!areSomeIgnored) {
    const { loss, error } = classification(logits, labels);
    return { loss: reduceMean(loss, [0]), error: reduceMean(error, [0]) };
  }
  const counted = cast(isCounted(labels), logits.dtype);
  const total = (items: Value) => reduceSum(reshape(items, [-1]), [0]);
  const mean = (items: Value) => div(total(mul(items, counted)), atLeastOne(total(counted)));
  return { loss: mean(crossEntropy(logits, labels)), error: mean(wrongOf(logits, labels, -1)) };
}

/** True for labels that are not negative; operator set 7 compares floats only. */
const isCounted = (labels: Value): Value => greater(cast(labels, "float32"), -0.5);

const atLeastOne = (count: Value): Value => add(relu(sub(count, 1)), 1);

/** For each label, 1 if the largest logit is not the label's, else 0. */
function wrongOf(logits: Value, labels: Value, axis = logits.shape.length - 1): Value {
  // operator sets before 11 have no negative axes
  const right = cast(equal(argMax(logits, axis), labels), logits.dtype);
  return sub(scalar(logits.graph, logits.dtype, 1), right);
}

function partlyLabelled(logits: Value, labels: Value): Scores {
  const counts = isCounted(labels);
  const counted = cast(counts, logits.dtype);
  const total = (items: Value) => reduceSum(reshape(items, [items.shape[0], -1]), [1]);
  const number = atLeastOne(total(counted));
  return {
    loss: div(total(crossEntropyAt(logits, labels, cast(counts, "int64"))), number),
    error: div(total(mul(wrongOf(logits, labels), counted)), number),
  };
}

/** The mean squared difference of each sample; scores and labels have the same number of elements. */
function regression(scores: Value, labels: Value): Scores {
  const difference = sub(reshape(scores, labels.shape), labels);
  return { loss: perSample(mul(difference, difference)) };
}

/**
 * Binary cross entropy as the mean over a sample's labels (0 … 1), and the fraction of them on the wrong side of a
 * half.
 */
function multiLabel(logits: Value, labels: Value): Scores {
  const size = add(relu(logits), relu(neg(logits)));
  const loss = add(sub(relu(logits), mul(logits, labels)), log(add(exp(neg(size)), 1)));
  const [predicted, holds] = [cast(greater(logits, 0), logits.dtype), cast(greater(labels, 0.5), logits.dtype)];
  const difference = sub(predicted, holds);
  return { loss: perSample(loss), error: perSample(mul(difference, difference)) };
}
