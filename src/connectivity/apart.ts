// Measuring in a process of its own, so that drawing goes on and a crash in native code becomes a sentence.
import { siblingModule, startWork } from "../runtime/index.ts";
import type { MeasureOptions, MeasureResult } from "./measure.ts";
import type { MeasureProgress } from "./measure.work.ts";

/** {@link measure}, apart. */
export function measureApart(
  options: MeasureOptions,
  onProgress?: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<MeasureResult> {
  const module = siblingModule("measure.work", import.meta.url);
  return startWork<MeasureOptions, MeasureResult, MeasureProgress>(module, options, {
    onProgress: ({ done, total }) => onProgress?.(done, total),
    signal,
  });
}
