// The data of a run that the report draws: recipe, training log, and measurements.
import type { Metric } from "../connectivity/index.ts";
import type { Measured } from "./cells.ts";

/** What a report draws of a run: its recipe, how training went, and what was measured. */
export interface RunRecord {
  readonly name: string;
  readonly hash: string;
  /** The recipe as plain values. */
  readonly recipe: Readonly<Record<string, unknown>>;
  /** Unit of the training length and of `epoch` below. */
  readonly unit: "epoch" | "step";
  readonly log: readonly {
    network: string;
    epoch: number;
    loss: number;
    error: number;
    rate: number;
    seconds: number;
  }[];
  readonly measurements: readonly Measured[];
  /** The figure of the paper that the run reproduces. */
  readonly figure?: {
    readonly title: string;
    readonly paper: string;
    readonly metric: Metric;
    readonly remark?: string;
  };
  /** Samples of each class at each federated client. */
  readonly clients?: readonly (readonly number[])[];
  /** The run and the last measurement of each pair; several if the experiment was repeated with other seeds. */
  readonly pairs?: readonly { readonly folder: string; readonly last: Measured["document"] | undefined }[];
  /** The claims of the recipe with their verdicts. */
  readonly claims?: readonly { readonly says: string; readonly verdict: string; readonly numbers: string }[];
}

/** The verdict on an experiment: it holds if all claims hold, and does not hold if one claim does not. */
export function verdictOf({
  claims = [],
}: Pick<RunRecord, "claims">): "holds" | "does not hold" | "undecided" | "no claims" {
  if (claims.length === 0) return "no claims";
  if (claims.some(({ verdict }) => verdict === "does not hold")) return "does not hold";
  return claims.every(({ verdict }) => verdict === "holds") ? "holds" : "undecided";
}
