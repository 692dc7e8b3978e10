// Opens several checkpoints at once, and always closes them.
import type { Checkpoint } from "./checkpoint.ts";
import { type OpenOptions, openCheckpoint } from "./detect.ts";

/** Opens checkpoints by path, by path and key, or with a function; passes them to `use`, then closes them. */
export async function withCheckpoints<T>(
  paths: readonly (string | ({ readonly path: string } & OpenOptions) | (() => Promise<Checkpoint>))[],
  use: (...files: Checkpoint[]) => Promise<T>,
): Promise<T> {
  const files: Checkpoint[] = [];
  try {
    for (const one of paths)
      if (typeof one === "function") files.push(await one());
      else files.push(await (typeof one === "string" ? openCheckpoint(one) : openCheckpoint(one.path, one)));
    return await use(...files);
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}
