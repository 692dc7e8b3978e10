// Scores of long rows over large vocabularies, some positions at a time: where the last segment treats every position by itself, its runs take a part of the
// positions, so that the logits of a run stay small ([512, 152000] are 311 MB). The samples' losses are the means over their positions, as always.
import { type Tensor, toNumbers } from "../../core/index.ts";
import { reshape, type Type, type Value } from "../../graph/index.ts";
import { scoresOf } from "../../models/index.ts";
import type { Segment } from "./cuts.ts";
import type { Pattern } from "./groups.ts";
import { commonName, copyBranches, type Feeds, outputName, ownName, type Run } from "./piece.ts";
import { isByPosition } from "./positions.ts";
import type { Sessions } from "./sessions.ts";

/** What the scores of a template are made of. */
export interface Scoring {
  readonly logits: Value;
  readonly labels: Value;
  /** Negative labels do not count. */
  readonly areSomeIgnored?: boolean;
  /** Bytes of the logits of one run, 64 MB if not given. */
  readonly most?: number;
}

interface Piece {
  readonly segment: Segment;
  readonly pattern: Pattern;
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Of some run, beside the weights. */
  readonly first: Feeds;
}

/** Runs the last segment in slices; undefined where it cannot or need not be. */
export async function runSlices(
  { logits, labels, areSomeIgnored = false, most = 64e6 }: Scoring,
  { segment, pattern, weights, first }: Piece,
  sessions: Sessions,
): Promise<Run | undefined> {
  if (logits.shape.length !== 3 || labels.shape.length !== 2 || labels.dtype !== "int64") return undefined;
  const [batch, positions, classes] = logits.shape;
  const rows = batch * positions;
  const fitting = Math.max(1, Math.floor(most / (4 * classes * pattern.branches)));
  const size = Math.ceil(rows / Math.ceil(rows / fitting)); // equal slices: what the last one shares with the one before is computed twice
  const entering = first[ownName(0)]?.shape ?? [];
  const isRows = segment.enters.length === 1 && entering.length === 3 && entering[0] * entering[1] === rows;
  if (size >= rows || !isRows || !isByPosition(segment, logits, weights)) return undefined;
  const typeOf = (name: string): Type => {
    const { dtype, shape } = (weights.get(name) ?? first[name])!;
    return { dtype, shape: name === ownName(0) ? [1, size, shape[2]] : shape };
  };
  const retype = ({ dtype, shape }: Type): Type => ({ dtype, shape: [1, size, ...shape.slice(2)] });
  const branches = copyBranches(segment, pattern, [logits], typeOf, retype);
  const outputs = branches.flatMap(([value], branch) => {
    const own = value.graph.input("labels", "int64", [size]);
    const scores = scoresOf(reshape(value, [size, classes]), own, areSomeIgnored);
    return Object.entries(scores).map(([name, one]) => [outputName(name, branch), one] as const);
  });
  const session = await sessions.fed(Object.fromEntries(outputs));
  const labelsName = commonName(segment.commons.findIndex(({ key }) => key === labels.key));
  const fed = Object.fromEntries(weights);
  return async (feeds) => {
    const counts = areSomeIgnored ? countLabels(feeds[labelsName], batch) : new Float64Array(batch).fill(positions);
    const sums = new Map(outputs.map(([name]) => [name, new Float64Array(batch)]));
    for (let from = 0; from < rows; from += size) {
      const start = Math.min(from, rows - size); // the last slice is as long as the others and counts what is new
      const results = await session.run({
        ...fed,
        [ownName(0)]: slice(feeds[ownName(0)], start, [1, size, entering[2]]),
        labels: slice(feeds[labelsName], start, [size]),
      });
      for (const [name, sum] of sums) {
        const values = toNumbers(results[name]);
        for (let row = from; row < start + size; row++)
          sum[Math.floor(row / positions)] += values[row - start] / counts[Math.floor(row / positions)];
      }
    }
    return Object.fromEntries([...sums].map(([name, sum]) => [name, perSample(sum)]));
  };
}

/** Labels of each row that count; at least one, since the scores of a row without any are zeros. */
function countLabels(labels: Tensor, rows: number): Float64Array {
  const counts = new Float64Array(rows);
  const values = toNumbers(labels);
  const width = values.length / rows;
  values.forEach((label, i) => {
    if (label >= 0) counts[Math.floor(i / width)]++;
  });
  return counts.map((count) => Math.max(1, count));
}

const perSample = (sums: Float64Array): Tensor => ({
  dtype: "float32",
  shape: [sums.length],
  data: Float32Array.from(sums),
});

/** Rows of a tensor from `start` on, without a copy. */
function slice({ dtype, data }: Tensor, start: number, shape: readonly number[]): Tensor {
  const [size, width] = [shape.reduce((n, m) => n * m, 1), shape[2] ?? 1];
  return { dtype, shape, data: data.subarray(start * width, start * width + size) };
}
