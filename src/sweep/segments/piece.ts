// The graph of a segment for some branches that leave one state: its nodes once for each branch, those that use equal weights shared. Inputs are
// named by their place, so that segments of equal structure give equal bytes: `own0`, `common0`, `held0:1` (the second of its sources).
import type { Tensor } from "../../core/index.ts";
import { Graph, rebuild, type Type, type Value } from "../../graph/index.ts";
import type { Segment } from "./cuts.ts";
import type { Pattern } from "./groups.ts";

/** Tensors by the names of a piece's inputs. */
export type Feeds = Readonly<Record<string, Tensor>>;

/** Runs a piece; gives its outputs by their names. */
export type Run = (feeds: Feeds) => Promise<Record<string, Tensor>>;

export const ownName = (i: number): string => `own${i}`;
export const commonName = (i: number): string => `common${i}`;
export const heldName = (i: number, source: number): string => `held${i}:${source}`;
/** The name of an output of a branch. */
export const outputName = (output: string | number, branch: number): string => `${output}~${branch}`;

/** The copies of `values` in a fresh graph, a list for each branch. `typeOf` gives the type of what is fed under a name. */
export function copyBranches(
  segment: Segment,
  pattern: Pattern,
  values: readonly Value[],
  typeOf: (name: string) => Type,
  retype?: (known: Type) => Type,
): Value[][] {
  const graph = new Graph();
  const input = (name: string): Value => {
    const { dtype, shape } = typeOf(name);
    return graph.input(name, dtype, shape);
  };
  const fixed = new Map<string, Value>(); // constants are hashed, which is worth doing once
  const outer = new Map([
    ...segment.enters.map(({ key }, i): [string, string] => [key, ownName(i)]),
    ...segment.commons.map(({ key }, i): [string, string] => [key, commonName(i)]),
  ]);
  const heldAt = new Map(segment.held.map(({ value }, i) => [value.key, i]));
  return Array.from({ length: pattern.branches }, (_, branch) => {
    const find = rebuild(
      graph,
      values,
      (value) => {
        const name = outer.get(value.key);
        if (name) return input(name);
        const at = heldAt.get(value.key);
        if (at !== undefined) return input(heldName(at, pattern.held[at].used[branch]));
        const { tensor } = value.node;
        if (tensor && !fixed.has(value.key)) fixed.set(value.key, graph.constant(tensor));
        return fixed.get(value.key);
      },
      retype,
    );
    return values.map(find);
  });
}

/** What a segment's graph gives for each branch: the values that it leaves, by their place, and the template's outputs by name. */
export function buildPiece(segment: Segment, pattern: Pattern, typeOf: (name: string) => Type): Record<string, Value> {
  const names = [...segment.leaves.keys(), ...segment.outputs.keys()];
  const branches = copyBranches(segment, pattern, [...segment.leaves, ...segment.outputs.values()], typeOf);
  return Object.fromEntries(
    branches.flatMap((values, branch) => values.map((value, i) => [outputName(names[i], branch), value])),
  );
}
