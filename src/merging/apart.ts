// Merging in a process of its own, so that drawing goes on and a crash in native code becomes a sentence.
import { type MergeOptions, type MergeProgress, type MergeRecord, merge } from "./merge.ts";

/** {@link merge}, apart. */
export async function mergeApart(
  options: MergeOptions,
  onProgress?: (progress: MergeProgress) => void,
): Promise<MergeRecord> {
  const { siblingModule, startWork } = await import("../runtime/index.ts");
  const module = siblingModule("merge", import.meta.url);
  return startWork<MergeOptions, MergeRecord, MergeProgress>(module, options, { name: merge.name, onProgress });
}
