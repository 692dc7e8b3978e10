// Recomputes the running statistics of mixes segment by segment. Each mix runs in training mode, and the mean over the
// batches of its normalisations' statistics replaces the stored ones. Mixes with a common prefix share them. Here a
// chunk is a batch: the samples that are normalised together.
import { type Tensor, toNumbers } from "../../core/index.ts";
import type { Value } from "../../graph/index.ts";
import type { SegmentOptions } from "./evaluate.ts";
import { Passage } from "./passage.ts";
import { makeTemplate, type SegmentedNetwork } from "./template.ts";

export interface MixStatistics<M> {
  /** For each mix the key of each statistic, by the parameter's name. */
  readonly keys: ReadonlyMap<M, ReadonlyMap<string, string>>;
  /** The statistics by parameter and key, in double precision. */
  readonly values: ReadonlyMap<string, ReadonlyMap<string, Float64Array>>;
}

/** The statistics of every mix from the first `batches` batches; none for a network without batch normalisation. */
export async function statisticsInSegments<M>(
  mixes: readonly M[],
  batches: number,
  network: SegmentedNetwork<M>,
  options: SegmentOptions,
  onProgress: (fraction: number) => void = () => {},
): Promise<MixStatistics<M>> {
  const { data, chunkSize } = options;
  const template = makeTemplate(network, data, chunkSize, (inputs, weights) => {
    const tracked = new Map<string, Value>();
    network.model.forward(inputs, weights, { momentum: 1, track: (name, value) => tracked.set(name, value) });
    return tracked;
  });
  const keys = new Map(mixes.map((mix) => [mix, new Map<string, string>()]));
  const values = new Map<string, Map<string, Float64Array>>();
  if (template.outputs.size === 0 || mixes.length === 0) return { keys, values };
  const passage = new Passage({ ...options, template, network, mixes });
  const receive = (members: readonly number[], _: number, outputs: Readonly<Record<string, Tensor>>) => {
    const key = String(members[0]); // unique: a mix is the first of only one state
    for (const [name, tensor] of Object.entries(outputs)) {
      const found = toNumbers(tensor);
      if (!values.has(name)) values.set(name, new Map());
      const sums = values.get(name)!;
      if (!sums.has(key)) sums.set(key, new Float64Array(found.length));
      const sum = sums.get(key)!;
      for (let i = 0; i < sum.length; i++) sum[i] += found[i] / batches;
      for (const i of members) keys.get(mixes[i])!.set(name, key);
    }
  };
  try {
    await passage.run(
      Array.from({ length: batches }, (_, i) => i * chunkSize),
      receive,
      onProgress,
    );
  } finally {
    await passage.dispose();
  }
  return { keys, values };
}
