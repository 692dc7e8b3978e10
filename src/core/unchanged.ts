// Files that must stay as they are while they are read: compared by what the system says of them, without reading them again.
import { stat } from "node:fs/promises";
import { UserError } from "./errors.ts";

/** Looks at files; the function that it returns throws {@link UserError} when one of them has changed since. */
export async function watchFiles(paths: readonly string[]): Promise<() => Promise<void>> {
  const before = await Promise.all(paths.map(stateOf));
  return async () => {
    const now = await Promise.all(paths.map(stateOf));
    const changed = paths.find((_, i) => now[i] !== before[i]);
    if (changed !== undefined)
      throw new UserError(
        `${changed} changed while it was read. Wait until it is complete, and run the command again.`,
      );
  };
}

/** What another content changes; undefined where there is no file. */
async function stateOf(path: string): Promise<string | undefined> {
  const info = await stat(path, { bigint: true }).catch(() => undefined);
  return info && [info.size, info.mtimeNs, info.ino, info.dev].join();
}
