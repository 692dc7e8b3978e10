// Running statistics computed anew for each averaged network, as torch.optim.swa_utils.update_bn does: the samples pass through it with every
// normalisation using its batch's own statistics, and the means of those over the batches (variances unbiased) take the place of the averaged ones.
// Networks that begin alike share their statistics as they share their computation.
import { fromNumbers, type Tensor, toNumbers, UserError } from "../core/index.ts";
import type { Dataset } from "../data/index.ts";
import { Graph, type Value } from "../graph/index.ts";
import { dtypeOf } from "../models/index.ts";
import type { RuntimeOptions } from "../runtime/index.ts";
import { batchAt, batchShape } from "./batches.ts";
import { loadGraph } from "./loading.ts";
import { type Mix, mixKey, type Source } from "./mixes.ts";
import { type Pair, sourceOf } from "./pair.ts";
import { fixedBatch } from "./probe.ts";
import { inputValues, weightName } from "./sweep.ts";

/** Samples in a batch of the recalibration (where a graph does not fix it), whatever the evaluation's batch is: the statistics depend on it. */
const size = 64;

export interface Recalibrated {
  /** For a mix: the source of each running statistic, by its name. */
  readonly statistics: ReadonlyMap<string, ReadonlyMap<string, Source>>;
  /** The statistics, by the name of the sweep's input that stands for them. */
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** Statistics of every mix with an averaged layer, from the samples' full batches; the ends keep theirs. */
export async function recalibrate(
  pair: Pair,
  mixes: readonly Mix[],
  data: Dataset,
  runtime?: RuntimeOptions,
  onProgress: (share: number) => void = () => {},
): Promise<Recalibrated> {
  const fixed = pair.model.foreign && fixedBatch(pair.model.foreign, data);
  const length = fixed ?? Math.min(size, data.count);
  if (length > data.count)
    throw new UserError(
      `--stats recalibrate needs a batch of samples: ${length} at least. Give more, or leave it out.`,
    );
  const batches = Math.floor(data.count / length);
  const graph = new Graph();
  const inputs = inputValues(graph, pair.model, batchShape(data, length));
  const parameters = new Map(pair.model.parameters.map((p) => [p.name, p]));
  const source = sourceOf(pair);
  const tracked = new Map<string, Value>();
  const statistics = new Map<string, Map<string, Source>>();
  for (const mix of mixes) {
    if (mix.sources.every((one) => one === mix.sources[0]) && /^[ab]$/.test(mix.sources[0])) continue;
    const own = new Map<string, Source>();
    pair.model.forward(
      inputs,
      (name) => {
        const p = parameters.get(name)!;
        return graph.input(weightName(source(name, mix.sources), name), dtypeOf(p), p.shape);
      },
      {
        momentum: 1,
        track(name, value) {
          const from = `c${value.key}`;
          own.set(name, from);
          tracked.set(weightName(from, name), value);
        },
      },
    );
    statistics.set(mixKey(mix), own);
  }
  if (statistics.size === 0) return { statistics, tensors: new Map() }; // nothing is averaged
  if (tracked.size === 0)
    throw new UserError(
      "There are no running statistics to recalibrate: the network has no batch normalisation that could be found. Leave --stats out.",
    );
  const outputs = Object.fromEntries([...tracked.values()].map((value, i) => [`s${i}`, value]));
  const { session, fed } = await loadGraph(outputs, pair, { runtime });
  try {
    const sums = [...tracked.values()].map(() => undefined as Float64Array | undefined);
    for (let i = 0; i < batches; i++) {
      const results = await session.run({ ...fed, ...batchAt(data, i * length, length).inputs });
      sums.forEach((_, j) => {
        const values = toNumbers(results[`s${j}`]);
        sums[j] ??= new Float64Array(values.length);
        for (let at = 0; at < values.length; at++) sums[j]![at] += values[at] / batches;
      });
      onProgress((i + 1) / batches);
    }
    const asParameter = (name: string, values: Float64Array): Tensor =>
      fromNumbers(dtypeOf(parameters.get(name.slice(name.indexOf(":") + 1))!), [values.length], values);
    return { statistics, tensors: new Map([...tracked.keys()].map((name, j) => [name, asParameter(name, sums[j]!)])) };
  } finally {
    await session.dispose();
  }
}
