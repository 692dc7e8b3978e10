// The tensors of a mix: each parameter's source, and the parameter's tensor from that source, read from the ends'
// files.
import { average, convert, fromNumbers, isFloating, randomStream, type Tensor, toNumbers } from "../core/index.ts";
import { dtypeOf, holderOf, layerIndex, type Parameter } from "../models/index.ts";
import type { Pair } from "../pairs/index.ts";
import { type Mix, mixKey } from "./mixes.ts";
import { endOf, type Source, weightName } from "./source.ts";

/**
 * What becomes of running statistics if their layer is averaged: averaged too, kept from a, or recomputed on the
 * samples.
 */
export type Statistics = "average" | "a" | "recalibrate";

export interface WeightOptions {
  readonly statistics?: Statistics;
  /** The end for parameters that are not averaged, in a mix with averaged layers only; default a. */
  readonly base?: "a" | "b";
  /** Seeds the random directions. */
  readonly directionSeed?: number;
}

/** Running statistics computed on the samples. */
export interface Recalibrated {
  /** The source of each running statistic, by the mix's key and the statistic's name. */
  readonly statistics: ReadonlyMap<string, ReadonlyMap<string, Source>>;
  /** The statistics, by {@link weightName}. */
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** Squared norms of a layer's step from a to b, and of a random direction in its space. */
interface Norms {
  readonly length: number;
  readonly drawn: number;
}

/** The end that a source equals or starts from. */
function nearEnd(source: Source): Source | undefined {
  if (source.kind === "random") return endOf(source.end);
  if (source.kind !== "average" || (source.alpha !== 0 && source.alpha !== 1)) return undefined;
  return endOf(source.alpha === 0 ? "a" : "b");
}

/** The parts of a pair that a mix needs. */
export type WeighedPair = Pick<Pair, "model" | "layers" | "a" | "b">;

/** Finds the source and the tensor of every parameter of a mix. */
export class MixWeights {
  readonly #parameters: ReadonlyMap<string, Parameter>;
  readonly #index: ReadonlyMap<string, number>;
  /** The name under which a tied tensor is read. */
  readonly #holder: (name: string) => string;
  /** Squared norms, by layer and draw. */
  readonly #norms = new Map<string, Promise<Norms>>();

  constructor(
    readonly pair: WeighedPair,
    readonly options: WeightOptions = {},
    readonly recalibrated?: Recalibrated,
  ) {
    this.#parameters = new Map(pair.model.parameters.map((p) => [p.name, p]));
    this.#index = layerIndex(pair.layers);
    this.#holder = holderOf(pair.model.tied);
  }

  parameter(name: string): Parameter {
    return this.#parameters.get(name)!;
  }

  /**
   * The source of a parameter in a mix. Parameters that are not averaged or not in a layer come from the mix's base.
   */
  sourceOf(mix: Mix, name: string): Source {
    const fresh = this.recalibrated?.statistics.get(mixKey(mix))?.get(name);
    if (fresh) return fresh;
    const source = mix.sources[this.#index.get(name)!] ?? this.#baseOf(mix);
    if (source.kind === "end") return source;
    const { kind } = this.parameter(name);
    if (kind === "kept" || kind === "counter") return nearEnd(source) ?? this.#baseOf(mix);
    return this.options.statistics === "a" && kind === "statistic" ? endOf("a") : source;
  }

  /** The source of the layers that are not averaged. */
  #baseOf({ sources }: Mix): Source {
    return (
      sources.find(({ kind }) => kind === "end") ??
      (sources[0] && nearEnd(sources[0])) ??
      endOf(this.options.base ?? "a")
    );
  }

  /** The parameter's tensor from a source, in the parameter's dtype. */
  async read(source: Source, name: string): Promise<Tensor> {
    const parameter = this.parameter(name);
    const dtype = dtypeOf(parameter);
    const { a, b } = this.pair;
    const holder = this.#holder(name);
    if (source.kind === "recalibrated") return this.recalibrated!.tensors.get(weightName(source, name))!;
    if (source.kind === "end" || !isFloating(dtype)) {
      const end = source.kind === "end" && source.end === "b" ? b : a;
      const own = await end.read(holder);
      return isFloating(dtype) ? convert(own, dtype) : own;
    }
    if (source.kind === "random" && parameter.kind !== "statistic")
      return this.#randomStep(source, { ...parameter, name: holder });
    return average(await a.read(holder), await b.read(holder), source.alpha, dtype);
  }

  /**
   * An end plus a step in a random direction of the layer's space, with the norm of the step from the end to the
   * average.
   */
  async #randomStep({ end, alpha, draw }: Source & { kind: "random" }, { name, ...rest }: Parameter): Promise<Tensor> {
    const layer = this.#index.get(name)!;
    const key = `${layer} ${draw}`;
    if (!this.#norms.has(key)) this.#norms.set(key, this.#computeNorms(layer, draw));
    const { length, drawn } = await this.#norms.get(key)!;
    const fraction = end === "a" ? alpha : 1 - alpha;
    const scale = drawn > 0 ? (fraction * Math.sqrt(length)) / Math.sqrt(drawn) : 0;
    const from = await this.pair[end].read(name);
    const direction = this.#drawDirection(draw, name, from.data.length);
    const moved = Float64Array.from(toNumbers(from), (x, i) => x + scale * direction[i]);
    return fromNumbers(dtypeOf({ name, ...rest }), from.shape, moved);
  }

  /** The squared norms of a layer's step from a to b and of the direction drawn for the layer. */
  async #computeNorms(layer: number, draw: number): Promise<Norms> {
    const { model, layers, a, b } = this.pair;
    const { parameters } = layers[layer];
    let [length, drawn] = [0, 0];
    for (const { name, kind } of model.parameters) {
      if (!parameters.includes(name) || this.#holder(name) !== name) continue;
      if (kind === "statistic" || kind === "counter" || kind === "kept") continue;
      const [x, y] = [toNumbers(await a.read(name)), toNumbers(await b.read(name))];
      const direction = this.#drawDirection(draw, name, x.length);
      for (let i = 0; i < x.length; i++) {
        if (x[i] === y[i] && !Number.isFinite(x[i])) continue; // a step does not change an infinity
        length += (y[i] - x[i]) ** 2;
        drawn += direction[i] ** 2;
      }
    }
    return { length, drawn };
  }

  #drawDirection(draw: number, name: string, size: number): Float64Array {
    const random = randomStream(this.options.directionSeed ?? 0, "direction", draw, name);
    return Float64Array.from({ length: size }, () => random.normal());
  }
}
