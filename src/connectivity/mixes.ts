// A mix says where each layer's weights come from: end a, end b, the average at some weight, or a random step from one end. Many cells of many
// scans are the same mix, and mixes that begin alike share the beginning of their computation. Both follow from the list of sources, layer by layer.
import type { Cell } from "./cell.ts";

/**
 * `a`, `b`; `m` and the weight of b: `m0.5`; or `r`, the end, the weight of b and the number of a draw: `ra0.5#2`, a step from a in a random
 * direction as long as the step to the average.
 */
export type Source = string;

/** A source taken apart. `end` is that of a random step. */
export interface SourceParts {
  readonly kind: "end" | "average" | "random";
  readonly end: "a" | "b";
  /** The weight of end b. */
  readonly alpha: number;
  readonly draw: number;
}

export interface Mix {
  /** One source for each layer, in the model's order. */
  readonly sources: readonly Source[];
}

export const averageOf = (alpha: number): Source => `m${alpha}`;
export const randomOf = (end: "a" | "b", alpha: number, draw: number): Source => `r${end}${alpha}#${draw}`;

export function partsOf(source: Source): SourceParts {
  if (source === "a" || source === "b") return { kind: "end", end: source, alpha: Number(source === "b"), draw: 0 };
  if (source.startsWith("m")) return { kind: "average", end: "a", alpha: Number(source.slice(1)), draw: 0 };
  const [, end, alpha, draw] = /^r([ab])(.+)#(\d+)$/.exec(source)!;
  return { kind: "random", end: end as "a" | "b", alpha: Number(alpha), draw: Number(draw) };
}

/** The mix of a cell: the average (or, for a draw, a random step as long) on its layers, its base elsewhere; without a base (all layers) from a. */
export function mixOf(
  cell: Pick<Cell, "averaged" | "base">,
  alpha: number,
  layers: readonly string[],
  draw?: number,
): Mix {
  const averaged = new Set(cell.averaged);
  const base = cell.base ?? "a";
  const source = draw === undefined ? averageOf(alpha) : randomOf(base, alpha, draw);
  return { sources: layers.map((layer) => (averaged.has(layer) ? source : base)) };
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
