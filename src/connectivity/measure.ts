// Measures a pair: which cells there are, what each one's mix loses on the same fixed samples, the barriers, the distances, the verdict.
import { openCheckpoint } from "../checkpoints/index.ts";
import { UserError } from "../core/index.ts";
import { type DataOptions, openData } from "../data/index.ts";
import type { Model } from "../models/index.ts";
import type { RuntimeOptions } from "../runtime/index.ts";
import { finite, summarise } from "./barrier.ts";
import { layerDistances } from "./distance.ts";
import { type End, type ModelSpec, readEnds } from "./ends.ts";
import { evaluateMixes, type SampleScores } from "./evaluate.ts";
import { mean } from "./interval.ts";
import { type Grouping, groupLayers, type Layer, layerIndex, matchLayers } from "./layers.ts";
import { mixKey, mixOf, orderMixes } from "./mixes.ts";
import type { Measurement } from "./result.ts";
import { type Bases, planCells, type ScanName } from "./scans.ts";
import { decide } from "./verdict.ts";

export interface MeasureOptions {
  /** Paths of the two checkpoints. */
  readonly a: string;
  readonly b: string;
  readonly model: ModelSpec;
  readonly data: DataOptions & { readonly name: string };
  readonly scans: readonly ScanName[];
  readonly base?: Bases;
  readonly orderSeed?: number;
  /** Globs: only these layers are ever averaged. */
  readonly layers?: readonly string[];
  readonly group?: Grouping;
  /** Weights of end b; default one half. */
  readonly alphas?: readonly number[];
  readonly batch?: number;
  /** The two initialisations, for the distances from them. */
  readonly initial?: readonly [string, string];
  readonly allowNonfinite?: boolean;
  readonly runtime?: RuntimeOptions;
}

/** The stored document, and every sample's scores by the mix they belong to (`a`, `b`, or a list of sources). */
export interface MeasureResult {
  readonly document: Measurement;
  readonly samples: ReadonlyMap<string, SampleScores>;
}

export async function measure(
  options: MeasureOptions,
  onProgress?: (done: number, total: number) => void,
): Promise<MeasureResult> {
  const { scans, base = "both", orderSeed = 111, alphas = [0.5], batch = 64, runtime, allowNonfinite } = options;
  const { model, a, b } = await readEnds([options.a, options.b], options.model, { allowNonfinite });
  const data = await openData(options.data.name, { context: model.sizes.context, ...options.data });
  if (data.classes > model.sizes.classes) {
    throw new UserError(
      `${options.data.name} has ${data.classes} classes but ${model.name} tells ${model.sizes.classes} apart. Choose other --data.`,
    );
  }

  const all = groupLayers(
    model.parameters.map(({ name, shape, kind }) => ({ name, shape, dtype: kind === "counter" ? "int64" : "float32" })),
    {
      group: options.group,
      tied: model.tied,
    },
  );
  const chosen = options.layers ? matchLayers(all, options.layers) : all;
  const names = all.map((layer) => layer.name);
  const layerOf = layerIndex(all);

  const cells = planCells(
    chosen.map((layer) => layer.name),
    scans,
    { base, orderSeed },
  );
  const points = alphas.flatMap((alpha) => cells.map((cell) => ({ cell, alpha, mix: mixOf(cell, alpha, names) })));
  const [endA, endB] = (["a", "b"] as const).map((end) => mixOf({ averaged: [], base: end }, 0.5, names));
  const mixes = orderMixes([endA, endB, ...points.map((point) => point.mix)]);
  const scores = await evaluateMixes(
    mixes,
    { model, layerOf, a: a.tensors, b: b.tensors, data, batch, runtime },
    (done) => onProgress?.(done, data.count),
  );
  const samples = new Map(mixes.map((mix, i): [string, SampleScores] => [mixKey(mix), scores[i]]));
  const [ofA, ofB] = [samples.get(mixKey(endA))!, samples.get(mixKey(endB))!];

  const measured = points.map(({ cell, alpha, mix }) => ({
    ...cell,
    alpha,
    ...summarise(samples.get(mixKey(mix))!, ofA, ofB, alpha),
  }));
  const document: Measurement = {
    schema: "layerwise/measure@1",
    a: { path: a.path, sha256: a.sha256 },
    b: { path: b.path, sha256: b.sha256 },
    model: { name: model.name, ...model.sizes },
    data: { name: options.data.name, split: data.split, samples: data.count, sha256: data.sha256 },
    layers: all.map(({ name, parameters, size }) => ({ name, parameters, size })),
    ends: { a: endScores(ofA), b: endScores(ofB) },
    cells: measured,
    distance: await distances(all, model.tied, a, b, options.initial),
    verdict: decide(measured),
  };
  return { document, samples };
}

const endScores = ({ loss, error }: SampleScores) => ({ loss: finite(mean(loss)), error: 100 * mean(error) });

/** Distances between the ends, and of each from its initialisation where those are given. */
async function distances(
  layers: readonly Layer[],
  tied: Model["tied"],
  a: End,
  b: End,
  initial?: readonly [string, string],
): Promise<Measurement["distance"]> {
  const reader = (end: End) => async (name: string) => end.tensors.get(name)!;
  const between = await layerDistances(layers, reader(a), reader(b), tied);
  if (!initial) return between;
  const fromStart = async (path: string, end: End) => {
    const start = await openCheckpoint(path);
    try {
      return await layerDistances(layers, (name) => start.read(name), reader(end), tied);
    } finally {
      await start.close();
    }
  };
  return { ...between, from_init: { a: await fromStart(initial[0], a), b: await fromStart(initial[1], b) } };
}
