// Evaluates mixes on a range of samples, batch by batch, and keeps every sample's loss and error. A large plan is cut into chunks of mixes, a graph
// each: neighbours in the plan share most, so little is computed twice.
import { toNumbers, UserError } from "../core/index.ts";
import type { Dataset } from "../data/index.ts";
import { nodesOf, type Value } from "../graph/index.ts";
import type { RuntimeOptions } from "../runtime/index.ts";
import { batchAt, batchShape } from "./batches.ts";
import { loadGraph } from "./loading.ts";
import { type Mix, mixKey } from "./mixes.ts";
import type { Pair } from "./pair.ts";
import type { Recalibrated } from "./recalibrate.ts";
import { buildSweep } from "./sweep.ts";

/** Loss (natural log) and error (0 … 1) of every sample, in the data set's order; NaN where there is no error. */
export interface SampleScores {
  readonly loss: Float32Array;
  readonly error: Float32Array;
}

export interface EvaluateOptions {
  readonly pair: Pair;
  readonly data: Dataset;
  /** Samples of a batch; where there are fewer, the last one fills it. */
  readonly batch: number;
  readonly runtime?: RuntimeOptions;
  readonly recalibrated?: Recalibrated;
}

/** Operations in one graph: beyond it building and loading cost more than sharing saves. */
const mostNodes = 12_000;

/** Writes the scores of samples `from` … `to` of each mix into `scores`, by the mix's key. `onProgress` hears the share that is done. */
export async function evaluateMixes(
  mixes: readonly Mix[],
  [from, to]: readonly [number, number],
  scores: ReadonlyMap<string, SampleScores>,
  options: EvaluateOptions,
  onProgress: (share: number) => void = () => {},
): Promise<void> {
  const size = options.batch;
  let finished = 0;
  for (const { chunk, outputs } of chunksOf(mixes, size, options)) {
    const before = finished;
    await evaluateChunk(chunk, outputs, size, [from, to], scores, options, (share) =>
      onProgress((before + share * chunk.length) / mixes.length),
    );
    finished += chunk.length;
  }
}

/** The mixes in runs whose graphs are not too large, each with its graph. */
function* chunksOf(
  mixes: readonly Mix[],
  size: number,
  options: EvaluateOptions,
): Generator<{ chunk: readonly Mix[]; outputs: Record<string, Value> }> {
  const outputs = build(mixes, size, options);
  if (mixes.length === 1 || nodesOf(Object.values(outputs)).length <= mostNodes) return yield { chunk: mixes, outputs };
  const half = Math.ceil(mixes.length / 2);
  yield* chunksOf(mixes.slice(0, half), size, options);
  yield* chunksOf(mixes.slice(half), size, options);
}

async function evaluateChunk(
  mixes: readonly Mix[],
  outputs: Record<string, Value>,
  size: number,
  [from, to]: readonly [number, number],
  scores: ReadonlyMap<string, SampleScores>,
  { pair, data, runtime, recalibrated }: EvaluateOptions,
  onProgress: (share: number) => void,
): Promise<void> {
  const { session, fed } = await loadGraph(outputs, pair, { runtime, recalibrated });
  try {
    for (let start = from; start < to; start += size) {
      const { inputs, labels } = batchAt(data, start, size);
      const results = await session.run({ ...fed, ...inputs, labels });
      const fresh = Math.min(size, to - start);
      mixes.forEach((mix, i) => {
        const { loss, error } = scores.get(mixKey(mix))!;
        loss.set(toNumbers(results[`loss${i}`]).subarray(0, fresh), start);
        if (results[`error${i}`]) error.set(toNumbers(results[`error${i}`]).subarray(0, fresh), start);
      });
      onProgress((start + fresh - from) / (to - from));
    }
  } finally {
    await session.dispose();
  }
}

/** Building infers every shape; where the data do not fit the network, that is the user's to mend. */
function build(mixes: readonly Mix[], size: number, { pair, data, recalibrated }: EvaluateOptions) {
  try {
    return buildSweep(pair, mixes, batchShape(data, size), recalibrated);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const shapes = data.inputs.map(({ shape }) => `[${shape}]`).join(" and ");
    throw new UserError(
      `Samples of shape ${shapes} do not fit model ${pair.model.name} (${(error as Error).message}). Choose other --data.`,
      { cause: error },
    );
  }
}
