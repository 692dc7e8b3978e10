// What a merge writes. Folders are loaded only where there are some.
import { isCheckpointName } from "../../checkpoints/index.ts";
import { hasDescription, isModelFolder } from "../../hub/index.ts";
import type { MergeOptions } from "../options.ts";
import { fileTarget } from "./file.ts";
import type { Target } from "./target.ts";

/** A folder of two Hugging Face folders, unless `out` is the name of a checkpoint file; else a file. */
export async function chooseTarget(options: MergeOptions): Promise<Target> {
  const { a, b, out } = options;
  const areFolders = [a, b].every(isModelFolder) && [a, b].some(hasDescription);
  if (isCheckpointName(out) || !areFolders) return fileTarget(options);
  const { folderTarget } = await import("./folder.ts");
  return folderTarget(options);
}
