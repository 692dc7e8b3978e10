// Evaluates mixes on a range of samples with one graph for all of them, batch by batch. A large plan is cut into chunks of mixes, a graph each:
// neighbours in the plan share most, so little is computed twice.
import { toNumbers } from "../core/index.ts";
import { batchAt, batchShape } from "../data/index.ts";
import { nodesOf } from "../graph/index.ts";
import type { Pair } from "../pairs/index.ts";
import type { RuntimeOptions } from "../runtime/index.ts";
import { cannotBuild, cannotEvaluate } from "./faults.ts";
import { buildSweep, loadSweep, type SweepGraph } from "./graph.ts";
import type { Mix } from "./mixes.ts";
import type { Scores } from "./scores.ts";
import type { MixWeights } from "./weights.ts";

/** Operations in one graph: beyond it building and loading cost more than sharing saves. */
const mostNodes = 12_000;

export interface Evaluation {
  readonly pair: Pair;
  readonly weights: MixWeights;
  readonly runtime?: RuntimeOptions;
}

/** Writes the scores of samples `from` … `to` of each mix into `scores`. `onProgress` gets the share that is done. */
export async function evaluateTogether(
  mixes: readonly Mix[],
  range: readonly [number, number],
  scores: Scores,
  evaluation: Evaluation,
  onProgress: (share: number) => void,
): Promise<void> {
  let finished = 0;
  for (const { chunk, graph } of chunksOf(mixes, evaluation)) {
    const before = finished;
    await evaluateChunk(chunk, graph, range, scores, evaluation, (share) =>
      onProgress((before + share * chunk.length) / mixes.length),
    );
    finished += chunk.length;
  }
}

/** The mixes in runs whose graphs are not too large, each with its graph. */
function* chunksOf(
  mixes: readonly Mix[],
  evaluation: Evaluation,
): Generator<{ chunk: readonly Mix[]; graph: SweepGraph }> {
  const graph = build(mixes, evaluation);
  if (mixes.length === 1 || nodesOf(Object.values(graph.outputs)).length <= mostNodes)
    return yield { chunk: mixes, graph };
  const half = Math.ceil(mixes.length / 2);
  yield* chunksOf(mixes.slice(0, half), evaluation);
  yield* chunksOf(mixes.slice(half), evaluation);
}

async function evaluateChunk(
  mixes: readonly Mix[],
  graph: SweepGraph,
  [from, to]: readonly [number, number],
  scores: Scores,
  { pair: { model, data, batch }, weights, runtime }: Evaluation,
  onProgress: (share: number) => void,
): Promise<void> {
  const { session, fed } = await loadSweep(graph, weights, runtime).catch((error) => {
    throw cannotEvaluate(error, model, data);
  });
  try {
    for (let start = from; start < to; start += batch) {
      const { inputs, labels } = batchAt(data, start, batch);
      const results = await session.run({ ...fed, ...inputs, labels }).catch((error) => {
        throw cannotEvaluate(error, model, data);
      });
      const fresh = Math.min(batch, to - start);
      mixes.forEach((mix, i) => {
        const part = (name: string) => results[name] && toNumbers(results[name]).subarray(0, fresh);
        scores.write(mix, start, part(`loss${i}`), part(`error${i}`));
      });
      onProgress((start + fresh - from) / (to - from));
    }
  } finally {
    await session.dispose();
  }
}

function build(mixes: readonly Mix[], { pair, weights }: Evaluation): SweepGraph {
  try {
    return buildSweep(pair, weights, mixes, batchShape(pair.data, pair.batch));
  } catch (error) {
    throw cannotBuild(error, pair.model, pair.data);
  }
}
