// When a cell needs no more samples: once the half-width of its 95 % interval is at most the precision that was asked for.
import { type Metric, type Mix, mixKey, type Scores } from "../sweep/index.ts";
import { intervalOf } from "./barrier.ts";
import type { PlannedCell } from "./plan.ts";

/** The largest half-width: in nats for the loss, in points for the error. */
export interface Precision {
  readonly half: number;
  readonly metric: Metric;
}

/** For a sweep: true for a mix once every cell that needs it is clear. The draws of a baseline see as many samples as their cell. */
export function untilClear(planned: readonly PlannedCell[], precision: Precision) {
  const cells = new Map<string, PlannedCell[]>();
  for (const one of planned)
    for (const mix of [one.mix, ...one.baseline]) cells.set(mixKey(mix), [...(cells.get(mixKey(mix)) ?? []), one]);
  return (scores: Scores, mix: Mix): boolean =>
    (cells.get(mixKey(mix)) ?? []).every((one) => isClear(scores, one, precision));
}

function isClear(scores: Scores, { mix, cell }: PlannedCell, { half, metric }: Precision): boolean {
  const barriers = scores.barriers(mix, cell.alpha, metric);
  const interval = intervalOf(scores, metric, barriers);
  if (!interval) return true; // not finite: more samples do not help
  return ((metric === "error" ? 100 : 1) * (interval[1] - interval[0])) / 2 <= half;
}
