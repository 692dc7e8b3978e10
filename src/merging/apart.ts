// Merging in a separate process, so that progress is still drawn and a crash in native code becomes an error message.
import { type MergeOptions, type MergeProgress, type MergeRecord, merge } from "./merge.ts";

/** Runs {@link merge} in a separate process. */
export async function mergeApart(
  options: MergeOptions,
  onProgress?: (progress: MergeProgress) => void,
): Promise<MergeRecord> {
  const { siblingModule, startWork } = await import("../runtime/index.ts");
  const module = siblingModule("merge", import.meta.url);
  return startWork<MergeOptions, MergeRecord, MergeProgress>(module, options, { name: merge.name, onProgress });
}
