// What a reader of the numbers must know of an ONNX graph: that it draws random numbers, depends on the batch, or was exported in training mode.
import type { Checkpoint } from "../checkpoints/index.ts";
import { toNumbers, UserError } from "../core/index.ts";
import { type ForeignModel, oldestOperatorSet, standardVersion } from "../graph/index.ts";
import { hiddenStatistics } from "./matching/norm.ts";

/** The notes on a graph, whose own file is `file`. */
export async function graphNotes(foreign: ForeignModel, file: Checkpoint): Promise<string[]> {
  const notes: string[] = [];
  const operations = [...new Set([...foreign.random].map(({ opType }) => opType))].join(", ");
  if (operations)
    notes.push(
      foreign.isSeeded
        ? `The graph draws random numbers (${operations}) from seeds of its own.`
        : `The graph draws random numbers (${operations}), so results vary from run to run. An attribute seed on each of these nodes makes them repeatable.`,
    );
  if (foreign.usesBatch)
    notes.push(
      "The graph normalises by the statistics of each batch (BatchNormalization in training mode), so results depend on --batch. Export the model in evaluation mode to use its running statistics.",
    );
  if (await hasTrainingDropout(foreign, file))
    notes.push("The graph was exported with dropout in training mode. It is left out here, as in evaluation.");
  return notes;
}

/** No normalisation could be recalibrated. */
export const cannotRecalibrate = (foreign: ForeignModel): boolean =>
  foreign.norms.size === 0 || hiddenStatistics(foreign).length > 0;

async function hasTrainingDropout({ dropoutModes }: ForeignModel, file: Checkpoint): Promise<boolean> {
  for (const name of dropoutModes)
    if (!file.tensors.has(name) || toNumbers(await file.read(name))[0] !== 0) return true;
  return false;
}

/** Throws {@link UserError} for a graph that is older than what can be run. */
export function requireRunnable({ dialect }: ForeignModel, path: string): void {
  const version = standardVersion(dialect.opsets);
  if (version !== undefined && version < oldestOperatorSet)
    throw new UserError(
      `${path} uses operator set ${version} of ONNX; ${oldestOperatorSet} is the oldest that can be measured. Convert it in Python with onnx.version_converter.convert_version(model, 13).`,
    );
}
