// Merging in a process of its own, so that drawing goes on and a crash in native code becomes a sentence.
import { siblingModule, startWork } from "../runtime/index.ts";
import { type MergeOptions, type MergeProgress, type MergeRecord, merge } from "./merge.ts";

/** {@link merge}, apart. */
export function mergeApart(
  options: MergeOptions,
  onProgress?: (progress: MergeProgress) => void,
): Promise<MergeRecord> {
  const module = siblingModule("merge", import.meta.url);
  return startWork<MergeOptions, MergeRecord, MergeProgress>(module, options, { name: merge.name, onProgress });
}
