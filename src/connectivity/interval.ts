// 95 % confidence intervals of the mean of per-sample differences. All mixes use the same samples, so the differences
// are paired.

/** The normal distribution's 97.5 % point. */
const z = 1.959963984540054;

/** A 95 % confidence interval: [low, high]. */
export type Interval = [number, number];

/**
 * Interval of the mean of real-valued differences: mean ± z s / sqrt n (central limit theorem). Null when a difference
 * is not finite or n < 2. Where samples have weights (their numbers of labels), the mean is a ratio of two sums and its
 * variance is linearised.
 */
export function meanInterval(differences: ArrayLike<number>, weights?: ArrayLike<number>): Interval | null {
  const used = counted(differences, weights);
  const { mean: centre, variance } = moments(used.values, used.weights);
  const half = z * Math.sqrt(variance / used.values.length);
  return Number.isFinite(half) ? [centre - half, centre + half] : null;
}

/**
 * Interval of the mean of differences that take few values in [-1, 1], such as paired 0/1 errors. The plain interval
 * has no width when all are zero. As in Bonett and Price (2012) for paired proportions, one sample of +1 and one of -1
 * (of the mean weight) are added before computing the variance.
 */
export function errorInterval(differences: ArrayLike<number>, weights?: ArrayLike<number>): Interval | null {
  const used = counted(differences, weights);
  const n = used.values.length;
  const { mean: plain, variance } = moments(used.values, used.weights);
  const centre = (plain * n) / (n + 2);
  const squares = used.weights
    ? squaresAbout(used.values, centre, used.weights) + 2 + 2 * centre ** 2
    : variance * (n - 1) + n * plain ** 2 + 2;
  const spread = used.weights ? squares / (n + 2) : squares / (n + 2) - centre ** 2;
  const half = z * Math.sqrt(spread / (n + 2));
  return Number.isFinite(half) ? [Math.min(plain, centre - half), Math.max(plain, centre + half)] : null;
}

/**
 * Interval of the mean of differences of scores. Where the ends' scores are 0/1 errors, {@link errorInterval}. Other
 * scores (losses, the fraction of a text's characters that are wrong) vary too little for added samples of ±1, so
 * {@link meanInterval}.
 */
export function differenceInterval(
  differences: ArrayLike<number>,
  ends: readonly ArrayLike<number>[],
  weights?: ArrayLike<number>,
): Interval | null {
  const isRightOrWrong = (scores: ArrayLike<number>) =>
    Array.from(counted(scores, weights).values).every((score) => score === 0 || score === 1);
  return (ends.every(isRightOrWrong) ? errorInterval : meanInterval)(differences, weights);
}

/** Mean, accumulated in double precision; with weights, the weighted mean. */
export function mean(values: ArrayLike<number>, weights?: ArrayLike<number>): number {
  let sum = 0;
  if (!weights) {
    for (let i = 0; i < values.length; i++) sum += values[i];
    return sum / values.length;
  }
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    if (weights[i] === 0) continue; // also where the value is not finite
    sum += weights[i] * values[i];
    total += weights[i];
  }
  return sum / total;
}

interface Counted {
  readonly values: ArrayLike<number>;
  /** Scaled to a mean of one; undefined where all are equal. */
  readonly weights?: readonly number[];
}

/** The samples of non-zero weight, and their weights. */
function counted(values: ArrayLike<number>, weights?: ArrayLike<number>): Counted {
  if (!weights) return { values };
  const used = Array.from(values, (value, i) => ({ value, weight: weights[i] })).filter(({ weight }) => weight !== 0);
  const average = mean(used.map(({ weight }) => weight));
  return {
    values: used.map(({ value }) => value),
    weights: used.some(({ weight }) => weight !== average) ? used.map(({ weight }) => weight / average) : undefined,
  };
}

/** Mean and unbiased variance, in two passes in double precision. */
function moments(values: ArrayLike<number>, weights?: readonly number[]): { mean: number; variance: number } {
  const centre = mean(values, weights);
  const squares = squaresAbout(values, centre, weights);
  return { mean: centre, variance: values.length > 1 ? squares / (values.length - 1) : Number.NaN };
}

function squaresAbout(values: ArrayLike<number>, centre: number, weights?: readonly number[]): number {
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (weights ? weights[i] ** 2 : 1) * (values[i] - centre) ** 2;
  return squares;
}
