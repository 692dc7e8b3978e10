// Runs a segment for one pattern of branches: with its weights fed, frozen, or over slices of positions.
import type { Tensor } from "../../core/index.ts";
import { weightBytes } from "../../models/index.ts";
import type { Segment } from "./cuts.ts";
import type { Pattern } from "./groups.ts";
import { buildPiece, type Feeds, type Run } from "./piece.ts";
import type { Sessions } from "./sessions.ts";
import { runSlices, type Scoring } from "./slices.ts";

export interface Runner {
  readonly run: Run;
  close(): Promise<void>;
}

/** Bytes of weights that are frozen into a piece at most: protobuf ends at 2 GB. */
const mostFrozen = 1.5e9;
/** The same where only the runtime's packed products gain by it, about a tenth of their time. */
const mostPacked = 1 << 26;
/** Runs from which on that repays what making a session with weights in it takes. */
const fewestPacked = 12;

/** Convolutions get their weights frozen in, so that the runtime lays them out in blocks and folds normalisations into them. */
export function isFrozen(segment: Segment): boolean {
  const keys = new Set(segment.held.map(({ value }) => value.key));
  const convolves = segment.nodes.some(({ op, inputs }) => op === "Conv" && keys.has(inputs[1]?.key ?? ""));
  return convolves && weightBytes(segment) < mostFrozen;
}

/** Weights of segments that stay one, at most. */
const mostJoined = 1 << 26;

/** True where one graph of two segments saves a change of layout between them, and their weights are still few. */
export const gainsByJoining = (before: Segment, next: Segment): boolean =>
  isFrozen(before) && isFrozen(next) && weightBytes(before) + weightBytes(next) <= mostJoined;

/** `first` are the feeds of some run, beside the weights: their types hold for all. `runs` is how often it will run. */
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
  const slices = scoring && (await runSlices(scoring, { segment, pattern, weights, first }, sessions));
  if (slices) return { run: slices, close };
  const outputs = buildPiece(segment, pattern, typeOf);
  if (!isFrozen(segment) && (runs < fewestPacked || weightBytes(segment) > mostPacked)) {
    const session = await sessions.fed(outputs);
    return { run: (feeds) => session.run({ ...fed, ...feeds }), close };
  }
  const session = await sessions.frozen(outputs, weights);
  return { run: (feeds) => session.run(feeds), close: () => session.dispose() };
}
