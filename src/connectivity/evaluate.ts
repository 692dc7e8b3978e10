// Evaluates mixes on the samples of a data set, batch by batch through one session, and keeps every sample's loss and error.
import { type Tensor, toNumbers, UserError } from "../core/index.ts";
import type { Dataset } from "../data/index.ts";
import { inputNames, serialise } from "../graph/index.ts";
import type { Model } from "../models/index.ts";
import { type RuntimeOptions, Session } from "../runtime/index.ts";
import type { Mix } from "./mixes.ts";
import { buildSweep, sweepWeights } from "./sweep.ts";

/** Loss (natural log) and error (0 … 1) of every sample, in the data set's order. */
export interface SampleScores {
  readonly loss: Float32Array;
  readonly error: Float32Array;
}

export interface EvaluateOptions {
  readonly model: Model;
  /** Each parameter's layer, as an index into the mixes' sources. */
  readonly layerOf: ReadonlyMap<string, number>;
  readonly a: ReadonlyMap<string, Tensor>;
  readonly b: ReadonlyMap<string, Tensor>;
  readonly data: Dataset;
  readonly batch: number;
  readonly runtime?: RuntimeOptions;
}

/** The scores of each mix. `onProgress` hears how many samples are done. */
export async function evaluateMixes(
  mixes: readonly Mix[],
  { model, layerOf, a, b, data, batch, runtime }: EvaluateOptions,
  onProgress: (samples: number) => void = () => {},
): Promise<SampleScores[]> {
  const [{ dtype, shape }] = data.inputs;
  const size = Math.min(batch, data.count);
  const shapes = { input: { dtype, shape: [size, ...shape] }, labelShape: [size, ...data.labelShape] };
  const outputs = build(() => buildSweep(model, layerOf, mixes, shapes), model, shape);
  const session = await Session.load(
    serialise(outputs, sweepWeights(inputNames(Object.values(outputs)), a, b)),
    runtime,
  );
  try {
    const scores = mixes.map(() => ({ loss: new Float32Array(data.count), error: new Float32Array(data.count) }));
    for (let start = 0; start < data.count; start += size) {
      // a short last batch is filled up with its last sample; what is too many is not kept
      const indices = Array.from({ length: size }, (_, i) => Math.min(start + i, data.count - 1));
      const { inputs: fed, labels } = data.batch(indices);
      const results = await session.run({ ...fed, labels });
      const fresh = Math.min(size, data.count - start);
      scores.forEach(({ loss, error }, i) => {
        loss.set(toNumbers(results[`loss${i}`]).subarray(0, fresh), start);
        error.set(toNumbers(results[`error${i}`]).subarray(0, fresh), start);
      });
      onProgress(start + fresh);
    }
    return scores;
  } finally {
    await session.dispose();
  }
}

/** Building infers every shape; where the data do not fit the network, that is the user's to mend. */
function build<T>(make: () => T, model: Model, shape: readonly number[]): T {
  try {
    return make();
  } catch (error) {
    throw new UserError(
      `Samples of shape [${shape}] do not fit model ${model.name} (${(error as Error).message}). Choose other --data.`,
      { cause: error },
    );
  }
}
