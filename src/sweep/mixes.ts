// A mix is a list with the source of each layer's weights. Many cells of many scans are the same mix, and mixes with a
// common prefix of sources share that part of their computation.
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
  /** The alpha of each averaged layer, in place of `alpha`; 0 and 1 take the layer from an end unchanged. */
  readonly layerAlphas?: Readonly<Record<string, number>>;
  /** The number of the random step, where one replaces the average. */
  readonly draw?: number;
}

/** The average (or a random step with its norm) on some layers, the base elsewhere. */
export function mixOf(layers: readonly string[], { averaged, base, alpha, layerAlphas, draw }: MixOptions): Mix {
  const chosen = new Set(averaged);
  const rest = endOf(base ?? "a");
  const source = (alpha: number): Source =>
    draw === undefined ? { kind: "average", alpha } : { kind: "random", end: base ?? "a", alpha, draw };
  const own = (alpha: number): Source => (alpha === 0 ? endOf("a") : alpha === 1 ? endOf("b") : source(alpha));
  const averagedSource = (layer: string) => (layerAlphas ? own(layerAlphas[layer]) : source(alpha));
  return { sources: layers.map((layer) => (chosen.has(layer) ? averagedSource(layer) : rest)) };
}

/** The mix that is an end. */
export const mixOfEnd = (end: "a" | "b", layers: readonly unknown[]): Mix => {
  const source = endOf(end);
  return { sources: layers.map(() => source) };
};

/** The name of a mix: its sources' names, separated by spaces. */
export const mixKey = ({ sources }: Mix): string => sources.map(keyOf).join(" ");

/** True for a mix that is an end. */
export const isEnd = ({ sources }: Mix): boolean =>
  sources[0]?.kind === "end" && sources.every((one) => keyOf(one) === keyOf(sources[0]));

/**
 * Distinct mixes in the order in which to evaluate them: a walk over the tree of their prefixes. The branch that
 * continues with the same source comes last, so that shared values are released as soon as possible.
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
