// Notes on an ONNX graph that affect its results: its scores draw random numbers or depend on the batch, or it was
// exported in training mode.
import type { Checkpoint } from "../checkpoints/index.ts";
import { toNumbers, UserError } from "../core/index.ts";
import { type ForeignModel, oldestOperatorSet, standardVersion } from "../graph/index.ts";
import { hiddenStatistics } from "./matching/norm.ts";

/** The notes on the part of a graph that the scores are computed from. */
export function notesOfScores({ draws, isSeeded }: ForeignModel): string[] {
  const notes: string[] = [];
  const operations = draws.join(", ");
  if (operations)
    notes.push(
      isSeeded
        ? `The graph draws random numbers (${operations}) with fixed seeds.`
        : `The graph draws random numbers (${operations}), so results vary. To make them repeatable, set the attribute seed on each of these nodes.`,
    );
  return notes;
}

/** The note on a training-mode BatchNormalization, unless samples are independent, as in an exported InstanceNorm. */
export const noteOfBatchStatistics =
  "The graph normalises by batch statistics (BatchNormalization in training mode). To use the running statistics, export the model in evaluation mode.";

/** A note on a graph from the file `file` that was exported in training mode. */
export const notesOfDropout = async (foreign: ForeignModel, file: Checkpoint): Promise<string[]> =>
  (await hasTrainingDropout(foreign, file))
    ? ["The graph was exported with dropout in training mode. Dropout is switched off here, as in evaluation."]
    : [];

/** True if no normalisation can be recalibrated. */
export const cannotRecalibrate = (foreign: ForeignModel): boolean =>
  foreign.norms.size === 0 || hiddenStatistics(foreign).length > 0;

async function hasTrainingDropout({ dropoutModes }: ForeignModel, file: Checkpoint): Promise<boolean> {
  for (const name of dropoutModes)
    if (!file.tensors.has(name) || toNumbers(await file.read(name))[0] !== 0) return true;
  return false;
}

/** Throws {@link UserError} for a graph with an operator set that is too old. */
export function requireRunnable({ dialect }: ForeignModel, path: string): void {
  const version = standardVersion(dialect.opsets);
  if (version !== undefined && version < oldestOperatorSet)
    throw new UserError(
      `${path} uses ONNX operator set ${version}, but the oldest supported one is ${oldestOperatorSet}. Convert it in Python with onnx.version_converter.convert_version(model, 13).`,
    );
}
