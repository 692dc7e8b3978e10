// Detects changes of files while they are read, by their size, time and inode.
import { stat } from "node:fs/promises";
import { UserError } from "./errors.ts";

/** Records the state of files. The returned function throws {@link UserError} when one of them has changed since. */
export async function watchFiles(paths: readonly string[]): Promise<() => Promise<void>> {
  const before = await Promise.all(paths.map(readState));
  return async () => {
    const now = await Promise.all(paths.map(readState));
    const changed = paths.find((_, i) => now[i] !== before[i]);
    if (changed !== undefined)
      throw new UserError(`${changed} changed while it was read. Wait until it is complete, then rerun the command.`);
  };
}

/** Metadata that differs when the content changes; undefined where the file does not exist. */
async function readState(path: string): Promise<string | undefined> {
  const info = await stat(path, { bigint: true }).catch(() => undefined);
  return info && [info.size, info.mtimeNs, info.ino, info.dev].join();
}
