// The plan of a merge: the alpha of each tensor.
import type { Differing } from "../distance/index.ts";
import type { MergeEnds } from "./ends.ts";
import { keepFrom } from "./kept.ts";
import type { MergeOptions } from "./options.ts";

interface Plan {
  /** Undefined for a tensor that is copied from a's file unchanged. */
  alphaOf(name: string): number | undefined;
  /** Quantised weights and other integers that differ in averaged layers, which a merge of state dicts refuses. */
  refused(): Differing[];
  /** Notes about tensors that cannot be averaged. */
  notes(): string[];
}

/** Plans a merge; `alphas` contains only the averaged layers. */
export function planMerge(
  ends: Pick<MergeEnds, "layers" | "kinds" | "isStatistic">,
  alphas: ReadonlyMap<string, number>,
  { a, b, base = "a", statistics }: Pick<MergeOptions, "a" | "b" | "base" | "statistics">,
): Plan {
  const { layers } = ends;
  const layerOf = new Map(layers.flatMap(({ name, parameters }) => parameters.map((p) => [p, name] as const)));
  const keeping = keepFrom(ends, alphas, base, { a, b });
  return {
    alphaOf(name) {
      const kept = keeping.endOf(name);
      if (kept) return kept === "b" ? 1 : undefined;
      const alpha = alphas.get(layerOf.get(name)!);
      if (alpha === undefined) return base === "b" ? 1 : undefined;
      return statistics === "a" && ends.isStatistic(name) ? undefined : alpha; // the output is a copy of a's file
    },
    refused: keeping.refused,
    notes: keeping.notes,
  };
}
