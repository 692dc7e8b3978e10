// What each tensor of a merged file is made of: the weight of b that it gets.
import type { MergeEnds } from "./ends.ts";
import { keepFrom } from "./kept.ts";
import type { MergeOptions } from "./options.ts";

interface Plan {
  /** The weight of b; undefined for what stays as it is in a's file. */
  weightOf(name: string): number | undefined;
  /** What to say of tensors that have no average. */
  notes(): string[];
}

/** `shares` has the weight of b of every averaged layer. */
export function planMerge(
  ends: Pick<MergeEnds, "layers" | "kinds" | "isStatistic">,
  shares: ReadonlyMap<string, number>,
  { a, b, base = "a", statistics }: Pick<MergeOptions, "a" | "b" | "base" | "statistics">,
): Plan {
  const { layers } = ends;
  const layerOf = new Map(layers.flatMap(({ name, parameters }) => parameters.map((p) => [p, name] as const)));
  const keeping = keepFrom(ends, shares, base, { a, b });
  return {
    weightOf(name) {
      const kept = keeping.endOf(name);
      if (kept) return kept === "b" ? 1 : undefined;
      const share = shares.get(layerOf.get(name)!);
      if (share === undefined) return base === "b" ? 1 : undefined;
      return statistics === "a" && ends.isStatistic(name) ? undefined : share; // the file is a copy of a's
    },
    notes: keeping.notes,
  };
}
