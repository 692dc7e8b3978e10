// What a merge is asked for.
import type { MeasureOptions } from "../connectivity/index.ts";
import type { Grouping } from "../models/index.ts";
import type { Keys } from "../pairs/index.ts";

/** What is merged, and how. `layerwise merge --help` has the same options. */
export interface MergeOptions {
  readonly a: string;
  readonly b: string;
  /** A file, or a folder where both ends are Hugging Face folders. */
  readonly out: string;
  /** Globs of the layers to average, each perhaps with `=weight`; default all. */
  readonly layers?: readonly string[];
  readonly group?: Grouping;
  /** Weight of b; default one half. */
  readonly alpha?: number;
  /** Where the other layers come from; default a. */
  readonly base?: "a" | "b";
  readonly statistics?: "average" | "a" | "recalibrate";
  /** Choose layers up to this joint barrier: nats of loss, points of error. */
  readonly budget?: { readonly limit: number; readonly metric: "loss" | "error" };
  /** The network and data, for a budget, a recalibration, or a check of the merged file. */
  readonly measure?: MeasureOptions;
  readonly allowNonfinite?: boolean;
  /** The dictionaries that hold the network, where a file has several. */
  readonly keys?: Keys;
  /** Where the same choice is written as a mergekit configuration; of two folders only. */
  readonly mergekit?: string;
  /** Sentences about what was asked for, which the record's notes begin with. */
  readonly remarks?: readonly string[];
  /** The command that merges so, for the model card of a folder. */
  readonly command?: string;
}
