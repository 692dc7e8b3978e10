// A mix says where each layer's weights come from: end a, end b, or the average at some weight. Many cells of many scans are the same mix, and
// mixes that begin alike share the beginning of their computation. Both follow from the list of sources, layer by layer.
import type { Cell } from "./scans.ts";

/** `a`, `b`, or `m` and the weight of b: `m0.5`. */
export type Source = string;

export interface Mix {
  /** One source for each layer, in the model's order. */
  readonly sources: readonly Source[];
}

export const averageOf = (alpha: number): Source => `m${alpha}`;

/** The weight of end b in a source: 0 for `a`, 1 for `b`. */
export const weightOfB = (source: Source): number =>
  source === "a" ? 0 : source === "b" ? 1 : Number(source.slice(1));

/** The mix of a cell: the average on its layers, its base elsewhere. */
export function mixOf(cell: Pick<Cell, "averaged" | "base">, alpha: number, layers: readonly string[]): Mix {
  const averaged = new Set(cell.averaged);
  return { sources: layers.map((layer) => (averaged.has(layer) ? averageOf(alpha) : (cell.base ?? "a"))) };
}

export const mixKey = ({ sources }: Mix): string => sources.join(" ");

/**
 * Distinct mixes in the order in which to evaluate them: a walk over the tree of their beginnings in which the branch that goes on as before
 * comes last, so that a shared beginning is let go as soon as its last branch has left it.
 */
export function orderMixes(mixes: Iterable<Mix>): Mix[] {
  const distinct = [...new Map([...mixes].map((mix) => [mixKey(mix), mix])).values()];
  const walk = (group: Mix[], depth: number): Mix[] => {
    if (group.length < 2) return group;
    const before = depth ? group[0].sources[depth - 1] : undefined;
    const names = [...new Set(group.map((mix) => mix.sources[depth]))].sort(
      (x, y) => Number(x === before) - Number(y === before),
    );
    return names.flatMap((name) =>
      walk(
        group.filter((mix) => mix.sources[depth] === name),
        depth + 1,
      ),
    );
  };
  return walk(distinct, 0);
}
