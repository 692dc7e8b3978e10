// Evaluates mixes on a range of samples segment by segment (segments/), and the rule that says for which networks.

import { isLarge, type Model, weightBytes } from "../models/index.ts";
import { cannotRun } from "../pairs/index.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Mix } from "./mixes.ts";
import type { Scores } from "./scores.ts";
import { evaluateInSegments } from "./segments/index.ts";
import { keyOf, type Source } from "./source.ts";

/** Sets of weights that one graph of all mixes takes in memory: three sources, each as read, as serialised and as loaded. */
const setsInOneGraph = 9;

/** True where a network goes through segments: it is large, or one graph would not fit the memory that was given. */
export const needsSegments = (model: Model, memory?: number): boolean =>
  isLarge(model) || (memory !== undefined && setsInOneGraph * weightBytes(model) > memory);

/** The same as {@link evaluateTogether}, with the weights of one segment in memory at a time. `memory` is in bytes. */
export async function evaluateBySegment(
  mixes: readonly Mix[],
  range: readonly [number, number],
  scores: Scores,
  { pair, weights, runtime, memory }: Evaluation & { readonly memory: number },
  onProgress: (share: number) => void,
): Promise<void> {
  const sources = new Map<string, Source>();
  const network = {
    model: pair.model,
    inputs: pair.inputs,
    sourceOf(parameter: string, mix: Mix) {
      const source = weights.sourceOf(mix, parameter);
      sources.set(keyOf(source), source);
      return keyOf(source);
    },
    weight: (source: string, { name }: { readonly name: string }) => weights.read(sources.get(source)!, name),
  };
  // the other half is for the segment's weights, and what the runtime needs to run it
  const options = { data: pair.data, batch: pair.batch, memory: memory / 2, runtime };
  const write = (mix: Mix, start: number, loss: Float32Array, error?: Float32Array) =>
    scores.write(mix, start, loss, error);
  await evaluateInSegments(mixes, range, network, options, write, onProgress).catch((error) => {
    throw pair.model.dialect ? cannotRun(error, pair.data.name) : error;
  });
}
