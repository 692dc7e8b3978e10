// What the report draws of a run: its recipe, how training went, and what was measured.
import type { Metric } from "../connectivity/index.ts";
import type { Measured } from "./cells.ts";

/** What a report draws of a run: its recipe, how training went, and what was measured. */
export interface RunRecord {
  readonly name: string;
  readonly hash: string;
  /** The recipe as plain values. */
  readonly recipe: Readonly<Record<string, unknown>>;
  /** What the training counts; each measurement is at one of them. */
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
  /** The figure of the paper that this is. */
  readonly figure?: {
    readonly title: string;
    readonly paper: string;
    readonly metric: Metric;
    readonly remark?: string;
  };
  /** Samples of each class at each federated client. */
  readonly clients?: readonly (readonly number[])[];
  /** The runs of each pair and what was measured last there; several when the experiment was repeated with other seeds. */
  readonly pairs?: readonly { readonly folder: string; readonly last: Measured["document"] | undefined }[];
  /** What the recipe says must be seen, and whether it is. */
  readonly claims?: readonly { readonly says: string; readonly verdict: string; readonly numbers: string }[];
}
