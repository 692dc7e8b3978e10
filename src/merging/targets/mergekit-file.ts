// The same choice of layers as a mergekit configuration, for those who merge with mergekit.
import { stat } from "node:fs/promises";
import { dirname, sep } from "node:path";
import { type Checkpoint, storedInfo } from "../../checkpoints/index.ts";
import { isFloating, listSome, requireWritable, sizeOf, UserError } from "../../core/index.ts";
import { hubNameOf, type ModelFolder, writeMergekit } from "../../hub/index.ts";
import type { Layer } from "../../models/index.ts";
import type { MergeRecord } from "../record.ts";
import { findPlace } from "./folder-place.ts";

/** Throws {@link UserError} where the file could not be written, or would be in the merged folder, which is replaced as a whole. */
export async function requireMergekitPlace(path: string, folder: string): Promise<void> {
  const place = await findPlace(path);
  if (place === folder || place.startsWith(folder + sep))
    throw new UserError(
      `${path} is in the merged folder, which holds what merge writes there. Give --mergekit a place outside of it.`,
    );
  const info = await stat(place).catch(() => undefined);
  if (info?.isDirectory()) throw new UserError(`${path} is a folder. Give --mergekit the name of a file.`);
  await requireWritable(dirname(place));
}

/** The text of the configuration, and a note where mergekit would write other types. */
export function mergekitText(
  [a, b]: readonly [ModelFolder, ModelFolder],
  x: Checkpoint,
  layers: readonly Layer[],
  { averaged, base }: MergeRecord,
): string {
  const alphas = new Map(Object.entries(averaged));
  return writeMergekit({ a: nameOf(a), b: nameOf(b), layers, alphas, base, dtype: typesIn(x)[0] });
}

/** A note where mergekit, which writes all tensors in one type, does not write those of a. */
export function noteOfTypes(x: Checkpoint, path: string): string[] {
  const [most, ...others] = typesIn(x);
  return others.length
    ? [`mergekit writes every tensor in ${most} by ${path}, but ${x.path} has some in ${listSome(others)}.`]
    : [];
}

/** The types of the tensors in the files, that of most elements first. */
function typesIn(x: Checkpoint): string[] {
  const elements = new Map<string, number>();
  for (const name of x.tensors.keys()) {
    const { dtype, shape } = storedInfo(x, name);
    if (isFloating(dtype)) elements.set(dtype, (elements.get(dtype) ?? 0) + sizeOf(shape));
  }
  return [...elements].sort(([, one], [, other]) => other - one).map(([dtype]) => dtype);
}

/** What mergekit calls a folder: `base+adapter` for an adapter. Throws {@link UserError} for a path in which it would see more. */
function nameOf({ path, adapter }: ModelFolder): string {
  const parts = adapter ? [hubNameOf(adapter.base) ?? adapter.base, path] : [path];
  for (const part of parts)
    if (part.includes("+") || (part.includes("@") && !hubNameOf(part)))
      throw new UserError(
        `${part} holds + or @, which mergekit reads as an adapter or a revision. Rename the folder, or leave --mergekit out.`,
      );
  return parts.join("+");
}
