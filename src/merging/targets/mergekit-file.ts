// The same choice of layers as a mergekit configuration, for users who merge with mergekit.
import { stat } from "node:fs/promises";
import { dirname, sep } from "node:path";
import { type Checkpoint, storedInfo } from "../../checkpoints/index.ts";
import { dtypesBySize, isFloating, listSome, requireWritable, UserError } from "../../core/index.ts";
import { hubNameOf, type ModelFolder, writeMergekit } from "../../hub/index.ts";
import type { Layer } from "../../models/index.ts";
import type { MergeRecord } from "../record.ts";
import { findPlace } from "./folder-place.ts";

/**
 * Throws {@link UserError} if the file cannot be written, or would be in the merged folder, which is replaced as a
 * whole.
 */
export async function requireMergekitPlace(path: string, folder: string): Promise<void> {
  const place = await findPlace(path);
  if (place === folder || place.startsWith(folder + sep))
    throw new UserError(
      `${path} is in the merged folder, which is replaced as a whole. Give --mergekit a path outside it.`,
    );
  const info = await stat(place).catch(() => undefined);
  if (info?.isDirectory()) throw new UserError(`${path} is a folder. Give --mergekit the name of a file.`);
  await requireWritable(dirname(place));
}

/** The text of the configuration. */
export function mergekitText(
  [a, b]: readonly [ModelFolder, ModelFolder],
  x: Checkpoint,
  layers: readonly Layer[],
  { averaged, base }: MergeRecord,
): string {
  const alphas = new Map(Object.entries(averaged));
  return writeMergekit({ a: nameOf(a), b: nameOf(b), layers, alphas, base, dtype: typesIn(x)[0] });
}

/** A note if a has tensors of several dtypes, since mergekit writes all tensors in one. */
export function noteOfTypes(x: Checkpoint, path: string): string[] {
  const [most, ...others] = typesIn(x);
  return others.length
    ? [`With ${path}, mergekit writes every tensor as ${most}, but ${x.path} has some in ${listSome(others)}.`]
    : [];
}

/** The dtypes of the tensors in the files, the one with most elements first. */
function typesIn(x: Checkpoint): string[] {
  const stored = [...x.tensors.keys()].map((name) => storedInfo(x, name));
  return dtypesBySize(stored.filter(({ dtype }) => isFloating(dtype)));
}

/**
 * mergekit's name of a folder: `base+adapter` for an adapter. Throws {@link UserError} for a path that mergekit would
 * misread.
 */
function nameOf({ path, adapter }: ModelFolder): string {
  const parts = adapter ? [hubNameOf(adapter.base) ?? adapter.base, path] : [path];
  for (const part of parts)
    if (part.includes("+") || (part.includes("@") && !hubNameOf(part)))
      throw new UserError(
        `${part} contains + or @, which mergekit reads as an adapter or a revision. Rename the folder, or omit --mergekit.`,
      );
  return parts.join("+");
}
