// Chooses the split of a data set.
import { listSome, UserError } from "../../core/index.ts";
import type { Split } from "../dataset.ts";

/** The default order: samples that the network was not trained on come first. */
const preferred: readonly Split[] = ["test", "valid", "train"];

/** The entry of the requested split. Throws a {@link UserError} that lists the splits. */
export function chooseSplit<T extends { readonly split: Split }>(path: string, there: readonly T[], split?: Split): T {
  const order = split === undefined ? preferred : [split];
  for (const one of order) {
    const found = there.find((entry) => entry.split === one);
    if (found) return found;
  }
  const names = new Set(there.map((entry) => entry.split));
  throw new UserError(
    `${path} has no split ${split}. Its splits are ${listSome(names)}. Choose one of them with --split.`,
  );
}
