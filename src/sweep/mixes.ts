// A mix says where each layer's weights come from. Many cells of many scans are the same mix, and mixes that begin alike share the beginning of their
// computation. Both follow from the list of sources, layer by layer.
import { endOf, keyOf, type Source } from "./source.ts";

/** Where the weights of each layer come from: an end, an average, or a random step. */
export interface Mix {
  /** One source for each layer, in the model's order. */
  readonly sources: readonly Source[];
}

export interface MixOptions {
  /** The layers that are averaged. */
  readonly averaged: readonly string[];
  /** Where the other layers come from; default a. */
  readonly base?: "a" | "b" | null;
  readonly alpha: number;
  /** The weight of b in each averaged layer, where they have their own; 0 and 1 take an end itself. */
  readonly weights?: Readonly<Record<string, number>>;
  /** Of a random step in place of the average. */
  readonly draw?: number;
}

/** The average (or a random step with its norm) on some layers, the base elsewhere. */
export function mixOf(layers: readonly string[], { averaged, base, alpha, weights, draw }: MixOptions): Mix {
  const chosen = new Set(averaged);
  const rest = endOf(base ?? "a");
  const source = (alpha: number): Source =>
    draw === undefined ? { kind: "average", alpha } : { kind: "random", end: base ?? "a", alpha, draw };
  const own = (weight: number): Source => (weight === 0 ? endOf("a") : weight === 1 ? endOf("b") : source(weight));
  const averagedSource = (layer: string) => (weights ? own(weights[layer]) : source(alpha));
  return { sources: layers.map((layer) => (chosen.has(layer) ? averagedSource(layer) : rest)) };
}

/** An end itself. */
export const mixOfEnd = (end: "a" | "b", layers: readonly unknown[]): Mix => {
  const source = endOf(end);
  return { sources: layers.map(() => source) };
};

/** The name of a mix: its sources' names, with spaces between. */
export const mixKey = ({ sources }: Mix): string => sources.map(keyOf).join(" ");

/** True for an end itself. */
export const isEnd = ({ sources }: Mix): boolean =>
  sources[0]?.kind === "end" && sources.every((one) => keyOf(one) === keyOf(sources[0]));

/**
 * Distinct mixes in the order in which to evaluate them: a walk over the tree of their beginnings in which the branch that goes on as before
 * comes last, so that a shared beginning is let go as soon as its last branch has left it.
 */
export function orderMixes(mixes: Iterable<Mix>): Mix[] {
  const distinct = new Map([...mixes].map((mix) => [mixKey(mix), mix]));
  type Keyed = { mix: Mix; keys: string[] };
  const walk = (group: Keyed[], depth: number): Keyed[] => {
    if (group.length < 2) return group;
    const before = depth ? group[0].keys[depth - 1] : undefined;
    const branches = new Map<string, Keyed[]>();
    for (const one of group) branches.set(one.keys[depth], [...(branches.get(one.keys[depth]) ?? []), one]);
    const names = [...branches.keys()].sort((x, y) => Number(x === before) - Number(y === before));
    return names.flatMap((name) => walk(branches.get(name)!, depth + 1));
  };
  const keyed = [...distinct.values()].map((mix) => ({ mix, keys: mix.sources.map(keyOf) }));
  return walk(keyed, 0).map(({ mix }) => mix);
}
