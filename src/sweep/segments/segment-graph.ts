// The graph of a segment for branches from one state: its nodes once for each branch, shared where the weights are
// equal. Inputs are named by index (`own0`, `common0`, and `held0:1` for the second source), so segments of equal
// structure give equal bytes.
import type { Tensor } from "../../core/index.ts";
import { Graph, rebuild, type Type, type Value } from "../../graph/index.ts";
import type { Segment } from "./cuts.ts";
import type { Pattern } from "./run-groups.ts";

/** Tensors by the names of a segment graph's inputs. */
export type Feeds = Readonly<Record<string, Tensor>>;

/** Runs a segment graph; resolves to its outputs by name. */
export type RunSegment = (feeds: Feeds) => Promise<Record<string, Tensor>>;

export const ownName = (i: number): string => `own${i}`;
export const commonName = (i: number): string => `common${i}`;
export const heldName = (i: number, source: number): string => `held${i}:${source}`;
/** The name of an output of a branch. */
export const outputName = (output: string | number, branch: number): string => `${output}~${branch}`;

/** Copies `values` into a new graph, a list for each branch. `typeOf` gives the type of the tensor fed under a name. */
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
  const fixed = new Map<string, Value>(); // hash each constant only once
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

/**
 * Builds a segment's graph. Its outputs, for each branch: the values that leave the segment, by index, and the
 * template's outputs, by name.
 */
export function buildSegmentGraph(
  segment: Segment,
  pattern: Pattern,
  typeOf: (name: string) => Type,
): Record<string, Value> {
  const names = [...segment.leaves.keys(), ...segment.outputs.keys()];
  const branches = copyBranches(segment, pattern, [...segment.leaves, ...segment.outputs.values()], typeOf);
  return Object.fromEntries(
    branches.flatMap((values, branch) => values.map((value, i) => [outputName(names[i], branch), value])),
  );
}
