// What a measurement is asked for.
import type { PairRequest } from "../pairs/index.ts";
import type { Metric, Statistics } from "../sweep/index.ts";
import type { PlanOptions } from "./plan.ts";

/**
 * What is measured: two checkpoints, their network, samples, and scans. `layerwise measure --help` has the same options.
 */
export interface MeasureOptions extends PairRequest, PlanOptions {
  readonly metrics?: readonly Metric[];
  readonly statistics?: Statistics;
  /** Stop adding samples to a cell once the half-width of its 95 % interval is at most this: nats of loss, points of error without loss. */
  readonly precision?: number;
  /** Bytes that the sweep may take: decides segments and chunks of samples. Default half of what is free. */
  readonly memory?: number;
  /** The two initialisations, for the distances from them. */
  readonly initial?: readonly [string, string];
  readonly tolerance?: number;
  /** Sentences about what was asked for, which the result's notes begin with. */
  readonly remarks?: readonly string[];
}
