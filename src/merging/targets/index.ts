// Chooses what a merge writes: a file or a folder. The code for folders is loaded only if needed.
import { findCheckpoint, isCheckpointName } from "../../checkpoints/index.ts";
import { UserError } from "../../core/index.ts";
import { findModel, fitWeights, hasDescription, isModelFolder, readModelFolder } from "../../hub/index.ts";
import type { MergeOptions } from "../options.ts";
import { fileTarget } from "./file.ts";
import type { Target } from "./target.ts";

/**
 * A folder for two Hugging Face folders, unless `out` is a checkpoint file's name or another network is given; else a
 * file.
 */
export async function chooseTarget(options: MergeOptions): Promise<Target> {
  const { a, b, out, mergekit, measure } = options;
  const areFolders =
    measure?.model.name === undefined && [a, b].every(isModelFolder) && [a, b].some((end) => hasDescription(end));
  if (areFolders && !isCheckpointName(out)) {
    const { folderTarget } = await import("./folder.ts");
    return folderTarget(options);
  }
  const fault = areFolders ? `${out} is the name of a file` : `${a} and ${b} are not two such folders`;
  if (mergekit) throw new UserError(`--mergekit is for Hugging Face folders, but ${fault}. Omit it.`);
  if (![a, b].some(hasDescription) && [a, b].every(isModelFolder) && !isCheckpointName(out)) {
    for (const end of [a, b]) await findCheckpoint(findModel(end)); // reports other kinds of folders first
    throw new UserError(
      `${a} and ${b} contain weights of an unknown model, which are merged as files. Give --out a file name, such as ${out}.safetensors.`,
    );
  }
  if (!areFolders) return fileTarget(options);
  const ends = { ...options, a: findModel(a), b: findModel(b) };
  return fileTarget(ends, async (file) => fitWeights(await readModelFolder(a), file));
}
