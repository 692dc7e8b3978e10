// Tensors that cannot be averaged: which end a merge keeps them from, and the notes about them.
import { type Differing, type Kinds, notesOfKept } from "../distance/index.ts";
import { isAveraged, type Layer } from "../models/index.ts";
import { noteOfAdapters } from "./adapters.ts";

export interface Keeping {
  /** The end that a tensor is kept from; undefined if it is averaged. */
  endOf(name: string): "a" | "b" | undefined;
  /** Differing tensors that can neither be averaged nor kept from one end, in layers that are averaged. */
  refused(): Differing[];
  notes(): string[];
}

/** `alphas` contains the averaged layers; the other layers come from `base`. */
export function keepFrom(
  { kinds, layers }: { readonly kinds: Kinds; readonly layers: readonly Layer[] },
  alphas: ReadonlyMap<string, number>,
  base: "a" | "b",
  paths: Readonly<Record<"a" | "b", string>>,
): Keeping {
  const layerOf = new Map(layers.flatMap(({ name, parameters }) => parameters.map((p) => [p, name] as const)));
  const common =
    alphas.size === layers.length && new Set(alphas.values()).size === 1 ? [...alphas.values()][0] : undefined;
  const alphaOf = (name: string) => (layerOf.has(name) ? alphas.get(layerOf.get(name)!) : common);
  const differing = new Map(kinds.differing.map((one) => [one.name, one]));
  const end = ({ name, intactIn }: Pick<Differing, "name" | "intactIn">) => {
    const alpha = alphaOf(name);
    return intactIn ?? (alpha === 0 ? "a" : alpha === 1 ? "b" : base);
  };
  const isEnd = (alpha: number | undefined) => alpha === 0 || alpha === 1;
  const isKeptWithLayer = ({ name, intactIn }: Differing) =>
    !intactIn && (isEnd(alphaOf(name)) || (layerOf.has(name) && alphaOf(name) === undefined));
  // a tensor without a layer, such as a table, may stay the base's unless everything is averaged
  const isInMixed = ({ name }: Differing) => {
    const alpha = alphaOf(name);
    return alpha === undefined ? !layerOf.has(name) && alphas.size === layers.length : !isEnd(alpha);
  };
  const mixed = layers.filter(({ name }) => alphas.has(name) && !isEnd(alphas.get(name)));
  return {
    endOf: (name) => (isAveraged(kinds.of(name)) ? undefined : end(differing.get(name) ?? { name })),
    refused: () => kinds.differing.filter((one) => one.kind.differing === "refuse" && isInMixed(one)),
    notes: () => [
      ...notesOfKept(
        kinds.differing.filter((one) => !isKeptWithLayer(one)),
        (one) => `they come from ${paths[end(one)]}`,
      ),
      ...noteOfAdapters(mixed.flatMap(({ parameters }) => parameters)),
    ],
  };
}
