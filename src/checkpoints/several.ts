// Several checkpoints at once, closed again however the work ends.
import type { Checkpoint } from "./checkpoint.ts";
import { openCheckpoint } from "./detect.ts";

/** Opens checkpoints, each perhaps by a key of its own or in its own way, hands them over and closes them again. */
export async function withCheckpoints<T>(
  paths: readonly (string | { readonly path: string; readonly key?: string } | (() => Promise<Checkpoint>))[],
  use: (...files: Checkpoint[]) => Promise<T>,
): Promise<T> {
  const files: Checkpoint[] = [];
  try {
    for (const one of paths)
      if (typeof one === "function") files.push(await one());
      else
        files.push(await (typeof one === "string" ? openCheckpoint(one) : openCheckpoint(one.path, { key: one.key })));
    return await use(...files);
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}
