// Scores of long rows over large vocabularies, in slices of positions. Where the last segment treats every position
// separately, each run has only a slice of them, so its logits stay small ([512, 152000] are 311 MB). A sample's loss
// is the mean over its positions, as without slices.
import { type Tensor, toNumbers } from "../../core/index.ts";
import { countLabels } from "../../data/index.ts";
import { reshape, type Type, type Value } from "../../graph/index.ts";
import { scoresOf } from "../../models/index.ts";
import type { Segment } from "./cuts.ts";
import { isByPosition } from "./positions.ts";
import type { Pattern } from "./run-groups.ts";
import { commonName, copyBranches, type Feeds, outputName, ownName, type RunSegment } from "./segment-graph.ts";
import type { Sessions } from "./sessions.ts";

/** The values that a template's scores are computed from. */
export interface Scoring {
  readonly logits: Value;
  readonly labels: Value;
  /** True where negative labels are ignored. */
  readonly areSomeIgnored?: boolean;
  /** Most bytes of logits in one run; default 64 MB. */
  readonly most?: number;
}

interface LastSegment {
  readonly segment: Segment;
  readonly pattern: Pattern;
  readonly weights: ReadonlyMap<string, Tensor>;
  /** The feeds of any run, without the weights. */
  readonly first: Feeds;
}

/** Makes a function that runs the last segment in slices; undefined where that is impossible or not needed. */
export async function makeSlicedRun(
  { logits, labels, areSomeIgnored = false, most = 64e6 }: Scoring,
  { segment, pattern, weights, first }: LastSegment,
  sessions: Sessions,
): Promise<RunSegment | undefined> {
  if (logits.shape.length !== 3 || labels.shape.length !== 2 || labels.dtype !== "int64") return undefined;
  const [samples, positions, classes] = logits.shape;
  const rows = samples * positions;
  const fitting = Math.max(1, Math.floor(most / (4 * classes * pattern.branches)));
  const size = Math.ceil(rows / Math.ceil(rows / fitting)); // equal slices; the last one may overlap the one before
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
    const counts = areSomeIgnored
      ? countLabelsIn(feeds[labelsName], positions)
      : new Float64Array(samples).fill(positions);
    const sums = new Map(outputs.map(([name]) => [name, new Float64Array(samples)]));
    for (let from = 0; from < rows; from += size) {
      const start = Math.min(from, rows - size); // an overlap with the slice before is not counted again
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
    return Object.fromEntries([...sums].map(([name, sum]) => [name, toTensor(sum)]));
  };
}

/** Number of labels of each row that are not ignored; at least one, since a row without any has scores of zero. */
function countLabelsIn({ data }: Tensor, width: number): Float32Array {
  const counts = countLabels(data, width) ?? new Float32Array(data.length / width).fill(width);
  return counts.map((count) => Math.max(1, count));
}

const toTensor = (sums: Float64Array): Tensor => ({
  dtype: "float32",
  shape: [sums.length],
  data: Float32Array.from(sums),
});

/** Rows of a tensor starting with row `start`, without a copy. */
function slice({ dtype, data }: Tensor, start: number, shape: readonly number[]): Tensor {
  const [size, width] = [shape.reduce((n, m) => n * m, 1), shape[2] ?? 1];
  return { dtype, shape, data: data.subarray(start * width, start * width + size) };
}
