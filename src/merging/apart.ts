// Merging in a process of its own, so that drawing goes on and a crash in native code becomes a sentence.
import { siblingModule, startWork } from "../runtime/index.ts";
import type { MergeOptions, MergeRecord } from "./merge.ts";
import type { MergeProgress } from "./merge.work.ts";

/** {@link merge}, apart. */
export function mergeApart(
  options: MergeOptions,
  onProgress?: (task: string, share: number) => void,
): Promise<MergeRecord> {
  const module = siblingModule("merge.work", import.meta.url);
  return startWork<MergeOptions, MergeRecord, MergeProgress>(module, options, {
    onProgress: ({ task, share }) => onProgress?.(task, share),
  });
}
