// A pair: one network with two sets of weights, its layers, and the weights of every source (end, average, random step).
import { average, fromNumbers, isFloating, randomStream, type Tensor, toNumbers } from "../core/index.ts";
import { holderOf, type Model, type Parameter } from "../models/index.ts";
import { type Layer, layerIndex } from "./layers.ts";
import { partsOf, type Source } from "./mixes.ts";

export { average };

/** What becomes of running statistics where their layer is averaged: averaged too, kept from a, or computed anew on the samples. */
export type Statistics = "average" | "a" | "recalibrate";

export interface Pair {
  readonly model: Model;
  readonly layers: readonly Layer[];
  readonly a: ReadonlyMap<string, Tensor>;
  readonly b: ReadonlyMap<string, Tensor>;
  readonly statistics?: Statistics;
  /** Seeds the random directions. */
  readonly directionSeed?: number;
}

/** Each parameter's source in a mix; counters, which belong to no source, come from a. */
export function sourceOf({ layers, model, statistics }: Pair): (name: string, sources: readonly Source[]) => Source {
  const index = layerIndex(layers);
  const isStatistic = new Set(model.parameters.filter((p) => p.kind === "statistic").map((p) => p.name));
  return (name, sources) => {
    const source = sources[index.get(name)!] ?? "a";
    return statistics === "a" && isStatistic.has(name) && partsOf(source).kind !== "end" ? "a" : source;
  };
}

/** The tensor of a parameter from a source, in the parameter's dtype: (1 - alpha) A + alpha B for an average. */
export function weightOf(pair: Pair, source: Source, parameter: Parameter): Tensor {
  const { kind, dtype = "float32" } = parameter;
  const name = holderOf(pair.model.tied)(parameter.name); // tied names are one tensor
  const [a, b] = [pair.a.get(name)!, pair.b.get(name)!];
  const { kind: how, end, alpha } = partsOf(source);
  if (!isFloating(dtype)) return source === "b" ? b : a;
  if (how === "random" && kind !== "statistic") return randomStep(pair, source, { ...parameter, name });
  return average(a, b, how === "end" ? Number(end === "b") : alpha, dtype);
}

/** One end plus a step in a random direction of the layer's space, as long as the step from that end to the average. */
function randomStep(pair: Pair, source: Source, { name, dtype = "float32" }: Parameter): Tensor {
  const { end, alpha, draw } = partsOf(source);
  const layer = pair.layers.find((one) => one.parameters.includes(name))!;
  const holder = holderOf(pair.model.tied);
  const weights = pair.model.parameters.filter(
    (p) =>
      layer.parameters.includes(p.name) && holder(p.name) === p.name && p.kind !== "statistic" && p.kind !== "counter",
  );
  let [length, drawn] = [0, 0];
  for (const p of weights) {
    const [x, y] = [toNumbers(pair.a.get(p.name)!), toNumbers(pair.b.get(p.name)!)];
    const direction = directionOf(pair, draw, p.name, x.length);
    for (let i = 0; i < x.length; i++) {
      length += (y[i] - x[i]) ** 2;
      drawn += direction[i] ** 2;
    }
  }
  const share = end === "a" ? alpha : 1 - alpha;
  const scale = drawn > 0 ? (share * Math.sqrt(length)) / Math.sqrt(drawn) : 0;
  const from = toNumbers((end === "a" ? pair.a : pair.b).get(name)!);
  const direction = directionOf(pair, draw, name, from.length);
  const shape = pair.a.get(name)!.shape;
  return fromNumbers(
    dtype,
    shape,
    Float64Array.from(from, (x, i) => x + scale * direction[i]),
  );
}

function directionOf({ directionSeed = 0 }: Pair, draw: number, name: string, size: number): Float64Array {
  const random = randomStream(directionSeed, "direction", draw, name);
  return Float64Array.from({ length: size }, () => random.normal());
}
