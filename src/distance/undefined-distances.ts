// Distances that do not exist: those of layers with weights that are not finite in one file only. They are found in the sums, so that no file is read twice.
import { listSome } from "../core/index.ts";
import { type Layer, layerIndex } from "../models/index.ts";
import type { Sums } from "./sums.ts";

export interface UndefinedDistances {
  /** Collects what a tensor's sums show, and returns them; `a` and `b` are the paths of the files. */
  add(name: string, sums: Sums, a: string, b: string): Sums;
  /** As sentences. */
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
          `${path} holds NaN or infinite weights in ${listSome(names)}: no distance of these layers, nor of all, can be told.`,
      ),
  };
}
