// Work in a process of its own: merges two checkpoints.
import type { Work } from "../runtime/index.ts";
import { type MergeOptions, type MergeRecord, merge } from "./merge.ts";

export interface MergeProgress {
  readonly task: string;
  readonly share: number;
}

const work: Work<MergeOptions, MergeRecord, MergeProgress> = (options, report) =>
  merge(options, (task, share) => report({ task, share }));

export default work;
