// The options of a measurement.
import type { PairRequest } from "../pairs/index.ts";
import type { Metric, Statistics } from "../sweep/index.ts";
import type { PlanOptions } from "./plan.ts";

/**
 * What is measured: two checkpoints, their network, samples, and scans. `layerwise measure --help` has the same
 * options.
 */
export interface MeasureOptions extends PairRequest, PlanOptions {
  readonly metrics?: readonly Metric[];
  readonly statistics?: Statistics;
  /**
   * Stop adding samples to a cell once the half-width of its 95 % interval is at most this, in nats of loss; where only
   * the error is measured, in percentage points.
   */
  readonly precision?: number;
  /** Bytes that the sweep may use; decides segments and chunks of samples. Default half of the free memory. */
  readonly memory?: number;
  /** The two initialisations, for the distances from them. */
  readonly initial?: readonly [string, string];
  readonly tolerance?: number;
  /** Sentences about the request; they come first in the result's notes. */
  readonly remarks?: readonly string[];
}
