// npz:FILE: numpy arrays of the user's own, named as the model's inputs, and `labels` (or another usual name). The file is one set; --split only names it.
import { openCheckpoint, readAll } from "../../checkpoints/index.ts";
import { listSome, type Tensor, UserError } from "../../core/index.ts";
import { arrayDataset } from "../arrays.ts";
import type { DataOptions, Dataset, Declared } from "../dataset.ts";
import { findLabels, labelNames } from "../layout.ts";

export async function openNpzData(path: string, options: DataOptions): Promise<Dataset> {
  if (options.mean || options.std)
    throw new UserError(
      "--mean and --std are for images in official files. Normalise the arrays before you save them.",
    );
  const file = await openCheckpoint(path);
  try {
    if (file.format !== "npz") throw new UserError(`${path} is no .npz file. Save the arrays with numpy.savez.`);
    const arrays = await readAll(file);
    requireNumbers(path, arrays, options.declared, file.leftOut);
    const name = findLabels(path, arrays, options.declared, file.leftOut);
    const labels = arrays.get(name)!;
    if (!isInput(name, options.declared)) arrays.delete(name);
    const notes = name === "labels" ? [] : [`The labels are the array ${name}.`];
    const ignored = options.declared?.areOthersIgnored ? othersIn(path, arrays, options.declared) : [];
    for (const other of ignored) arrays.delete(other);
    if (ignored.length)
      notes.push(`Arrays of ${path} that the network does not take are ignored: ${listSome(ignored)}.`);
    return arrayDataset(`npz:${path}`, path, { inputs: arrays, labels }, options, notes.length ? notes : undefined);
  } finally {
    await file.close();
  }
}

/** Throws {@link UserError} where the network takes an array that is left out, since it is not of numbers, or would have to. */
function requireNumbers(
  path: string,
  arrays: ReadonlyMap<string, Tensor>,
  declared?: Declared,
  leftOut: readonly string[] = [],
): void {
  const taken = leftOut.filter((name) => name !== "labels" && declared?.inputs.some((input) => input.name === name));
  const isNoInput = (name: string) => labelNames.includes(name);
  const others = [...arrays.keys()].every(isNoInput) ? leftOut.filter((name) => !isNoInput(name)) : [];
  const wanted = taken.length ? taken : others;
  if (wanted.length === 0) return;
  const all = listSome(wanted, 3);
  throw new UserError(
    `${path} has ${all} as texts or objects, but the network takes numbers. Samples of different lengths are objects to numpy: pad them to one length, and save ${wanted.length > 1 ? "each" : "it"} as an array of numbers.`,
  );
}

/** Whether a network takes the labels, too, to compute a loss of its own. */
const isInput = (labels: string, declared?: Declared): boolean =>
  declared !== undefined && declared.inputs.length > 1 && declared.inputs.some(({ name }) => name === labels);

/** The arrays that are no input of the network. Throws {@link UserError} where its first one is not there. */
function othersIn(path: string, arrays: ReadonlyMap<string, Tensor>, { inputs }: Declared): string[] {
  if (arrays.size === 1 && inputs.length === 1) return []; // of any name
  const [{ name }] = inputs;
  if (!arrays.has(name))
    throw new UserError(
      `${path} has no array ${name}, which the network takes; it has ${listSome(arrays.keys(), 8) || "labels only"}. Add ${name} to it.`,
    );
  return [...arrays.keys()].filter((key) => !inputs.some((input) => input.name === key));
}
