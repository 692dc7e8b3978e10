// Evaluates mixes on a range of samples segment by segment (segments/), and decides which networks need that.
import { fromNumbers, type Tensor } from "../core/index.ts";
import { dtypeOf, isLarge, type Model, weightBytes } from "../models/index.ts";
import type { Pair } from "../pairs/index.ts";
import type { Evaluation } from "./evaluate.ts";
import { cannotEvaluate } from "./faults.ts";
import { isEnd, type Mix, mixKey } from "./mixes.ts";
import { nothingToRecalibrate, planRecalibration } from "./recalibrate.ts";
import type { Scores } from "./scores.ts";
import { evaluateInSegments, type SegmentedNetwork, statisticsInSegments } from "./segments/index.ts";
import { keyOf, type Source, weightName } from "./source.ts";
import type { MixWeights, Recalibrated } from "./weights.ts";

/** Copies of the weights in memory with one graph for all mixes: three sources, each as read, serialised and loaded. */
const setsInOneGraph = 9;

/** True where a network is evaluated in segments: it is large, or one graph would not fit in `memory` bytes. */
export const needsSegments = (model: Model, memory?: number): boolean =>
  isLarge(model) || (memory !== undefined && setsInOneGraph * weightBytes(model) > memory);

/** {@link evaluateTogether} with the weights of only one segment in memory. `memory` is in bytes. */
export async function evaluateBySegment(
  mixes: readonly Mix[],
  range: readonly [number, number],
  scores: Scores,
  { pair, weights, runtime, memory }: Evaluation & { readonly memory: number },
  onProgress: (fraction: number) => void,
): Promise<void> {
  const network = makeNetwork(pair, weights);
  // the other half is for the segment's weights and the runtime
  const options = { data: pair.data, chunkSize: pair.batch, memory: memory / 2, runtime };
  const write = (mix: Mix, start: number, loss: Float32Array, error?: Float32Array) =>
    scores.write(mix, start, loss, error);
  await evaluateInSegments(mixes, range, network, options, write, onProgress).catch((error) => {
    throw cannotEvaluate(error, pair);
  });
}

/** {@link recalibrate} with the weights of only one segment in memory. */
export async function recalibrateBySegment(
  mixes: readonly Mix[],
  { pair, weights, runtime, memory }: Evaluation & { readonly memory: number },
): Promise<Recalibrated> {
  const { length, batches } = planRecalibration(pair);
  const averaged = mixes.filter((mix) => !isEnd(mix));
  const options = { data: pair.data, chunkSize: length, memory: memory / 2, runtime };
  const { keys, values } = await statisticsInSegments(averaged, batches, makeNetwork(pair, weights), options).catch(
    (error) => {
      throw cannotEvaluate(error, pair);
    },
  );
  if (averaged.length > 0 && values.size === 0) throw nothingToRecalibrate();
  const sourceOf = (key: string): Source => ({ kind: "recalibrated", prefix: key });
  const tensors = new Map<string, Tensor>();
  for (const [name, own] of values)
    for (const [key, value] of own)
      tensors.set(
        weightName(sourceOf(key), name),
        fromNumbers(dtypeOf(weights.parameter(name)), [value.length], value),
      );
  const statistics = averaged.map((mix): [string, Map<string, Source>] => [
    mixKey(mix),
    new Map([...keys.get(mix)!].map(([name, key]) => [name, sourceOf(key)])),
  ]);
  return { statistics: new Map(statistics), tensors };
}

/** Adapts a pair to the segments' interface. */
function makeNetwork(pair: Pair, weights: MixWeights): SegmentedNetwork<Mix> {
  const sources = new Map<string, Source>();
  return {
    model: pair.model,
    inputs: pair.inputs,
    sourceOf(parameter: string, mix: Mix) {
      const source = weights.sourceOf(mix, parameter);
      sources.set(keyOf(source), source);
      return keyOf(source);
    },
    weight: (source: string, { name }: { readonly name: string }) => weights.read(sources.get(source)!, name),
  };
}
