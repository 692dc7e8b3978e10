// When a cell needs no more samples: once the half-width of its 95 % interval is at most the requested precision.
import { plain } from "../core/index.ts";
import { type Metric, type Mix, mixKey, type Scores } from "../sweep/index.ts";
import { intervalOf } from "./barrier.ts";
import type { MeasureOptions } from "./options.ts";
import type { PlannedCell } from "./plan.ts";

export interface Precision {
  /** The largest half-width, in nats for the loss and in percentage points for the error. */
  readonly halfWidth: number;
  readonly metric: Metric;
}

/** The requested precision: of the loss, unless only the error is measured. */
export const precisionOf = ({ precision, metrics = ["loss"] }: MeasureOptions): Precision | undefined =>
  precision === undefined ? undefined : { halfWidth: precision, metric: metrics.includes("loss") ? "loss" : "error" };

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

const isPrecise = (scores: Scores, planned: PlannedCell, { halfWidth, metric }: Precision): boolean =>
  halfWidthOf(scores, planned, metric) <= halfWidth;

/** Half the width of a cell's interval, in nats or points; 0 if it is not finite: more samples do not help. */
function halfWidthOf(scores: Scores, { mix, cell }: PlannedCell, metric: Precision["metric"]): number {
  const interval = intervalOf(scores, metric, scores.barriers(mix, cell.alpha, metric));
  return interval ? ((metric === "error" ? 100 : 1) * (interval[1] - interval[0])) / 2 : 0;
}

/** A note if the samples are too few for the requested precision. */
export function noteOfPrecision(planned: readonly PlannedCell[], scores: Scores, precision: Precision): string[] {
  const widest = Math.max(0, ...planned.map((one) => halfWidthOf(scores, one, precision.metric)));
  return widest > precision.halfWidth
    ? [
        `The precision of ${precision.halfWidth} was not reached with all ${scores.samples} samples: the widest interval is ±${plain(widest, 2)}.`,
      ]
    : [];
}
