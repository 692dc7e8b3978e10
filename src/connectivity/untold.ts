// What distances do not tell: whole numbers that differ, which have none, and weights that are not finite, whose layers have none. Both are heard of in
// the sums, so that no file is read twice.
import { listSome, sizeOf } from "../core/index.ts";
import { type Layer, type LayerTensor, layerIndex } from "./layers.ts";
import type { Sums } from "./sums.ts";

export interface Untold {
  /** Takes note of a tensor's sums, and hands them on; `a` and `b` are the paths of the files. */
  hear(name: string, sums: Sums, a: string, b: string): Sums;
  /** As sentences. */
  notes(): string[];
}

export function noteUntold(tensors: readonly LayerTensor[], layers: readonly Layer[]): Untold {
  const counters = new Set(tensors.filter(({ shape }) => sizeOf(shape) === 1).map(({ name }) => name));
  const index = layerIndex(layers);
  const whole = new Set<string>();
  const broken = new Map<string, Set<string>>();
  return {
    hear(name, sums, a, b) {
      if (sums.whole > 0 && !counters.has(name)) whole.add(name);
      for (const [path, squares] of [
        [a, sums.a],
        [b, sums.b],
      ] as const)
        if (!Number.isFinite(squares))
          broken.set(path, new Set([...(broken.get(path) ?? []), layers[index.get(name)!].name]));
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
