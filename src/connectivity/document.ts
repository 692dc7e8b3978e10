// Makes a measurement's document from the scores of its mixes.
import { chunksOf, withCheckpoints } from "../checkpoints/index.ts";
import { noteOfAlphas, UserError } from "../core/index.ts";
import { openData } from "../data/index.ts";
import { averagedSums, layerDistances, sumsOfPieces } from "../distance/index.ts";
import type { End, Pair } from "../pairs/index.ts";
import type { Metric, SampleScores, Scores } from "../sweep/index.ts";
import { finite, perplexityOf, summarise } from "./barrier.ts";
import type { Cell, RandomBarriers, Scored } from "./cell.ts";
import { divideFullBarrier, findMaxima } from "./derived.ts";
import { mean } from "./interval.ts";
import type { MeasureOptions } from "./options.ts";
import type { PlannedCell } from "./plan.ts";
import { noteOfPrecision, precisionOf } from "./precision.ts";
import type { Measurement } from "./result.ts";
import { decide } from "./verdict.ts";

/** The document: every cell with its barriers, the ends, the distances and the verdict. */
export async function makeDocument(
  pair: Pair,
  planned: readonly PlannedCell[],
  scores: Scores,
  options: MeasureOptions,
): Promise<Measurement> {
  const { a, b, model, layers, data } = pair;
  const used = scores.samples;
  const precision = precisionOf(options);
  const ends = { a: scores.ofEnd("a", used), b: scores.ofEnd("b", used) };
  const metrics = selectMetrics(options, ends.a);
  const measured = planned.map((one) => measureCell(one, scores));
  const hasPerplexity = pair.isLanguage === true && metrics.includes("loss");
  const cells = measured.map((cell) => ({
    ...withMetrics(cell, metrics, options.precision !== undefined),
    ...(hasPerplexity ? { perplexity: perplexityOf(cell.loss?.value ?? null) } : {}),
  }));
  const valuesOf = (end: SampleScores) => {
    const values = averageEnd(end, metrics, scores.weights);
    return hasPerplexity ? { ...values, perplexity: perplexityOf(values.loss) } : values;
  };
  const alphas = [...new Set(cells.map((cell) => cell.alpha))];
  const { layerAlphas } = options;
  // by the losses, also where only errors are reported
  const [lossA, lossB] = [ends.a, ends.b].map(({ loss }) => mean(loss, scores.weights));
  const verdict = decide(measured, {
    tolerance: options.tolerance,
    haveOwnAlphas: layerAlphas !== undefined,
    gap: Math.abs(lossA - lossB),
  });
  return {
    schema: "layerwise/measure@1",
    a: { path: a.path, sha256: a.sha256 },
    b: { path: b.path, sha256: b.sha256 },
    model: { name: model.name, ...model.sizes, ...pair.facts },
    data: {
      name: options.data.name,
      split: data.split,
      samples: used,
      sha256: await hashSamples(pair, used, options),
    },
    layers: layers.map(({ name, parameters, size }) => ({ name, parameters, size })),
    ends: { a: valuesOf(ends.a), b: valuesOf(ends.b) },
    metrics: [...metrics],
    cells,
    ...(layerAlphas ? { layer_alphas: layerAlphas } : alphas.length > 1 ? { lines: findMaxima(cells) } : {}),
    ...(layerAlphas ? {} : divideFullBarrier(cells, layers)),
    distance: await measureDistances(pair, options.initial),
    verdict,
    ...collectNotes(pair, options, [
      ...noteOfChance(ends, data.classes),
      ...(precision ? noteOfPrecision(planned, scores, precision) : []),
    ]),
  };
}

/** A planned cell with both metrics as measured. */
function measureCell({ cell, mix, baseline }: PlannedCell, scores: Scores): Cell {
  const draws = baseline.map((draw) => summarise(scores, draw, cell.alpha));
  return {
    ...cell,
    ...summarise(scores, mix, cell.alpha),
    samples: scores.count(mix),
    ...(draws.length
      ? {
          baseline: {
            loss: averageDraws(draws.map(({ loss }) => loss)),
            error: averageDraws(draws.map(({ error }) => error)),
          },
        }
      : {}),
  };
}

/** The mean over the draws of a random baseline, and each draw. */
function averageDraws(scored: readonly Scored[]): RandomBarriers {
  const draws = scored.map(({ barrier }) => barrier);
  return { barrier: draws.some((x) => x === null) ? null : mean(draws as number[]), draws };
}

/** A cell with only the requested metrics, and with its number of samples where that differs between cells. */
function withMetrics(
  { loss, error, baseline, samples, ...cell }: Cell,
  metrics: readonly Metric[],
  counted: boolean,
): Cell {
  const only = <T>(of: Partial<Record<Metric, T>>): Partial<Record<Metric, T>> =>
    Object.fromEntries(metrics.map((metric) => [metric, of[metric]]));
  return {
    ...cell,
    ...only<Scored>({ loss, error }),
    ...(counted ? { samples } : {}),
    ...(baseline ? { baseline: only(baseline) } : {}),
  };
}

/** The requested metrics that exist: a regression has no error. */
function selectMetrics({ metrics = ["loss", "error"] }: MeasureOptions, { error }: SampleScores): Metric[] {
  const existing = metrics.filter((metric) => metric === "loss" || !error.every(Number.isNaN));
  if (existing.length === 0)
    throw new UserError("The labels of these samples are real values, so there is no error. Use --metric loss.");
  return existing;
}

const averageEnd = ({ loss, error }: SampleScores, metrics: readonly Metric[], weights?: Float32Array) => ({
  loss: metrics.includes("loss") ? finite(mean(loss, weights)) : null,
  error: metrics.includes("error") ? finite(100 * mean(error, weights)) : null,
});

/** The hash of the samples that were used: fewer than the data's where the precision was reached early. */
async function hashSamples(
  { data }: Pair,
  samples: number,
  { data: { name, ...rest } }: MeasureOptions,
): Promise<string> {
  if (samples === data.count) return data.sha256;
  if (data.hashOf) return data.hashOf(samples);
  return (await openData(name, { ...rest, context: data.inputs[0].shape[0], samples })).sha256;
}

async function measureDistances(
  { a, b, layers, tied, kinds }: Pair,
  initial?: readonly [string, string],
): Promise<Measurement["distance"]> {
  const reader = (end: End) =>
    async function* (name: string) {
      yield await end.read(name);
    };
  const between = await layerDistances(layers, averagedSums(sumsOfPieces(reader(a), reader(b)), kinds), tied);
  if (!initial) return between;
  const fromStart = (path: string, end: End) =>
    withCheckpoints([path], (start) =>
      layerDistances(
        layers,
        averagedSums(
          sumsOfPieces((name) => chunksOf(start, name), reader(end)),
          kinds,
        ),
        tied,
      ),
    );
  return { ...between, from_init: { a: await fromStart(initial[0], a), b: await fromStart(initial[1], b) } };
}

function collectNotes(
  { notes, cannotRecalibrate, model }: Pair,
  { statistics = "average", remarks = [], alphas = [], layerAlphas = {} }: MeasureOptions,
  ofScores: readonly string[],
): { notes?: string[] } {
  const all = [...remarks, ...noteOfAlphas([...alphas, ...Object.values(layerAlphas)]), ...ofScores, ...notes];
  if (model.parameters.some((p) => p.kind === "statistic")) {
    const how = {
      average: `were averaged with their layers${cannotRecalibrate ? "" : "; --stats recalibrate recomputes them on the samples"}`,
      a: "of averaged layers were kept from a",
      recalibrate: "of every averaged network were recomputed on the samples",
    }[statistics];
    all.push(`Running statistics of normalisation layers ${how}.`);
  }
  return all.length ? { notes: all } : {};
}

/** With fewer samples, a good network may seem to guess. */
const fewest = 100;

/** A note on ends that are no better than guessing among the classes, within two standard errors. */
function noteOfChance(ends: { readonly a: SampleScores; readonly b: SampleScores }, classes: number): string[] {
  const chance = 1 - 1 / classes;
  const guessing = (["a", "b"] as const).filter((end) => {
    const { error } = ends[end];
    const isOneAnswer = classes > 1 && error.length >= fewest && error.every((wrong) => wrong === 0 || wrong === 1);
    return isOneAnswer && mean(error) + 2 * Math.sqrt((chance * (1 - chance)) / error.length) >= chance;
  });
  if (guessing.length === 0) return [];
  const errors = guessing.map((end) => `${(100 * mean(ends[end].error)).toFixed(1)} %`).join(" and ");
  return [
    `${guessing.length > 1 ? "Both ends are" : `End ${guessing[0]} is`} no better than guessing on these samples (error ${errors}; guessing among ${classes} classes has ${(100 * chance).toFixed(1)} %), so the barriers say little.`,
  ];
}
