// 95 % confidence intervals over samples of a mean of per-sample differences. The points share the samples, so the differences are paired.

/** The normal distribution's 97.5 % point. */
const z = 1.959963984540054;

export type Interval = [number, number];

/** Interval of the mean of real-valued differences: mean ± z s / sqrt n (central limit theorem). Null when a difference is not finite or n < 2. */
export function meanInterval(differences: ArrayLike<number>): Interval | null {
  const { mean: centre, variance } = moments(differences);
  const half = z * Math.sqrt(variance / differences.length);
  return Number.isFinite(half) ? [centre - half, centre + half] : null;
}

/**
 * Interval of the mean of differences that lie on few points of [-1, 1], such as paired 0/1 errors. The plain interval has no width when all are
 * zero; as Bonett and Price (2012) do for paired proportions, one sample of +1 and one of -1 are added before the variance is taken.
 */
export function errorInterval(differences: ArrayLike<number>): Interval | null {
  const n = differences.length;
  const { mean: plain, variance } = moments(differences);
  const centre = (plain * n) / (n + 2);
  const squares = variance * (n - 1) + n * plain ** 2 + 2;
  const half = z * Math.sqrt((squares / (n + 2) - centre ** 2) / (n + 2));
  return Number.isFinite(half) ? [Math.min(plain, centre - half), Math.max(plain, centre + half)] : null;
}

/**
 * Interval of the mean of differences of scores, by the ends' scores: 0/1 errors as above. Others, losses and the share of a text sample's characters that are
 * wrong, vary too little for samples of ±1 beside them.
 */
export function differenceInterval(
  differences: ArrayLike<number>,
  ends: readonly ArrayLike<number>[],
): Interval | null {
  const isRightOrWrong = (scores: ArrayLike<number>) => Array.from(scores).every((score) => score === 0 || score === 1);
  return (ends.every(isRightOrWrong) ? errorInterval : meanInterval)(differences);
}

/** Mean, accumulated in double precision. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/** Mean and unbiased variance, in two passes of double precision. */
function moments(values: ArrayLike<number>): { mean: number; variance: number } {
  const centre = mean(values);
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] - centre) ** 2;
  return { mean: centre, variance: values.length > 1 ? squares / (values.length - 1) : Number.NaN };
}
