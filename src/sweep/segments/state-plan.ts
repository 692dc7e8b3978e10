// The states between segments. A mix's state after a segment depends on its sources up to there, so the states are the
// distinct prefixes of the mixes. From each state, branches lead through the next segment, one for each combination of
// sources that its mixes have there.
import type { Segment } from "./cuts.ts";
import type { SegmentedNetwork } from "./template.ts";

/**
 * A way through a segment: a source for each of its parameters, and the unique number of the state that it leads to.
 */
export interface Branch {
  readonly sources: readonly string[];
  readonly next: number;
}

export interface StatePlan {
  /** For each segment the branches of each state that enters it. State 0 enters the first segment. */
  readonly branches: readonly ReadonlyMap<number, readonly Branch[]>[];
  /** For each segment the mixes (indices in the list) that share each state after it. */
  readonly members: readonly ReadonlyMap<number, readonly number[]>[];
}

/** A mix's source for each parameter of a segment. */
const sourcesOf = <M>({ parameters }: Segment, mix: M, sourceOf: SegmentedNetwork<M>["sourceOf"]): string[] =>
  parameters.map(({ name }) => sourceOf(name, mix));

/** True where mixes with equal sources in the first segment also have equal sources in the second. */
export function addsNoBranch<M>(
  mixes: readonly M[],
  before: Segment,
  next: Segment,
  { sourceOf }: Pick<SegmentedNetwork<M>, "sourceOf">,
): boolean {
  const sourcesIn = (segment: Segment, mix: M) => JSON.stringify(sourcesOf(segment, mix, sourceOf));
  const sources = new Map<string, string>();
  return mixes.every((mix) => {
    const [first, second] = [sourcesIn(before, mix), sourcesIn(next, mix)];
    if (!sources.has(first)) sources.set(first, second);
    return sources.get(first) === second;
  });
}

export function planStates<M>(
  mixes: readonly M[],
  segments: readonly Segment[],
  { sourceOf }: Pick<SegmentedNetwork<M>, "sourceOf">,
): StatePlan {
  let states = mixes.map(() => 0);
  let count = 1;
  const branches: Map<number, Branch[]>[] = [];
  const members: Map<number, number[]>[] = [];
  for (const segment of segments) {
    const known = new Map<string, number>();
    const from = new Map<number, Branch[]>();
    const behind = new Map<number, number[]>();
    states = mixes.map((mix, i) => {
      const sources = sourcesOf(segment, mix, sourceOf);
      const key = JSON.stringify([states[i], sources]);
      const next = known.get(key) ?? count++;
      if (!known.has(key)) from.set(states[i], [...(from.get(states[i]) ?? []), { sources, next }]);
      known.set(key, next);
      behind.set(next, [...(behind.get(next) ?? []), i]);
      return next;
    });
    branches.push(from);
    members.push(behind);
  }
  return { branches, members };
}
