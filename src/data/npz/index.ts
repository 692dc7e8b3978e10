// npz:FILE: numpy arrays of the user's own, named as the model's inputs, and `labels` (or another usual name). The file is one set; --split only names it.
import { openCheckpoint, readAll } from "../../checkpoints/index.ts";
import { UserError } from "../../core/index.ts";
import { arrayDataset } from "../arrays.ts";
import type { DataOptions, Dataset } from "../dataset.ts";
import { findLabels } from "../layout.ts";

export async function openNpzData(path: string, options: DataOptions): Promise<Dataset> {
  if (options.mean || options.std)
    throw new UserError(
      "--mean and --std are for images in official files. Normalise the arrays before you save them.",
    );
  const file = await openCheckpoint(path);
  try {
    if (file.format !== "npz") throw new UserError(`${path} is no .npz file. Save the arrays with numpy.savez.`);
    const arrays = await readAll(file);
    const name = findLabels(path, arrays, options.declared);
    const labels = arrays.get(name)!;
    arrays.delete(name);
    const notes = name === "labels" ? undefined : [`The labels are the array ${name}.`];
    return arrayDataset(`npz:${path}`, path, { inputs: arrays, labels }, options, notes);
  } finally {
    await file.close();
  }
}
