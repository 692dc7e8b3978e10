// Checks the path of a merged folder before any work, and again at the end. Files that merge did not write are never
// replaced.
import { readdir, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path";
import { listSome, partName, requireWritable, UserError } from "../../core/index.ts";
import type { ModelFolder } from "../../hub/index.ts";
import { type MergeRecord, recordName } from "../record.ts";

/** The path with all links resolved. */
export async function findPlace(out: string): Promise<string> {
  const place = await realpath(out).catch(() => undefined);
  if (place) return place;
  const above = dirname(resolve(out));
  return join(above === resolve(out) ? above : await findPlace(above), basename(out));
}

/**
 * Throws {@link UserError} if the folder cannot be written, is inside an end, or contains files that no merge has
 * written.
 */
export async function requireFolderPlace(ends: readonly ModelFolder[], out: string, place: string): Promise<void> {
  if (extname(out) === ".json")
    throw new UserError(
      `Two folders are merged into a folder, but ${out} is the name of a JSON file. Give --out another name.`,
    );
  const info = await stat(place).catch(() => undefined);
  if (info && !info.isDirectory()) throw new UserError(`${out} is a file. Give --out the name of a folder.`);
  for (const { path, folder, adapter } of ends)
    for (const own of [folder, adapter?.folder ?? folder].map((one) => realpath(one))) {
      const end = await own;
      if (place === end || place.startsWith(end + sep))
        throw new UserError(
          `${out} is ${place === end ? "" : "in "}${path}, one of the two ends. Give --out another folder.`,
        );
    }
  const strange = info ? await foreignFiles(place) : [];
  if (strange.length)
    throw new UserError(
      `${out} contains files that merge did not write: ${listSome(strange, 3)}. Give --out another folder, or remove them.`,
    );
  await requireWritable(dirname(place));
}

/** The files of a folder that its record does not list. */
async function foreignFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"));
  const record = await readFile(join(folder, recordName), "utf8")
    .then((text) => JSON.parse(text) as Partial<MergeRecord>)
    .catch(() => undefined);
  const own = record?.schema === "layerwise/merge@1" ? (record.out?.files ?? []) : [];
  return files.filter((file) => !own.includes(file)).sort();
}

/** Moves a folder to its place. An existing folder is replaced, and restored if the move fails. */
export async function moveInto(place: string, part: string): Promise<void> {
  const old = partName(place);
  const isThere = await rename(place, old).then(
    () => true,
    (error) => {
      if (error.code !== "ENOENT") throw error;
      return false;
    },
  );
  try {
    await rename(part, place);
  } catch (error) {
    if (isThere) await rename(old, place);
    throw error;
  }
  if (isThere) await rm(old, { recursive: true, force: true });
}
