// The distances of two Hugging Face folders, under the names of their family, and the check before a merge. If their
// tensors differ in names or shapes, only the check is done.
import { type KeyedFile, withKey } from "../checkpoints/index.ts";
import { UserError } from "../core/index.ts";
import { checkPair, type FolderWeights, hasDescription, modelOf, openWeights, readModelFolder } from "../hub/index.ts";
import { layersOf } from "../models/index.ts";
import { type CompareOptions, distancesOf } from "./compare.ts";
import { kindsOfFiles } from "./kinds.ts";
import type { FolderComparison } from "./result.ts";

/** Whether both are folders with a model description. Throws {@link UserError} if only one is. */
export function areFolders(a: string, b: string): boolean {
  const [isFolder, isOther] = [a, b].map(hasDescription);
  if (isFolder !== isOther)
    throw new UserError(
      `${isFolder ? a : b} is a model folder, but ${isFolder ? b : a} is not. Give two folders, or two files.`,
    );
  return isFolder;
}

/**
 * Checks two Hugging Face folders (paths, or names in the cache) against each other before a merge, and compares their
 * weights; blocks are the layers unless `group` says otherwise. Throws a {@link UserError} if a folder cannot be read.
 * @param options How layers are grouped; a common initialisation.
 * @param onProgress Called with the elements done and their total.
 * @example
 * ```ts
 * import { compareFolders } from "layerwise";
 *
 * const folder = "../../embedded/tiny-llama";
 * const { preflight, distance } = await compareFolders(folder, folder);
 * console.log(preflight.can_average, distance?.full.euclidean); // true 0
 * ```
 */
export async function compareFolders(
  a: string,
  b: string,
  { group, init, keys = {} }: CompareOptions = {},
  onProgress: (done: number, total: number) => void = () => {},
): Promise<FolderComparison> {
  const opened: FolderWeights[] = [];
  const open = async (path: string, end: KeyedFile) => {
    const weights = await openWeights(await readModelFolder(path), withKey(keys, end));
    opened.push(weights);
    return weights;
  };
  try {
    const [x, y] = [await open(a, "a"), await open(b, "b")];
    const start = init === undefined ? [] : [await open(init, "init")];
    const preflight = await checkPair(x, y);
    const document = {
      schema: "layerwise/distance@1" as const,
      a: { path: a },
      b: { path: b },
      ...(init === undefined ? {} : { init: { path: init } }),
      preflight,
    };
    if (!haveSameTensors(x, y)) return { ...document, layers: [], distance: null };
    if (start.some((one) => !haveSameTensors(x, one)))
      throw new UserError(`${init} is a different network from ${a} and ${b}. Give the model that both started from.`);
    const model = modelOf(x.model, group);
    const layers = layersOf(model);
    const { tied } = model;
    const kinds = await kindsOfFiles(x, y);
    const tensors = [...x.tensors.values()].map((t) => ({ ...t, kind: kinds.of(t.name).parameter }));
    const placeIn = (_: unknown, name: string) => name;
    const files = [x, y, ...start];
    const notes = [...new Set(files.flatMap(({ notes = [] }) => notes))];
    const weights = { tensors, kinds, tied, placeIn, files, notes };
    return { ...document, layers, ...(await distancesOf(weights, layers, onProgress)) };
  } finally {
    await Promise.all(opened.map((file) => file.close()));
  }
}

function haveSameTensors(a: FolderWeights, b: FolderWeights): boolean {
  const isLike = ([name, { shape }]: [string, { readonly shape: readonly number[] }]) =>
    String(b.tensors.get(name)?.shape) === String(shape);
  return a.tensors.size === b.tensors.size && [...a.tensors].every(isLike);
}
