// Lock files: one process at a time works on a thing, also from several machines on a shared folder.
import { link, rm, stat, utimes, writeFile } from "node:fs/promises";
import { describeFileError, lockOwner } from "./files.ts";
import { isAlive, type Owner, partName, self } from "./owner.ts";

/** Ms between signs of life. */
const heartbeat = 15_000;

/** Held: `release` lets go. Not held: the `owner` that has it. */
export type Lock = { readonly release: () => Promise<void> } | { readonly owner: Owner };

/** Takes the lock file `path`, or says who has it. One left behind by a process that is gone is taken over. */
export async function takeLock(path: string): Promise<Lock> {
  const whole = partName(path); // a hard link makes it appear whole, at one machine only, on NFS too
  try {
    await writeFile(whole, JSON.stringify(self()));
    for (;;) {
      const failure = await link(whole, path).catch((error: NodeJS.ErrnoException) => error);
      if (failure && failure.code !== "EEXIST") throw failure;
      if (!failure) break;
      const owner = await lockOwner(path);
      const lastSign = (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
      if (owner && isAlive(owner, lastSign)) return { owner };
      await rm(path, { force: true });
    }
  } catch (error) {
    throw describeFileError(error, path, "write");
  } finally {
    await rm(whole, { force: true });
  }
  const beat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), heartbeat).unref();
  return {
    async release() {
      clearInterval(beat);
      await rm(path, { force: true });
    },
  };
}
