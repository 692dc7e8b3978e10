// Several checkpoints at once, closed again however the work ends.
import type { Checkpoint } from "./checkpoint.ts";
import { openCheckpoint } from "./detect.ts";

/** Opens checkpoints, hands them over and closes them again. */
export async function withCheckpoints<T>(
  paths: readonly string[],
  use: (...files: Checkpoint[]) => Promise<T>,
): Promise<T> {
  const files: Checkpoint[] = [];
  try {
    for (const path of paths) files.push(await openCheckpoint(path));
    return await use(...files);
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}
