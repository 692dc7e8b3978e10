// Work in a process of its own: measures a pair.
import type { Work } from "../runtime/index.ts";
import { type MeasureOptions, type MeasureResult, measure } from "./measure.ts";

export interface MeasureProgress {
  readonly done: number;
  readonly total: number;
}

const work: Work<MeasureOptions, MeasureResult, MeasureProgress> = (options, report) =>
  measure(options, (done, total) => report({ done, total }));

export default work;
