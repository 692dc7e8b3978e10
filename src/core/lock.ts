// Lock files: one process at a time works on a thing, also from several machines on a shared folder.
import { randomBytes } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { link, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { describeFileError } from "./files.ts";
import { isAlive, lockOwner, type Owner, partName, self } from "./owner.ts";

/** Ms between signs of life. */
const heartbeat = 15_000;
/** Ms after which a guard's process is dead: it is held for a few file operations. */
const guardLimit = 30_000;

/** Held: `release` lets go. Not held: the `owner` that has it. */
export type Lock = { readonly release: () => Promise<void> } | { readonly owner: Owner };

/** Takes the lock file `path`, or says who has it. One left behind by a process that is gone is taken over. */
export async function takeLock(path: string): Promise<Lock> {
  const whole = partName(path); // a hard link makes it appear whole, to one process only, on NFS too
  const mine = JSON.stringify({ ...self(), nonce: randomBytes(8).toString("hex") });
  ours.add(mine);
  let isHeld = false;
  try {
    await writeFile(whole, mine);
    for (;;) {
      const failure = await link(whole, path).catch((error: NodeJS.ErrnoException) => error);
      if (!failure || (await isSame(whole, path))) break; // an answer of NFS may be lost on the way
      if (failure.code !== "EEXIST") throw failure;
      const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
      });
      if (text === undefined) continue; // it has just been let go
      const owner = lockOwner(text);
      const lastSign = (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
      // a process of our own number that is gone (a container started anew) wrote what we did not
      const isOurNumber = owner.pid === process.pid && owner.host === hostname();
      if (isOurNumber ? ours.has(text) : isAlive(owner, lastSign)) return { owner };
      await removeDead(path, text, whole);
    }
    isHeld = true;
  } catch (error) {
    throw describeFileError(error, path, "write");
  } finally {
    if (!isHeld) ours.delete(mine);
    await rm(whole, { force: true });
  }
  hold(path, mine);
  const beat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), heartbeat).unref();
  return {
    async release() {
      clearInterval(beat);
      letGo(path);
    },
  };
}

async function isSame(one: string, other: string): Promise<boolean> {
  const [x, y] = await Promise.all([one, other].map((path) => stat(path).catch(() => undefined)));
  return x !== undefined && y !== undefined && x.ino === y.ino && x.dev === y.dev;
}

/**
 * Removes a dead one's lock, unless it has gone meanwhile. One process at a time does that, under a guard: two that saw the same dead lock could else remove
 * it and the one that took its place.
 */
async function removeDead(path: string, text: string, whole: string): Promise<void> {
  const guard = `${path}.taking`;
  const isMine = await link(whole, guard).then(
    () => true,
    () => false,
  );
  if (!isMine) {
    const age = Date.now() - ((await stat(guard).catch(() => undefined))?.ctimeMs ?? Date.now());
    if (age > guardLimit) await rm(guard, { force: true }); // its process died in between
    return pause(5);
  }
  try {
    if ((await readFile(path, "utf8").catch(() => undefined)) === text) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What this process has written into locks that it holds, or is about to. */
const ours = new Set<string>();
/** What this process holds, by path; it is let go when the process ends, however that is asked for. */
const held = new Map<string, string>();

function hold(path: string, text: string): void {
  if (!isWatching) {
    isWatching = true;
    process.on("exit", () => {
      for (const one of held.keys()) letGo(one);
    });
    for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));
  }
  held.set(path, text);
}
let isWatching = false;

function letGo(path: string): void {
  const mine = held.get(path);
  held.delete(path);
  if (mine) ours.delete(mine);
  try {
    if (readFileSync(path, "utf8") === mine) rmSync(path, { force: true });
  } catch {} // it is gone already
}
