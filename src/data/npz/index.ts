// npz:FILE: the user's numpy arrays, with the names of the model's inputs, and `labels` (or another usual name). The
// file is a single set; --split only names it.
import { type Checkpoint, openCheckpoint, readAll, unreadDtype } from "../../checkpoints/index.ts";
import { listSome, type Tensor, UserError } from "../../core/index.ts";
import { arrayDataset } from "../arrays.ts";
import type { DataOptions, Dataset, Declared } from "../dataset.ts";
import { findLabels, labelNames } from "../layout.ts";

export async function openNpzData(path: string, options: DataOptions): Promise<Dataset> {
  if (options.mean || options.std)
    throw new UserError(
      "--mean and --std are only for image files, not for arrays. Normalise the arrays before you save them.",
    );
  const file = await openCheckpoint(path);
  try {
    if (file.format !== "npz") throw new UserError(`${path} is not an .npz file. Save the arrays with numpy.savez.`);
    const arrays = await readAll(file);
    requireNumbers(path, arrays, options.declared, file.leftOut);
    const name = findLabels(path, arrays, options.declared, file.leftOut);
    const labels = arrays.get(name)!;
    if (!isInput(name, options.declared)) arrays.delete(name);
    const notes = name === "labels" ? [] : [`The labels are the array ${name}.`];
    const ignored = options.declared?.areOthersIgnored ? othersIn(path, arrays, options.declared) : [];
    for (const other of ignored) arrays.delete(other);
    if (ignored.length)
      notes.push(`Arrays of ${path} that the network does not use are ignored: ${listSome(ignored)}.`);
    return arrayDataset(`npz:${path}`, path, { inputs: arrays, labels }, options, notes.length ? notes : undefined);
  } finally {
    await file.close();
  }
}

/**
 * Throws {@link UserError} if an input of the network is among the arrays that were skipped because their elements are
 * not read.
 */
function requireNumbers(
  path: string,
  arrays: ReadonlyMap<string, Tensor>,
  declared?: Declared,
  leftOut: Checkpoint["leftOut"] = new Map(),
): void {
  const names = [...leftOut.keys()];
  const taken = names.filter((name) => name !== "labels" && declared?.inputs.some((input) => input.name === name));
  const isNoInput = (name: string) => labelNames.includes(name);
  const others = [...arrays.keys()].every(isNoInput) ? names.filter((name) => !isNoInput(name)) : [];
  const wanted = taken.length ? taken : others;
  if (wanted.length === 0) return;
  for (const name of wanted) if (leftOut.get(name)) throw unreadDtype(`${path}: ${name}`, leftOut.get(name)!);
  const all = listSome(wanted, 3);
  throw new UserError(
    `${path}: ${all} has strings or objects, but the network takes numbers. numpy stores samples of different lengths as objects: pad them to one length, and save ${wanted.length > 1 ? "each" : "it"} as an array of numbers.`,
  );
}

/** Whether a network also takes the labels as an input, to compute its own loss. */
const isInput = (labels: string, declared?: Declared): boolean =>
  declared !== undefined && declared.inputs.length > 1 && declared.inputs.some(({ name }) => name === labels);

/** The arrays that are not inputs of the network. Throws {@link UserError} if its first input is missing. */
function othersIn(path: string, arrays: ReadonlyMap<string, Tensor>, { inputs }: Declared): string[] {
  if (arrays.size === 1 && inputs.length === 1) return []; // the name does not matter
  const [{ name }] = inputs;
  if (!arrays.has(name))
    throw new UserError(
      `${path} has no array ${name}, which is the network's input. Its arrays are ${listSome(arrays.keys(), 8) || "labels only"}. Add ${name}.`,
    );
  return [...arrays.keys()].filter((key) => !inputs.some((input) => input.name === key));
}
