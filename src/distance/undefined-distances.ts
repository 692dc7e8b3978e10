// Undefined distances: those of layers with weights that are not finite in one file. Found from the sums, so no file is
// read twice.
import { listSome } from "../core/index.ts";
import { type Layer, layerIndex } from "../models/index.ts";
import type { Sums } from "./sums.ts";

export interface UndefinedDistances {
  /** Checks a tensor's sums and returns them; `a` and `b` are the paths of the files. */
  add(name: string, sums: Sums, a: string, b: string): Sums;
  /** One note for each file. */
  notes(): string[];
}

export function collectUndefinedDistances(layers: readonly Layer[]): UndefinedDistances {
  const index = layerIndex(layers);
  const broken = new Map<string, Set<string>>();
  return {
    add(name, sums, a, b) {
      for (const [path, squares] of [
        [a, sums.a],
        [b, sums.b],
      ] as const)
        if (!Number.isFinite(squares))
          broken.set(path, (broken.get(path) ?? new Set()).add(layers[index.get(name)!].name));
      return sums;
    },
    notes: () =>
      [...broken].map(
        ([path, names]) =>
          `${path} contains NaN or infinite weights in ${listSome(names)}: the distances of these layers, and the full distance, are undefined.`,
      ),
  };
}
