// How many samples each cell sees. Without a wanted precision, all. With one, the samples come in rounds that double; after each, cells whose
// interval is narrow enough are done, and only the others see more.
import type { Dataset } from "../data/index.ts";
import { barriers } from "./barrier.ts";
import { type EvaluateOptions, evaluateMixes, type SampleScores } from "./evaluate.ts";
import { differenceInterval, meanInterval } from "./interval.ts";
import { type Mix, mixKey } from "./mixes.ts";
import { mixesOf, type Point } from "./plan.ts";
import type { SampleTable } from "./store.ts";

export interface Precision {
  /** The widest half of a 95 % interval: in nats for the loss, in points for the error. */
  readonly half: number;
  readonly metric: "loss" | "error";
}

/** Samples of the first round. */
const firstRound = 250;

export interface Sampled {
  /** The scores of a mix on the first `count` samples. */
  scores(mix: Mix, count: number): SampleScores;
  /** Samples that a point's cell has seen. */
  count(point: Point): number;
  /** The most that any cell has seen. */
  readonly most: number;
  readonly mixes: readonly Mix[];
}

export async function sampleScores(
  points: readonly Point[],
  ends: readonly [Mix, Mix],
  options: EvaluateOptions,
  precision: Precision | undefined,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<Sampled> {
  const { data } = options;
  const all = mixesOf(points, ends);
  const stored = new Map(all.map((mix) => [mixKey(mix), emptyScores(data)]));
  const counts = new Map(points.map((point) => [point, 0]));
  const cut = (mix: Mix, count: number): SampleScores => {
    const { loss, error } = stored.get(mixKey(mix))!;
    return { loss: loss.subarray(0, count), error: error.subarray(0, count) };
  };
  let active = points;
  let done = 0;
  while (done < data.count && (done === 0 || active.length > 0)) {
    const target = precision ? Math.min(data.count, Math.max(firstRound, 2 * done)) : data.count;
    const mixes = mixesOf(active, ends);
    const [from, to] = [done, target];
    await evaluateMixes(mixes, [from, to], stored, options, (share) =>
      onProgress(from + share * (to - from), precision ? Math.max(to, firstRound) : data.count),
    );
    done = target;
    for (const point of active) counts.set(point, done);
    if (precision) active = active.filter((point) => !isClear(point, ends, cut, done, precision));
  }
  return { scores: cut, count: (point) => counts.get(point)!, most: done, mixes: all };
}

/** What was scored in pieces, as one. */
export function joinedScores(
  pieces: readonly SampleTable[],
  points: readonly Point[],
  ends: readonly [Mix, Mix],
): Sampled {
  const mixes = mixesOf(points, ends);
  const join = (parts: readonly Float32Array[]) => {
    const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  };
  const scores = (mix: Mix): SampleScores => {
    const parts = pieces.map((piece) => piece.get(mixKey(mix))!);
    return { loss: join(parts.map(({ loss }) => loss)), error: join(parts.map(({ error }) => error)) };
  };
  const count = scores(ends[0]).loss.length;
  return { scores, count: () => count, most: count, mixes };
}

function isClear(
  { mix, alpha }: Point,
  [a, b]: readonly [Mix, Mix],
  scores: (mix: Mix, count: number) => SampleScores,
  count: number,
  { half, metric }: Precision,
): boolean {
  const [x, y, z] = [mix, a, b].map((one) => scores(one, count)[metric]);
  const differences = barriers(x, y, z, alpha);
  const interval = metric === "loss" ? meanInterval(differences) : differenceInterval(differences, [y, z]);
  if (!interval) return true; // not finite: more samples do not help
  return ((metric === "error" ? 100 : 1) * (interval[1] - interval[0])) / 2 <= half;
}

export function emptyScores({ count }: Dataset): SampleScores {
  return { loss: new Float32Array(count).fill(Number.NaN), error: new Float32Array(count).fill(Number.NaN) };
}
