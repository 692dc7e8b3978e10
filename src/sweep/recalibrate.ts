// Recomputes the running statistics of each averaged network, as torch.optim.swa_utils.update_bn does. The samples pass
// through the network while every normalisation uses its batch's own statistics. The means of those over the batches
// (variances unbiased) replace the averaged statistics. Mixes with a common prefix share their statistics.
import { fromNumbers, type Tensor, toNumbers, UserError } from "../core/index.ts";
import { batchAt, batchShape } from "../data/index.ts";
import { Graph, type Value } from "../graph/index.ts";
import { dtypeOf } from "../models/index.ts";
import type { Pair } from "../pairs/index.ts";
import type { RuntimeOptions } from "../runtime/index.ts";
import { cannotEvaluate } from "./faults.ts";
import { loadSweep, makeWeightInputs } from "./graph.ts";
import { isEnd, type Mix, mixKey } from "./mixes.ts";
import { type Source, weightName } from "./source.ts";
import type { MixWeights, Recalibrated } from "./weights.ts";

/**
 * Samples in a batch of the recalibration, unless the graph fixes it. It does not follow --batch, because the
 * statistics depend on it.
 */
const size = 64;

/** The full batches that a recalibration passes through the network. Throws {@link UserError} where there is none. */
export function planRecalibration({ data, fixedBatch }: Pair): { length: number; batches: number } {
  const length = fixedBatch ?? Math.min(size, data.count);
  if (length > data.count)
    throw new UserError(
      `--stats recalibrate needs at least ${length} samples, but there are ${data.count}. Use more samples, or omit it.`,
    );
  return { length, batches: Math.floor(data.count / length) };
}

export const nothingToRecalibrate = (): UserError =>
  new UserError(
    "There are no running statistics to recalibrate: no batch normalisation was found in the network. Omit --stats.",
  );

/** The running statistics of every mix with an averaged layer, from full batches of samples; the ends keep theirs. */
export async function recalibrate(
  pair: Pair,
  mixes: readonly Mix[],
  weights: MixWeights,
  runtime?: RuntimeOptions,
): Promise<Recalibrated> {
  const { data, model } = pair;
  const { length, batches } = planRecalibration(pair);
  const graph = new Graph();
  const inputs = pair.inputs(graph, batchShape(data, length));
  const { weightsOf, used } = makeWeightInputs(graph, weights);
  const tracked = new Map<string, { parameter: string; value: Value }>();
  const statistics = new Map<string, Map<string, Source>>();
  for (const mix of mixes) {
    if (isEnd(mix)) continue;
    const own = new Map<string, Source>();
    model.forward(inputs, weightsOf(mix), {
      momentum: 1,
      track(parameter, value) {
        const source: Source = { kind: "recalibrated", prefix: value.key };
        own.set(parameter, source);
        tracked.set(weightName(source, parameter), { parameter, value });
      },
    });
    statistics.set(mixKey(mix), own);
  }
  if (statistics.size === 0) return { statistics, tensors: new Map() }; // nothing is averaged
  if (tracked.size === 0) throw nothingToRecalibrate();
  const values = [...tracked.values()];
  const outputs = Object.fromEntries(values.map(({ value }, i) => [`s${i}`, value]));
  const refuse = (error: unknown) => {
    throw cannotEvaluate(error, pair);
  };
  const { session, fed } = await loadSweep({ outputs, weights: used }, weights, runtime).catch(refuse);
  try {
    const sums = values.map(() => undefined as Float64Array | undefined);
    for (let i = 0; i < batches; i++) {
      const results = await session.run({ ...fed, ...batchAt(data, i * length, length).inputs }).catch(refuse);
      sums.forEach((_, j) => {
        const batch = toNumbers(results[`s${j}`]);
        sums[j] ??= new Float64Array(batch.length);
        for (let at = 0; at < batch.length; at++) sums[j]![at] += batch[at] / batches;
      });
    }
    const asParameter = (j: number): Tensor =>
      fromNumbers(dtypeOf(weights.parameter(values[j].parameter)), [sums[j]!.length], sums[j]!);
    return { statistics, tensors: new Map([...tracked.keys()].map((key, j) => [key, asParameter(j)])) };
  } finally {
    await session.dispose();
  }
}
