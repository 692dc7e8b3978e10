// The options of a merge.
import type { MeasureOptions } from "../connectivity/index.ts";
import type { Grouping } from "../models/index.ts";
import type { Keys } from "../pairs/index.ts";

/** What is merged, and how. `layerwise merge --help` has the same options. */
export interface MergeOptions {
  readonly a: string;
  readonly b: string;
  /** The output file, or folder if both ends are Hugging Face folders. */
  readonly out: string;
  /** Globs of the layers to average, each optionally with `=alpha`; default all. */
  readonly layers?: readonly string[];
  readonly group?: Grouping;
  /** Default 0.5. */
  readonly alpha?: number;
  /** The end that the other layers come from; default a. */
  readonly base?: "a" | "b";
  readonly statistics?: "average" | "a" | "recalibrate";
  /** Choose layers up to this joint barrier: nats of loss, points of error. */
  readonly budget?: { readonly limit: number; readonly metric: "loss" | "error" };
  /** The network and data, for a budget, a recalibration, or a check of the merged file. */
  readonly measure?: MeasureOptions;
  readonly allowNonfinite?: boolean;
  /** The dictionary that contains the network, for a file with several. */
  readonly keys?: Keys;
  /** Path of an equivalent mergekit configuration to write; for two folders only. */
  readonly mergekit?: string;
  /** Notes about the options, put first in the record's notes. */
  readonly remarks?: readonly string[];
  /** The command line, for the model card of a folder. */
  readonly command?: string;
}
