// One graph that evaluates many mixes of two networks on the same samples. The graph is hash-consed, and a weight is
// identified by its source and name. So mixes share every value that depends only on equal weights, for any network.
import type { Tensor } from "../core/index.ts";
import type { BatchShape } from "../data/index.ts";
import { Graph, inputNames, serialise, type Value } from "../graph/index.ts";
import { dtypeOf, scoresOf } from "../models/index.ts";
import type { Pair } from "../pairs/index.ts";
import { type RuntimeOptions, Session } from "../runtime/index.ts";
import type { Mix } from "./mixes.ts";
import { type Source, weightName } from "./source.ts";
import type { MixWeights } from "./weights.ts";

/** A graph, and the source and parameter of each input that is a weight. */
export interface SweepGraph {
  readonly outputs: Readonly<Record<string, Value>>;
  readonly weights: ReadonlyMap<string, { readonly source: Source; readonly parameter: string }>;
}

/** Adds a mix's weights as inputs of a graph; `used` lists them. */
export function makeWeightInputs(graph: Graph, weights: MixWeights) {
  const used = new Map<string, { source: Source; parameter: string }>();
  const weightsOf =
    (mix: Mix) =>
    (parameter: string): Value => {
      const source = weights.sourceOf(mix, parameter);
      const name = weightName(source, parameter);
      used.set(name, { source, parameter });
      const p = weights.parameter(parameter);
      return graph.input(name, dtypeOf(p), p.shape);
    };
  return { weightsOf, used };
}

/**
 * The graph of the mixes. Outputs `loss0`, `error0`, `loss1` … have one value for each sample of the chunk; a
 * regression has no error.
 */
export function buildSweep(
  { model, inputs }: Pick<Pair, "model" | "inputs">,
  weights: MixWeights,
  mixes: readonly Mix[],
  shape: BatchShape,
): SweepGraph {
  const graph = new Graph();
  const given = inputs(graph, shape);
  const labels = graph.input("labels", shape.labels.dtype, shape.labels.shape);
  const { weightsOf, used } = makeWeightInputs(graph, weights);
  const outputs: Record<string, Value> = {};
  mixes.forEach((mix, i) => {
    const logits = model.forward(given, weightsOf(mix));
    const scores = scoresOf(logits, labels, shape.labels.areSomeIgnored, model.isMultiLabel);
    outputs[`loss${i}`] = scores.loss;
    if (scores.error) outputs[`error${i}`] = scores.error;
  });
  return { outputs, weights: used };
}

/** Most bytes of weights frozen into a graph, because protobuf ends at 2 GB. Larger weights are fed at each run. */
const mostFrozen = 1.5e9;

export interface Loaded {
  readonly session: Session;
  /** Feeds for every run, in addition to the samples. */
  readonly fed: Readonly<Record<string, Tensor>>;
}

/** Loads a graph with its weights, frozen into it where they fit, else fed at each run. */
export async function loadSweep(
  { outputs, weights: used }: SweepGraph,
  weights: MixWeights,
  runtime?: RuntimeOptions,
  most = mostFrozen,
): Promise<Loaded> {
  const tensors = new Map<string, Tensor>();
  for (const name of inputNames(Object.values(outputs))) {
    const weight = used.get(name);
    if (weight) tensors.set(name, await weights.read(weight.source, weight.parameter));
  }
  const bytes = [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  const isFrozen = bytes <= most;
  const model = serialise(outputs, isFrozen ? tensors : undefined, weights.pair.model.dialect);
  return { session: await Session.load(model, runtime), fed: isFrozen ? {} : Object.fromEntries(tensors) };
}
