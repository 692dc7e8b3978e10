// What a merge writes. Folders are loaded only where there are some.
import { isCheckpointName } from "../../checkpoints/index.ts";
import { UserError } from "../../core/index.ts";
import { hasDescription, isModelFolder } from "../../hub/index.ts";
import type { MergeOptions } from "../options.ts";
import { fileTarget } from "./file.ts";
import type { Target } from "./target.ts";

/** A folder of two Hugging Face folders, unless `out` is the name of a checkpoint file; else a file. */
export async function chooseTarget(options: MergeOptions): Promise<Target> {
  const { a, b, out, mergekit } = options;
  const areFolders = [a, b].every(isModelFolder) && [a, b].some(hasDescription);
  if (isCheckpointName(out) || !areFolders) {
    const fault = areFolders ? `${out} is the name of a file` : `${a} and ${b} are not two such folders`;
    if (mergekit) throw new UserError(`--mergekit is for Hugging Face folders, but ${fault}. Leave it out.`);
    return fileTarget(options);
  }
  const { folderTarget } = await import("./folder.ts");
  return folderTarget(options);
}
