// Runs a segment for one pattern of branches: with its weights fed, with its weights frozen, or in slices of positions.
import type { Tensor } from "../../core/index.ts";
import { weightBytes } from "../../models/index.ts";
import type { Segment } from "./cuts.ts";
import type { Pattern } from "./run-groups.ts";
import { buildSegmentGraph, type Feeds, type RunSegment } from "./segment-graph.ts";
import type { Sessions } from "./sessions.ts";
import { makeSlicedRun, type Scoring } from "./slices.ts";

export interface Runner {
  readonly run: RunSegment;
  close(): Promise<void>;
}

/** Most bytes of weights frozen into a segment's graph: protobuf ends at 2 GB. */
const mostFrozen = 1.5e9;
/** Most bytes of frozen weights where only the runtime's packed products gain, by about a tenth of their time. */
const mostPacked = 1 << 26;
/** Number of runs from which that gain exceeds the cost of creating a session with frozen weights. */
const fewestPacked = 12;

/**
 * Weights of convolutions are frozen, so that the runtime uses its blocked layout and folds normalisations into them.
 */
export function isFrozen(segment: Segment): boolean {
  const keys = new Set(segment.held.map(({ value }) => value.key));
  const convolves = segment.nodes.some(({ op, inputs }) => op === "Conv" && keys.has(inputs[1]?.key ?? ""));
  return convolves && weightBytes(segment) < mostFrozen;
}

/** Most bytes of weights in segments that are joined. */
const mostJoined = 1 << 26;

/** True where one graph of two segments saves a change of layout between them, and their weights are small. */
export const gainsByJoining = (before: Segment, next: Segment): boolean =>
  isFrozen(before) && isFrozen(next) && weightBytes(before) + weightBytes(next) <= mostJoined;

/**
 * `first` has the feeds of any run, without the weights; all runs have feeds of the same types. `runs` is the number of
 * runs.
 */
export async function makeRunner(
  segment: Segment,
  pattern: Pattern,
  weights: ReadonlyMap<string, Tensor>,
  first: Feeds,
  runs: number,
  sessions: Sessions,
  scoring?: Scoring,
): Promise<Runner> {
  const typeOf = (name: string) => (weights.get(name) ?? first[name])!;
  const close = async () => {};
  const fed = Object.fromEntries(weights);
  const slices = scoring && (await makeSlicedRun(scoring, { segment, pattern, weights, first }, sessions));
  if (slices) return { run: slices, close };
  const outputs = buildSegmentGraph(segment, pattern, typeOf);
  if (!isFrozen(segment) && (runs < fewestPacked || weightBytes(segment) > mostPacked)) {
    const session = await sessions.fed(outputs);
    return { run: (feeds) => session.run({ ...fed, ...feeds }), close };
  }
  const session = await sessions.frozen(outputs, weights);
  return { run: (feeds) => session.run(feeds), close: () => session.dispose() };
}
