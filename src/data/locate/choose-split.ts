// Which split of a data set is meant.
import { listSome, UserError } from "../../core/index.ts";
import type { Split } from "../dataset.ts";

/** Default: samples that the network was not trained on, where there are some. */
const preferred: readonly Split[] = ["test", "valid", "train"];

/** The entry of the split that is asked for. Throws {@link UserError} that names what is there. */
export function chooseSplit<T extends { readonly split: Split }>(path: string, there: readonly T[], split?: Split): T {
  const order = split === undefined ? preferred : [split];
  for (const one of order) {
    const found = there.find((entry) => entry.split === one);
    if (found) return found;
  }
  const names = new Set(there.map((entry) => entry.split));
  throw new UserError(`${path} has no split ${split}; it has ${listSome(names)}. Choose one of them with --split.`);
}
