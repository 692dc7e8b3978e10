// What a merge keeps from one end, as it has no average, and what it averages that has one only together: which end it comes from, and the notes.
import type { Differing, Kinds } from "../distance/index.ts";
import { notesOfKept } from "../distance/index.ts";
import { isAveraged, type Layer } from "../models/index.ts";
import { noteOfAdapters } from "./adapters.ts";

export interface Keeping {
  /** The end that a tensor comes from; undefined for what is averaged. */
  endOf(name: string): "a" | "b" | undefined;
  notes(): string[];
}

/** `alphas` has the weight of b of every averaged layer; the other layers come from `base`. */
export function keepFrom(
  { kinds, layers }: { readonly kinds: Kinds; readonly layers: readonly Layer[] },
  alphas: ReadonlyMap<string, number>,
  base: "a" | "b",
  paths: Readonly<Record<"a" | "b", string>>,
): Keeping {
  const layerOf = new Map(layers.flatMap(({ name, parameters }) => parameters.map((p) => [p, name] as const)));
  const differing = new Map(kinds.differing.map((one) => [one.name, one]));
  const end = ({ name, intactIn }: Pick<Differing, "name" | "intactIn">) => {
    const alpha = alphas.get(layerOf.get(name) ?? "");
    return intactIn ?? (alpha === 0 ? "a" : alpha === 1 ? "b" : base);
  };
  const isMixed = (layer: string | undefined) => layer === undefined || ![undefined, 0, 1].includes(alphas.get(layer));
  return {
    endOf: (name) => (isAveraged(kinds.of(name)) ? undefined : end(differing.get(name) ?? { name })),
    notes: () => [
      ...notesOfKept(
        kinds.differing.filter(({ name }) => isMixed(layerOf.get(name))),
        (one) => `they come from ${paths[end(one)]}`,
      ),
      ...noteOfAdapters(layers.filter(({ name }) => isMixed(name)).flatMap(({ parameters }) => parameters)),
    ],
  };
}
