// The record of a merge: what was averaged, and what was measured of it. `layerwise/merge@1`.
import type { Choice } from "./choose.ts";

export interface MergeRecord {
  readonly schema: "layerwise/merge@1";
  /** `sha256` of an end is of all the files that it lies in. */
  readonly a: { readonly path: string; readonly sha256: string };
  readonly b: { readonly path: string; readonly sha256: string };
  /** `sha256` of a folder is of its weights, as that of an end; `files` are all that merge wrote into it. */
  readonly out: { readonly path: string; readonly sha256: string; readonly files?: readonly string[] };
  readonly base: "a" | "b";
  readonly statistics: string;
  /** The weight of b in every averaged layer. */
  readonly averaged: Readonly<Record<string, number>>;
  readonly kept: readonly string[];
  readonly parameters: { readonly averaged: number; readonly all: number };
  readonly budget?: Choice & { readonly limit: number; readonly metric: string; readonly method: string };
  /** The barrier of the written file itself, on the samples, against the mean of the ends at the weight `alpha` of b. */
  readonly checked?: {
    readonly samples: number;
    readonly alpha: number;
    readonly loss: number | null;
    readonly error: number | null;
  } & Readonly<Record<"loss_barrier" | "error_barrier", number | null>>;
  /** How the files were read, what was not averaged or should not have been, and what of a's file the written one has as it was, as sentences. */
  readonly notes?: readonly string[];
}

/** Where the record of a merge is: in a folder, or beside a file. */
export const recordPath = (out: string, isFolder: boolean): string => `${out}${isFolder ? "/" : "."}merge.json`;

export const recordText = (record: MergeRecord): string => `${JSON.stringify(record, null, 1)}\n`;
