// Lock files: only one process works on a thing at a time, also from several machines on a shared folder.
import { randomBytes } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { link, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { describeFileError } from "../files.ts";
import { isAlive, lockOwner, type Owner, partName, self } from "./owner.ts";

/** Milliseconds between heartbeats. */
const heartbeat = 15_000;
/** Milliseconds after which a guard's process is presumed dead: it holds the guard for only a few file operations. */
const guardLimit = 30_000;

/** If held, `release` releases it. If not, `owner` holds it. */
export type Lock = { readonly release: () => Promise<void> } | { readonly owner: Owner };

/** Takes the lock file `path`, or returns its owner. Takes over the lock of a dead process. */
export async function takeLock(path: string): Promise<Lock> {
  const whole = partName(path); // a hard link is atomic and succeeds for only one process, also on NFS
  const mine = JSON.stringify({ ...self(), nonce: randomBytes(8).toString("hex") });
  ours.add(mine);
  let isHeld = false;
  try {
    await writeFile(whole, mine);
    for (;;) {
      const failure = await link(whole, path).catch((error: NodeJS.ErrnoException) => error);
      if (!failure || (await isSame(whole, path))) break; // a reply of NFS may get lost
      if (failure.code !== "EEXIST") throw failure;
      const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
      });
      if (text === undefined) continue; // it has just been released
      const owner = lockOwner(text);
      const lastHeartbeat = (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
      // a lock with this process's pid that it did not write is from a dead process (a restarted container)
      const isOurPid = owner.pid === process.pid && owner.host === hostname();
      if (isOurPid ? ours.has(text) : isAlive(owner, lastHeartbeat)) return { owner };
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
  const timer = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), heartbeat).unref();
  return {
    async release() {
      clearInterval(timer);
      release(path);
    },
  };
}

async function isSame(one: string, other: string): Promise<boolean> {
  const [x, y] = await Promise.all([one, other].map((path) => stat(path).catch(() => undefined)));
  return x !== undefined && y !== undefined && x.ino === y.ino && x.dev === y.dev;
}

/**
 * Removes the lock of a dead process, if it is still there. A guard lets one process at a time do that: otherwise two
 * processes that saw the same dead lock could remove it and then the new lock in its place.
 */
async function removeDead(path: string, text: string, whole: string): Promise<void> {
  const guard = `${path}.taking`;
  const isMine = await link(whole, guard).then(
    () => true,
    () => false,
  );
  if (!isMine) {
    const age = Date.now() - ((await stat(guard).catch(() => undefined))?.ctimeMs ?? Date.now());
    if (age > guardLimit) await rm(guard, { force: true }); // its process has died
    return pause(5);
  }
  try {
    if ((await readFile(path, "utf8").catch(() => undefined)) === text) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The contents of locks that this process holds or is taking. */
const ours = new Set<string>();
/** The contents of locks that this process holds, by path. All are released when the process ends. */
const held = new Map<string, string>();

function hold(path: string, text: string): void {
  if (!isWatching) {
    isWatching = true;
    process.on("exit", () => {
      for (const one of held.keys()) release(one);
    });
    for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));
  }
  held.set(path, text);
}
let isWatching = false;

function release(path: string): void {
  const mine = held.get(path);
  held.delete(path);
  if (mine) ours.delete(mine);
  try {
    if (readFileSync(path, "utf8") === mine) rmSync(path, { force: true });
  } catch {} // it does not exist any more
}
