// When a cell needs no more samples: once the half-width of its 95 % interval is at most the requested precision.
import { type Metric, type Mix, mixKey, type Scores } from "../sweep/index.ts";
import { intervalOf } from "./barrier.ts";
import type { PlannedCell } from "./plan.ts";

export interface Precision {
  /** The largest half-width, in nats for the loss and in percentage points for the error. */
  readonly halfWidth: number;
  readonly metric: Metric;
}

/**
 * The stopping rule for a sweep: true for a mix once every cell that uses it is precise enough. The draws of a baseline
 * are evaluated on the same samples as their cell.
 */
export function stopAtPrecision(planned: readonly PlannedCell[], precision: Precision) {
  const cells = new Map<string, PlannedCell[]>();
  for (const one of planned)
    for (const mix of [one.mix, ...one.baseline]) cells.set(mixKey(mix), [...(cells.get(mixKey(mix)) ?? []), one]);
  return (scores: Scores, mix: Mix): boolean =>
    (cells.get(mixKey(mix)) ?? []).every((one) => isPrecise(scores, one, precision));
}

function isPrecise(scores: Scores, { mix, cell }: PlannedCell, { halfWidth, metric }: Precision): boolean {
  const barriers = scores.barriers(mix, cell.alpha, metric);
  const interval = intervalOf(scores, metric, barriers);
  if (!interval) return true; // not finite: more samples do not help
  return ((metric === "error" ? 100 : 1) * (interval[1] - interval[0])) / 2 <= halfWidth;
}
