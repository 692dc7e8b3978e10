// What a merge writes: a file or a folder. Everything is written under a temporary name in the same folder, and moved
// to its place at the end.
import type { Checkpoint, Replace } from "../../checkpoints/index.ts";
import type { DescribedNetwork, MergeEnds } from "../ends.ts";
import type { MergeRecord } from "../record.ts";

export interface Target {
  /** The temporary path. */
  readonly part: string;
  /** Functions that open the ends. */
  readonly ends: readonly (() => Promise<Checkpoint>)[];
  readonly notes: readonly string[];
  /** Throws {@link UserError}, before any work, if the result cannot be written. */
  requirePlace(a: Checkpoint, b: Checkpoint): Promise<void>;
  /** The network, if its description and not the names in the files determines the layers. */
  findNetwork?(a: Checkpoint, b: Checkpoint): Promise<DescribedNetwork>;
  /** Writes the merged weights to the temporary path. */
  write(ends: MergeEnds, replace: Replace): Promise<Written>;
  /** Opens the written file, under the names of the ends. */
  openWritten(): Promise<Checkpoint>;
  /** Writes the record, and moves everything to its place. */
  finish(record: MergeRecord, ends: MergeEnds): Promise<void>;
}

export interface Written extends Pick<MergeRecord["out"], "sha256" | "files"> {
  readonly notes: readonly string[];
}
