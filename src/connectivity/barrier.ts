// The barrier: how much worse the averaged network is than the weighted mean of its two ends, on the same samples.
// barrier = value(averaged) - [(1 - alpha) value(A) + alpha value(B)]. At alpha = 1/2 this is the paper's definition
// with the opposite sign (positive is worse). {@link Scores.barriers} gives the barrier of each sample.
import type { Metric, Mix, Scores } from "../sweep/index.ts";
import type { Scored } from "./cell.ts";
import { differenceInterval, type Interval, mean, meanInterval } from "./interval.ts";

/** Both metrics of a mix, on the samples that it was evaluated on. */
export function summarise(scores: Scores, mix: Mix, alpha: number): Record<Metric, Scored> {
  const own = scores.of(mix);
  const loss = scores.barriers(mix, alpha, "loss");
  const error = scores.barriers(mix, alpha, "error");
  const interval = intervalOf(scores, "error", error);
  const { weights } = scores;
  return {
    loss: {
      value: finite(mean(own.loss, weights)),
      barrier: finite(mean(loss, weights)),
      interval: intervalOf(scores, "loss", loss),
    },
    error: {
      value: finite(100 * mean(own.error, weights)),
      barrier: finite(100 * mean(error, weights)),
      interval: interval && [100 * interval[0], 100 * interval[1]],
    },
  };
}

/** The interval of the mean of per-sample barriers in a metric; `barriers` are those of the first samples. */
export function intervalOf(scores: Scores, metric: Metric, barriers: ArrayLike<number>): Interval | null {
  const { weights } = scores;
  if (metric === "loss") return meanInterval(barriers, weights);
  const ends = (["a", "b"] as const).map((end) => scores.ofEnd(end, barriers.length).error);
  return differenceInterval(barriers, ends, weights);
}

/** The perplexity of a language model: the exponential of its mean loss in nats per token. */
export const perplexityOf = (loss: number | null): number | null => (loss === null ? null : finite(Math.exp(loss)));

/** JSON has no infinity, so null replaces a value that is not finite. */
export const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
