// Which states there are between segments. A mix's state after a segment depends on its sources up to there, so the states are the distinct
// beginnings of the mixes; from each one some branches go through the next segment, one for every combination of sources that its mixes take there.
import type { Segment } from "./cuts.ts";
import type { SegmentedNetwork } from "./template.ts";

/** A way through a segment: a source for each of its parameters, and the number of the state that it leads to, which no other state has. */
export interface Branch {
  readonly sources: readonly string[];
  readonly next: number;
}

export interface Plan {
  /** For each segment the branches of each state that enters it. The first segment is entered by state 0. */
  readonly branches: readonly ReadonlyMap<number, readonly Branch[]>[];
  /** For each segment the mixes, by their place in the list, behind each state after it. */
  readonly members: readonly ReadonlyMap<number, readonly number[]>[];
}

/** A mix's source for each parameter of a segment. */
const sourcesOf = <M>({ parameters }: Segment, mix: M, sourceOf: SegmentedNetwork<M>["sourceOf"]): string[] =>
  parameters.map(({ name }) => sourceOf(name, mix));

/** True where no two mixes that are alike in the first segment part in the second. */
export function staysTogether<M>(
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
): Plan {
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
