// Groups the runs through a segment that one graph can do: their branches use the weights in the same pattern, and from
// the same sources.
import type { Node } from "../../graph/index.ts";
import type { Segment } from "./cuts.ts";
import type { Branch } from "./state-plan.ts";

/** Runs that one graph with one set of weights can do. */
export interface RunGroup {
  readonly pattern: Pattern;
  readonly runs: readonly { readonly state: number; readonly next: readonly number[] }[];
}

/**
 * How branches use a segment's weights: for each held value the distinct combinations of sources, and the one that each
 * branch uses.
 */
export interface Pattern {
  readonly held: readonly {
    readonly sources: readonly (readonly string[])[];
    readonly used: readonly number[];
  }[];
  readonly branches: number;
}

/**
 * The runs of all states through a segment, grouped by pattern and sources. Branches of one state that share none of
 * the segment's work are separate runs, so fewer weights are needed at a time; `isWhole` keeps them in one run.
 */
export function groupRuns(
  segment: Segment,
  branches: ReadonlyMap<number, readonly Branch[]>,
  isWhole: boolean,
): RunGroup[] {
  const groups = new Map<string, { pattern: Pattern; runs: { state: number; next: number[] }[] }>();
  for (const [state, all] of branches)
    for (const together of isWhole ? [all] : splitBySharing(segment, all)) {
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

/** Splits branches into sets that share a node which depends on the segment's weights. */
function splitBySharing(segment: Segment, branches: readonly Branch[]): Branch[][] {
  const { held } = patternOf(segment, branches);
  const heldAt = new Map(segment.held.map(({ value }, i) => [value.key, i]));
  const known = new Map<string, number>(); // nodes, with the weights that they depend on
  const firstWith: number[] = []; // the first branch with such a node
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
