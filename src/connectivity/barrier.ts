// The barrier: how much worse the averaged network is than the weighted mean of its two ends, on the same samples.
// barrier = value(averaged) - [(1 - alpha) value(A) + alpha value(B)]; at alpha = 1/2 the paper's definition with the sign turned (positive is worse).
import type { Metric, Scored } from "./cell.ts";
import { differenceInterval, mean, meanInterval } from "./interval.ts";

/** Loss (natural log) and error (0 … 1) of every sample. */
export interface PerSample {
  readonly loss: ArrayLike<number>;
  readonly error: ArrayLike<number>;
}

/** Both metrics of an averaged network beside its ends. */
export function summarise(averaged: PerSample, a: PerSample, b: PerSample, alpha: number): Record<Metric, Scored> {
  const loss = barriers(averaged.loss, a.loss, b.loss, alpha);
  const error = barriers(averaged.error, a.error, b.error, alpha);
  const interval = differenceInterval(error, [a.error, b.error]);
  return {
    loss: { value: finite(mean(averaged.loss)), barrier: finite(mean(loss)), interval: meanInterval(loss) },
    error: {
      value: finite(100 * mean(averaged.error)),
      barrier: finite(100 * mean(error)),
      interval: interval && [100 * interval[0], 100 * interval[1]],
    },
  };
}

/** The barrier of each sample. */
export function barriers(
  averaged: ArrayLike<number>,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  alpha: number,
): Float64Array {
  const result = new Float64Array(averaged.length);
  for (let i = 0; i < result.length; i++) result[i] = averaged[i] - ((1 - alpha) * a[i] + alpha * b[i]);
  return result;
}

/** JSON has no infinity: null stands for a value that is not finite. */
export const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
