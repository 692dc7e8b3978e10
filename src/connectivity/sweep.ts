// The sweep: one graph that evaluates many mixes of two networks on the same samples. The graph is hash-consed and a weight's identity is its
// source and its name, so mixes share every value that depends on equal weights only; nothing needs to be known about the network.
import { type DType, type Tensor, UserError } from "../core/index.ts";
import { cast, Graph, type Value } from "../graph/index.ts";
import { dtypeOf, type Model } from "../models/index.ts";
import { scoresOf } from "../training/index.ts";
import { type Mix, mixKey, type Source } from "./mixes.ts";
import { type Pair, sourceOf, weightOf } from "./pair.ts";
import type { Recalibrated } from "./recalibrate.ts";

export interface ArrayType {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** One batch: the inputs by the data's names, and the labels. */
export interface BatchShape {
  readonly inputs: Readonly<Record<string, ArrayType>>;
  readonly labels: ArrayType;
}

/** The input that stands for a parameter from a source. */
export const weightName = (source: Source, parameter: string): string => `${source}:${parameter}`;

/** The graph of the mixes: outputs `loss0`, `error0`, `loss1` … one value for each sample of the batch; a regression has no error. */
export function buildSweep(
  pair: Pair,
  mixes: readonly Mix[],
  shape: BatchShape,
  recalibrated?: Recalibrated,
): Record<string, Value> {
  const graph = new Graph();
  const inputs = inputValues(graph, pair.model, shape);
  const labels = graph.input("labels", shape.labels.dtype, shape.labels.shape);
  const parameters = new Map(pair.model.parameters.map((p) => [p.name, p]));
  const source = sourceOf(pair);
  const outputs: Record<string, Value> = {};
  mixes.forEach((mix, i) => {
    const fresh = recalibrated?.statistics.get(mixKey(mix));
    const scores = scoresOf(
      pair.model.forward(inputs, (name) => {
        const parameter = parameters.get(name)!;
        const from = fresh?.get(name) ?? source(name, mix.sources);
        return graph.input(weightName(from, name), dtypeOf(parameter), parameter.shape);
      }),
      labels,
    );
    outputs[`loss${i}`] = scores.loss;
    if (scores.error) outputs[`error${i}`] = scores.error;
  });
  return outputs;
}

/** The tensors behind the weights of a sweep's graph, by the names of its inputs. */
export function sweepWeights(inputs: Iterable<string>, pair: Pair, recalibrated?: Recalibrated): Map<string, Tensor> {
  const parameters = new Map(pair.model.parameters.map((p) => [p.name, p]));
  const weights = new Map<string, Tensor>();
  for (const input of inputs) {
    const at = input.indexOf(":");
    const parameter = at < 0 ? undefined : parameters.get(input.slice(at + 1));
    if (!parameter) continue; // the data and the labels
    weights.set(input, recalibrated?.tensors.get(input) ?? weightOf(pair, input.slice(0, at), parameter));
  }
  return weights;
}

/** The data's inputs under the model's names and in its dtypes. A single input needs no name. */
export function inputValues(graph: Graph, { foreign, name }: Model, { inputs }: BatchShape): Record<string, Value> {
  const value = (from: string) => graph.input(from, inputs[from].dtype, inputs[from].shape);
  const given = Object.keys(inputs);
  if (!foreign) {
    if (given.length > 1)
      throw new UserError(
        `Model ${name} has one input, but the data have ${given.join(" and ")}. Choose other --data.`,
      );
    return { input: value(given[0]) };
  }
  return Object.fromEntries(
    foreign.inputs.map((port): [string, Value] => {
      const from = foreign.inputs.length === 1 && given.length === 1 ? given[0] : port.name;
      if (!inputs[from])
        throw new UserError(
          `The model asks for an input ${port.name}, but the data have ${given.join(", ")}. Name the array ${port.name}.`,
        );
      return [port.name, cast(value(from), port.dtype ?? inputs[from].dtype)];
    }),
  );
}
