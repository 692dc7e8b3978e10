// Evaluates mixes on a range of samples, chunk by chunk, with one graph for all mixes. Too many mixes are divided into
// parts with one graph each. Neighbouring mixes share most of their work, so this repeats little.
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

/** Largest number of operations in one graph; beyond it, building and loading cost more than sharing saves. */
const mostNodes = 12_000;

export interface Evaluation {
  readonly pair: Pair;
  readonly weights: MixWeights;
  readonly runtime?: RuntimeOptions;
}

/** Writes the scores of samples `from` … `to` of each mix into `scores`. `onProgress` receives the fraction done. */
export async function evaluateTogether(
  mixes: readonly Mix[],
  range: readonly [number, number],
  scores: Scores,
  evaluation: Evaluation,
  onProgress: (fraction: number) => void,
): Promise<void> {
  let finished = 0;
  for (const { part, graph } of divide(mixes, evaluation)) {
    const before = finished;
    await evaluatePart(part, graph, range, scores, evaluation, (fraction) =>
      onProgress((before + fraction * part.length) / mixes.length),
    );
    finished += part.length;
  }
}

/** Divides the mixes into parts whose graphs are not too large. */
function* divide(
  mixes: readonly Mix[],
  evaluation: Evaluation,
): Generator<{ part: readonly Mix[]; graph: SweepGraph }> {
  const graph = build(mixes, evaluation);
  if (mixes.length === 1 || nodesOf(Object.values(graph.outputs)).length <= mostNodes)
    return yield { part: mixes, graph };
  const half = Math.ceil(mixes.length / 2);
  yield* divide(mixes.slice(0, half), evaluation);
  yield* divide(mixes.slice(half), evaluation);
}

async function evaluatePart(
  mixes: readonly Mix[],
  graph: SweepGraph,
  [from, to]: readonly [number, number],
  scores: Scores,
  { pair, weights, runtime }: Evaluation,
  onProgress: (fraction: number) => void,
): Promise<void> {
  const { data, batch: chunkSize } = pair;
  const { session, fed } = await loadSweep(graph, weights, runtime).catch((error) => {
    throw cannotEvaluate(error, pair);
  });
  try {
    for (let start = from; start < to; start += chunkSize) {
      const { inputs, labels } = batchAt(data, start, chunkSize);
      const results = await session.run({ ...fed, ...inputs, labels }).catch((error) => {
        throw cannotEvaluate(error, pair);
      });
      const fresh = Math.min(chunkSize, to - start);
      mixes.forEach((mix, i) => {
        const values = (name: string) => results[name] && toNumbers(results[name]).subarray(0, fresh);
        scores.write(mix, start, values(`loss${i}`), values(`error${i}`));
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
