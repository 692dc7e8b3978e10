// Atomic files: each is written under a temporary name in the same folder, then renamed.
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
import { isAlive, lockOwner, partName, writerOf } from "./lock/owner.ts";

/** The project's root folder (with package.json), the same from src/ and from dist/. */
export const projectRoot = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Makes a folder and its parents, one by one; returns the topmost new one. Node's `recursive` option never returns
 * where the system says that an existing parent does not exist, as under /proc.
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

/** Removes a file or folder when this process ends, also when interrupted. The returned function cancels that. */
export function removeAtExit(path: string): () => void {
  unfinished.add(path);
  return () => unfinished.delete(path);
}

/**
 * Writes a file atomically, and makes its folder. `content` is the file's content, or a function that writes to an open
 * handle in steps and also receives the temporary name. Throws {@link UserError} when the file cannot be written, and
 * leaves nothing behind.
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

/** Copies a file's content without its permissions: files in a cache may be read-only. */
export async function copyContent(path: string, to: string): Promise<void> {
  const content = await readFile(path).catch((error) => {
    throw describeFileError(error, path, "read");
  });
  await writeAtomic(to, content);
}

/**
 * Makes a file appear at a second path, atomically: as a hard link, or as a copy where links are impossible. Keeps an
 * existing file.
 */
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

/** Removes unfinished files and locks of dead processes from a folder and its subfolders. */
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
  EEXIST: "a file or folder of that name already exists",
};

/** Throws {@link UserError} when a folder, existing or not, cannot be written to. Check this before hours of work. */
export async function requireWritable(folder: string): Promise<void> {
  try {
    const made = await makeFolder(resolve(folder));
    await access(folder, constants.W_OK);
    // only empty folders: another process may already use them
    for (let at = resolve(folder); made && at.length >= made.length; at = dirname(at)) await rmdir(at).catch(() => {});
  } catch (error) {
    throw describeFileError(error, folder, "write");
  }
}

/** Turns an operating-system error into a {@link UserError}; returns anything else unchanged. */
export function describeFileError(error: unknown, path: string, action: "read" | "write"): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const reason = code && reasons[code];
  if (!reason) return error;
  const why = action === "write" && code === "ENOENT" ? "its folder cannot be created" : reason;
  const advice =
    action === "read" ? "Check the path." : code === "ENOSPC" ? "Free some space." : "Choose another path.";
  return new UserError(`Cannot ${action} ${path}: ${why}. ${advice}`, { cause: error });
}

/** Makes a new folder `base`, or `base-2`, `base-3` … if that name is taken; returns its path. */
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

/** Parses a JSON file that layerwise has written. Throws {@link UserError} when it is damaged. */
export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UserError(`${path} is damaged: it is not JSON. Remove it, then rerun the command that wrote it.`);
  }
}
