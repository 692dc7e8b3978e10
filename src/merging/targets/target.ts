// What a merge writes: a file, or a folder. Everything is made under a temporary name beside its place, and moved there when all is done.
import type { Checkpoint, Replace } from "../../checkpoints/index.ts";
import type { MergeEnds, Network } from "../ends.ts";
import type { MergeRecord } from "../record.ts";

export interface Target {
  /** The temporary place. */
  readonly part: string;
  /** Each opens an end. */
  readonly ends: readonly (() => Promise<Checkpoint>)[];
  readonly notes: readonly string[];
  /** Throws {@link UserError} where the result could not be put in its place, before there is any work. */
  requirePlace(a: Checkpoint, b: Checkpoint): Promise<void>;
  /** The network, where it decides the layers and not the names in the files. */
  findNetwork?(a: Checkpoint, b: Checkpoint): Promise<Network>;
  /** Writes the merged weights to the temporary place. */
  write(ends: MergeEnds, replace: Replace): Promise<Written>;
  /** Opens what was written, with the names of the ends. */
  openWritten(): Promise<Checkpoint>;
  /** Writes the record, and moves everything to its place. */
  finish(record: MergeRecord, ends: MergeEnds): Promise<void>;
}

export interface Written extends Pick<MergeRecord["out"], "sha256" | "files"> {
  readonly notes: readonly string[];
}
