// Distances that do not exist: of whole numbers that differ, and of layers with weights that are not finite. Both are found in the sums, so that no file
// is read twice.
import { listSome, sizeOf } from "../core/index.ts";
import { type Layer, type LayerTensor, layerIndex } from "../models/index.ts";
import type { Sums } from "./sums.ts";

export interface UndefinedDistances {
  /** Collects what a tensor's sums show, and returns them; `a` and `b` are the paths of the files. */
  add(name: string, sums: Sums, a: string, b: string): Sums;
  /** As sentences. */
  notes(): string[];
}

export function collectUndefinedDistances(
  tensors: readonly LayerTensor[],
  layers: readonly Layer[],
): UndefinedDistances {
  const counters = new Set(tensors.filter(({ shape }) => sizeOf(shape) === 1).map(({ name }) => name));
  const index = layerIndex(layers);
  const whole = new Set<string>();
  const broken = new Map<string, Set<string>>();
  return {
    add(name, sums, a, b) {
      if (sums.whole > 0 && !counters.has(name)) whole.add(name);
      for (const [path, squares] of [
        [a, sums.a],
        [b, sums.b],
      ] as const)
        if (!Number.isFinite(squares))
          broken.set(path, (broken.get(path) ?? new Set()).add(layers[index.get(name)!].name));
      return sums;
    },
    notes: () => [
      ...[...broken].map(
        ([path, names]) =>
          `${path} holds NaN or infinite weights in ${listSome(names)}: no distance of these layers, nor of all, can be told.`,
      ),
      ...(whole.size
        ? [`Whole-number tensors differ and are not counted: ${listSome([...whole].sort(), 3)}. Are they quantised?`]
        : []),
    ],
  };
}
