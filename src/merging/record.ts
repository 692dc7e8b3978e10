// The record of a merge, `layerwise/merge@1`: what was averaged, and what was measured.
import { join } from "node:path";
import type { Choice } from "./choose.ts";

export interface MergeRecord {
  readonly schema: "layerwise/merge@1";
  /** The `sha256` of an end covers all its files. */
  readonly a: { readonly path: string; readonly sha256: string };
  readonly b: { readonly path: string; readonly sha256: string };
  /** The `sha256` of a folder covers its weights, as for an end; `files` lists everything that merge wrote into it. */
  readonly out: { readonly path: string; readonly sha256: string; readonly files?: readonly string[] };
  readonly base: "a" | "b";
  readonly statistics: string;
  /** Alpha of every averaged layer. */
  readonly averaged: Readonly<Record<string, number>>;
  readonly kept: readonly string[];
  readonly parameters: { readonly averaged: number; readonly all: number };
  readonly budget?: Choice & { readonly limit: number; readonly metric: string; readonly method: string };
  /**
   * The written file evaluated on the samples; its barriers are relative to the mean of the ends weighted by `alpha`.
   */
  readonly checked?: {
    readonly samples: number;
    readonly alpha: number;
    readonly loss: number | null;
    readonly error: number | null;
  } & Readonly<Record<"loss_barrier" | "error_barrier", number | null>>;
  /** Notes: how the files were read, what was not averaged or should not have been, what is unchanged from a's file. */
  readonly notes?: readonly string[];
}

/** The record's file name in a merged folder. */
export const recordName = "merge.json";

/** The path of the record: inside a merged folder (which lists its files), or next to a merged file. */
export const recordPath = ({ path, files }: Pick<MergeRecord["out"], "path" | "files">): string =>
  files ? join(path, recordName) : `${path}.${recordName}`;

export const recordText = (record: MergeRecord): string => `${JSON.stringify(record, null, 1)}\n`;
