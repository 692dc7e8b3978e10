// Which runs through a segment one graph can do: those whose branches use the weights in the same pattern. With equal sources they also have the same weights.
import type { Node } from "../../graph/index.ts";
import type { Segment } from "./cuts.ts";
import type { Branch } from "./plan.ts";

/** Runs that one graph with one set of weights can do. */
export interface Group {
  readonly pattern: Pattern;
  readonly runs: readonly { readonly state: number; readonly next: readonly number[] }[];
}

/** Branches as they use a segment's held values: for each value the distinct combinations of sources, and which of them each branch uses. */
export interface Pattern {
  readonly held: readonly {
    readonly sources: readonly (readonly string[])[];
    readonly used: readonly number[];
  }[];
  readonly branches: number;
}

/**
 * The runs through a segment, of all states, by their patterns and sources. Branches of one state that share none of the segment's work go apart,
 * so that fewer weights are needed at a time; `isWhole` keeps them in one graph.
 */
export function groupRuns(
  segment: Segment,
  branches: ReadonlyMap<number, readonly Branch[]>,
  isWhole: boolean,
): Group[] {
  const groups = new Map<string, { pattern: Pattern; runs: { state: number; next: number[] }[] }>();
  for (const [state, all] of branches)
    for (const together of isWhole ? [all] : sharing(segment, all)) {
      const pattern = patternOf(segment, together);
      const key = JSON.stringify(pattern);
      const group = groups.get(key) ?? { pattern, runs: [] };
      groups.set(key, group);
      group.runs.push({ state, next: together.map(({ next }) => next) });
    }
  return [...groups].sort(([x], [y]) => (x < y ? -1 : 1)).map(([, group]) => group); // equal sources follow each other
}

function patternOf(segment: Segment, branches: readonly Branch[]): Pattern {
  const place = new Map(segment.parameters.map(({ name }, i) => [name, i]));
  const held = segment.held.map(({ parameters }) => {
    const sources = new Map<string, string[]>();
    const keys = branches.map((branch) => {
      const own = parameters.map(({ name }) => branch.sources[place.get(name)!]);
      sources.set(JSON.stringify(own), own);
      return JSON.stringify(own);
    });
    const order = [...sources.keys()];
    return { sources: [...sources.values()], used: keys.map((key) => order.indexOf(key)) };
  });
  return { held, branches: branches.length };
}

/** The branches in sets that share a node which depends on the segment's weights. */
function sharing(segment: Segment, branches: readonly Branch[]): Branch[][] {
  const { held } = patternOf(segment, branches);
  const heldAt = new Map(segment.held.map(({ value }, i) => [value.key, i]));
  const known = new Map<string, number>(); // nodes with the weights behind them
  const firstWith: number[] = []; // the branch that has such a node first
  const together = branches.map((_, b) => b);
  const setOf = (b: number): number => (together[b] === b ? b : setOf(together[b]));
  branches.forEach((_, b) => {
    const behind = new Map<Node, number>();
    for (const node of segment.nodes) {
      const weights = node.inputs.map((value) => {
        const at = value ? heldAt.get(value.key) : undefined;
        return at === undefined ? value && behind.get(value.node) : `${at}:${held[at].used[b]}`;
      });
      if (weights.every((one) => one === undefined || one === null)) continue;
      const key = `${node.id} ${weights}`;
      const id = known.get(key) ?? known.size;
      known.set(key, id);
      behind.set(node, id);
      firstWith[id] ??= b;
      together[setOf(b)] = setOf(firstWith[id]);
    }
  });
  const sets = branches.map((_, set) => branches.filter((_, b) => setOf(b) === set));
  return sets.filter(({ length }) => length > 0);
}
