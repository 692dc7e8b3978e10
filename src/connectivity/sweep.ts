// The sweep: one graph that evaluates many mixes of two networks on the same samples. The graph is hash-consed and a weight's identity is its
// source and its name, so mixes share every value that depends on equal weights only; nothing needs to be known about the network.
import { type DType, fromNumbers, type Tensor, toNumbers } from "../core/index.ts";
import { Graph, type Value } from "../graph/index.ts";
import type { Model } from "../models/index.ts";
import { classification } from "../training/index.ts";
import { type Mix, type Source, weightOfB } from "./mixes.ts";

export interface SweepShape {
  readonly input: { readonly dtype: DType; readonly shape: readonly number[] };
  readonly labelShape: readonly number[];
}

/** The input that stands for a parameter from a source. */
const weightName = (source: Source, parameter: string) => `${source}:${parameter}`;

/**
 * The graph of the mixes: outputs `loss0`, `error0`, `loss1` … one value for each sample of the batch. `layerOf` gives each parameter's layer
 * by its number; parameters without one (counters) come from end a.
 */
export function buildSweep(
  model: Model,
  layerOf: ReadonlyMap<string, number>,
  mixes: readonly Mix[],
  shape: SweepShape,
): Record<string, Value> {
  const graph = new Graph();
  const input = graph.input("input", shape.input.dtype, shape.input.shape);
  const labels = graph.input("labels", "int64", shape.labelShape);
  const shapes = new Map(model.parameters.map((p) => [p.name, p.shape]));
  const outputs: Record<string, Value> = {};
  mixes.forEach(({ sources }, i) => {
    const weights = (name: string) =>
      graph.input(weightName(sources[layerOf.get(name)!] ?? "a", name), "float32", shapes.get(name)!);
    const scores = classification(model.forward({ input }, weights), labels);
    outputs[`loss${i}`] = scores.loss;
    outputs[`error${i}`] = scores.error;
  });
  return outputs;
}

/** The tensors behind the weights of a sweep's graph, in float32: (1 - alpha) A + alpha B for the averages. */
export function sweepWeights(
  inputs: Iterable<string>,
  a: ReadonlyMap<string, Tensor>,
  b: ReadonlyMap<string, Tensor>,
): Map<string, Tensor> {
  const weights = new Map<string, Tensor>();
  for (const input of inputs) {
    const at = input.indexOf(":");
    if (at < 0) continue;
    const [source, name] = [input.slice(0, at), input.slice(at + 1)];
    weights.set(input, average(a.get(name)!, b.get(name)!, weightOfB(source)));
  }
  return weights;
}

/** (1 - alpha) a + alpha b, computed in double precision and rounded to float32. */
export function average(a: Tensor, b: Tensor, alpha: number): Tensor {
  const [x, y] = [toNumbers(a), toNumbers(b)];
  if (alpha === 0) return fromNumbers("float32", a.shape, x);
  if (alpha === 1) return fromNumbers("float32", a.shape, y);
  const mixed = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) mixed[i] = (1 - alpha) * x[i] + alpha * y[i];
  return { dtype: "float32", shape: a.shape, data: mixed };
}
