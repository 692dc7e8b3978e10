// Measures in a separate process: the terminal stays responsive, and a crash in native code becomes an error message.
import { siblingModule, startWork } from "../runtime/index.ts";
import { type Progress, Scores } from "../sweep/index.ts";
import { type MeasureResult, measure } from "./measure.ts";
import type { MeasureOptions } from "./options.ts";

/** {@link measure} in a separate process. */
export async function measureApart(
  options: MeasureOptions,
  onProgress?: (progress: Progress) => void,
  signal?: AbortSignal,
): Promise<MeasureResult> {
  const module = siblingModule("measure", import.meta.url);
  const work = { name: measure.name, onProgress, signal };
  const { document, scores } = await startWork<MeasureOptions, MeasureResult, Progress>(module, options, work);
  return { document, scores: new Scores(scores.rows, scores.counts) }; // a clone has no methods
}
