// Files that appear whole or not at all: everything is written under a temporary name beside its place, then renamed.
import { constants, existsSync, mkdirSync, rmSync } from "node:fs";
import {
  access,
  copyFile,
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
} from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "./errors.ts";
import { isAlive, lockOwner, partName, writerOf } from "./owner.ts";

/** The project's own root (where package.json lies), the same from src/ and from dist/. */
export const projectRoot = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Makes a folder and those above it, one by one; returns the topmost that was new. Node's own recursive way never ends where the system
 * denies that a folder's parent is there, as under /proc.
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  try {
    await mkdir(path);
    return path;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return undefined;
    if (code !== "ENOENT" || dirname(path) === path) throw error;
  }
  const above = await makeFolder(dirname(path));
  await mkdir(path).catch((error) => {
    if (error.code !== "EEXIST") throw error;
  });
  return above ?? path;
}

const unfinished = new Set<string>();
process.on("exit", () => {
  for (const path of unfinished) rmSync(path, { force: true, recursive: true });
});

/** Removes a file or folder when this process ends, also by an interrupt, unless the returned function is called before. */
export function removeAtExit(path: string): () => void {
  unfinished.add(path);
  return () => unfinished.delete(path);
}

/**
 * Writes a file in one piece. `content` is the whole of it, or a function that writes to an open handle in steps, given also the temporary name.
 * The folder is made when missing. Throws {@link UserError} when it cannot be written; nothing is left behind then.
 */
export async function writeAtomic(
  path: string,
  content: string | Uint8Array | ((handle: FileHandle, temporary: string) => Promise<void>),
): Promise<void> {
  const temporary = partName(path);
  const keep = removeAtExit(temporary);
  try {
    await makeFolder(dirname(path));
    const handle = await open(temporary, "wx");
    try {
      if (typeof content === "function") await content(handle, temporary);
      else await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw describeFileError(error, path, "write");
  } finally {
    keep();
  }
}

/** Makes a file appear under a second path, whole or not at all: as a hard link, or as a copy where the file system has none. One that is there stays. */
export async function linkOrCopy(path: string, to: string): Promise<void> {
  const failure = await link(path, to).catch((error: NodeJS.ErrnoException) => error);
  if (!failure || failure.code === "EEXIST") return;
  if (failure.code === "ENOENT") throw describeFileError(failure, path, "read");
  const temporary = partName(to);
  try {
    await copyFile(path, temporary);
    await rename(temporary, to);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw describeFileError(error, to, "write");
  }
}

/** Removes what processes that are gone left in a folder (and those below it): files half written, and locks. */
export async function removeUnfinished(folder: string, recursive = true): Promise<void> {
  for (const file of await readdir(folder, { recursive }).catch(() => [])) {
    const path = join(folder, file);
    const isLock = /^\..*\.lock(\.taking)?$/.test(basename(file));
    const writer = isLock ? await readFile(path, "utf8").then(lockOwner, () => undefined) : writerOf(file);
    if (writer && !isAlive(writer, (await stat(path).catch(() => undefined))?.mtimeMs ?? 0))
      await rm(path, { force: true });
  }
}

const reasons: Record<string, string> = {
  ENOENT: "there is no such file",
  EACCES: "permission is denied",
  EPERM: "permission is denied",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is a file",
  ENOSPC: "the disk is full",
  EROFS: "the file system is read-only",
  EEXIST: "something of that name is in the way",
};

/** Throws {@link UserError} when nothing can be written into a folder, there or not: better before hours of work than after them. */
export async function requireWritable(folder: string): Promise<void> {
  try {
    const made = await makeFolder(resolve(folder));
    await access(folder, constants.W_OK);
    // only what is still empty: another process may have begun there
    for (let at = resolve(folder); made && at.length >= made.length; at = dirname(at)) await rmdir(at).catch(() => {});
  } catch (error) {
    throw describeFileError(error, folder, "write");
  }
}

/** Turns an operating-system error into one sentence; anything else is returned as it is. */
export function describeFileError(error: unknown, path: string, action: "read" | "write"): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const reason = code && reasons[code];
  if (!reason) return error;
  const advice = action === "read" ? "Check the path." : "Choose another place or free some space.";
  return new UserError(`Cannot ${action} ${path}: ${reason}. ${advice}`, { cause: error });
}

/** Makes a new folder `base`, or `base-2`, `base-3` … when that name is taken; returns the one that was made. */
export function makeFreshFolder(base: string): string {
  for (let i = 1; ; i++) {
    const path = i === 1 ? base : `${base}-${i}`;
    if (existsSync(path)) continue;
    try {
      mkdirSync(dirname(path), { recursive: true });
      mkdirSync(path);
    } catch (error) {
      throw describeFileError(error, path, "write");
    }
    return path;
  }
}

/** A JSON file that this project has written. Throws {@link UserError} when it is damaged. */
export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UserError(`${path} is damaged: it is no JSON. Remove it, and run the command again that made it.`);
  }
}
