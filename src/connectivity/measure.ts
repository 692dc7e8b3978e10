// Measures a pair: which cells there are, what each one's mix loses on the same fixed samples, the barriers, the distances, the verdict.
import { chunksOf, openCheckpoint } from "../checkpoints/index.ts";
import { bytesOf, sha256, sha256Value, UserError } from "../core/index.ts";
import { type DataOptions, type Dataset, openData } from "../data/index.ts";
import { findNetwork, type Model } from "../models/index.ts";
import type { RuntimeOptions } from "../runtime/index.ts";
import { finite, summarise } from "./barrier.ts";
import { batchSize } from "./batches.ts";
import type { Cell, Metric, RandomBarriers, Scored } from "./cell.ts";
import { layerDistances, sumsOfPieces } from "./distance.ts";
import { type EvaluateOptions, evaluateMixes, type SampleScores } from "./evaluate.ts";
import { requireFit } from "./fit.ts";
import { mean } from "./interval.ts";
import type { Grouping, Layer } from "./layers.ts";
import { maximaOf, sharesOf } from "./lines.ts";
import { type Mix, mixKey } from "./mixes.ts";
import type { Pair, Statistics } from "./pair.ts";
import { endMix, layersOf, mixesOf, type PlanOptions, type Point, planPoints } from "./plan.ts";
import { chooseOutput, fixedBatch, labelled, type Task } from "./probe.ts";
import { recalibrate } from "./recalibrate.ts";
import type { Measurement } from "./result.ts";
import { emptyScores, joinedScores, type Sampled, sampleScores } from "./sampling.ts";
import type { SampleTable } from "./store.ts";
import { type ModelSpec, openSubject, type Subject } from "./subject.ts";
import { decide } from "./verdict.ts";

export interface MeasureOptions extends PlanOptions {
  /** Paths of the two checkpoints. */
  readonly a: string;
  readonly b: string;
  readonly model: ModelSpec;
  readonly data: DataOptions & { readonly name: string };
  readonly group?: Grouping;
  readonly metrics?: readonly Metric[];
  readonly statistics?: Statistics;
  /** Stop adding samples to a cell once half of its 95 % interval is at most this: nats of loss, points of error without loss. */
  readonly precision?: number;
  readonly task?: Task;
  /** The output of an ONNX graph that holds the scores. */
  readonly output?: string;
  readonly batch?: number;
  /** The two initialisations, for the distances from them. */
  readonly initial?: readonly [string, string];
  readonly tolerance?: number;
  readonly allowNonfinite?: boolean;
  readonly runtime?: RuntimeOptions;
}

/** The stored document, and every sample's scores by the mix they belong to (a list of sources, a layer each). */
export interface MeasureResult {
  readonly document: Measurement;
  readonly samples: SampleTable;
}

/** What is ready to be evaluated. */
export interface Prepared {
  readonly subject: Subject;
  readonly pair: Pair;
  readonly data: Dataset;
  readonly batch: number;
}

/** Reads the ends and the data, and fits them together. */
export async function prepare(options: MeasureOptions): Promise<Prepared> {
  const { allowNonfinite, runtime, task, output } = options;
  const subject = await openSubject([options.a, options.b], options.model, { allowNonfinite });
  const { foreign } = subject;
  if (!foreign && output) throw new UserError("--output names an output of an ONNX graph; built-in networks have one.");
  const [port] = foreign?.inputs ?? [];
  const declared = port?.shape?.length === 2 && typeof port.shape[1] === "number" ? port.shape[1] : undefined;
  const context = foreign ? declared : subject.model({ name: "" }).sizes.context;
  const opened = await openData(options.data.name, { ...options.data, context: options.data.context ?? context });
  const data = foreign ? labelled(opened, task) : opened;
  const fixed = foreign ? fixedBatch(foreign, data) : undefined;
  const batch = fixed ?? batchSize(data.count, options.batch);
  const scores = foreign ? await chooseOutput(subject, data, batch, { task, output, runtime }) : { name: "" };
  const model = subject.model(scores);
  if (!foreign && task === "regress")
    throw new UserError(`${model.name} tells classes apart, so there are no values to regress. Leave --task out.`);
  if (!foreign) requireFit(model, await findNetwork(options.model.name!), data, options.data.name);
  const layers = layersOf(model, options.group, (name) => subject.a.tensors.has(name));
  const pair: Pair = {
    model,
    layers,
    a: subject.a.tensors,
    b: subject.b.tensors,
    statistics: options.statistics,
    directionSeed: options.orderSeed,
  };
  const notes = scores.areProbabilities
    ? [...subject.notes, `The output ${scores.name} holds probabilities; their logarithms are the scores.`]
    : subject.notes;
  return { subject: { ...subject, notes }, pair, data, batch };
}

type OnProgress = (done: number, total: number) => void;

/** Measures a pair in one go. */
export async function measure(options: MeasureOptions, onProgress?: OnProgress): Promise<MeasureResult> {
  const { metrics = ["loss", "error"], precision } = options;
  const prepared = await prepare(options);
  const plan = await planOf(prepared, options);
  const wanted =
    precision === undefined
      ? undefined
      : ({ half: precision, metric: metrics.includes("loss") ? "loss" : "error" } as const);
  const sampled = await sampleScores(
    plan.points,
    plan.ends,
    await evaluationOf(prepared, plan, options),
    wanted,
    onProgress,
  );
  return resultOf(prepared, plan, sampled, options);
}

/** One part of a measurement: the scores of all its mixes on the samples `from` … `to`. Throws {@link UserError} when the files do not hold `content`. */
export async function scorePiece(
  options: MeasureOptions,
  [from, to]: readonly [number, number],
  content: string | undefined,
  onProgress: OnProgress = () => {},
): Promise<SampleTable> {
  const prepared = await prepare(options);
  if (content !== undefined && contentOf(prepared) !== content)
    throw new UserError(
      `${options.a}, ${options.b} or the data have changed since the measurement began. Measure again.`,
    );
  const plan = await planOf(prepared, options);
  const mixes = mixesOf(plan.points, plan.ends);
  const scores = new Map(mixes.map((mix) => [mixKey(mix), emptyScores(prepared.data)]));
  const end = Math.min(to, prepared.data.count);
  await evaluateMixes(mixes, [from, end], scores, await evaluationOf(prepared, plan, options), (share) =>
    onProgress(share * (end - from), end - from),
  );
  return new Map(
    [...scores].map(([key, { loss, error }]) => [key, { loss: loss.slice(from, end), error: error.slice(from, end) }]),
  );
}

/** A measurement from the scores of its pieces, in their order; the same as {@link measure} makes in one go. */
export async function assemble(options: MeasureOptions, pieces: readonly SampleTable[]): Promise<MeasureResult> {
  const prepared = await prepare(options);
  const plan = await planOf(prepared, options);
  return resultOf(prepared, plan, joinedScores(pieces, plan.points, plan.ends), options);
}

/** How large a measurement is: mixes, samples, samples of a batch; and the hash of what it is about. */
export async function extentOf(
  options: MeasureOptions,
): Promise<{ mixes: number; samples: number; batch: number; content: string }> {
  const prepared = await prepare(options);
  const { points, ends } = await planOf(prepared, options);
  const { data, batch } = prepared;
  return { mixes: mixesOf(points, ends).length, samples: data.count, batch, content: contentOf(prepared) };
}

/** The hash of both ends' tensors and of the samples; and of the layers of a graph, by whose order its mixes are stored. */
function contentOf({ subject, pair, data }: Prepared): string {
  const ends = [pair.a, pair.b].map((end) => [...end].map(([name, tensor]) => [name, sha256(bytesOf(tensor))]));
  return sha256Value([ends, data.sha256, ...(subject.foreign ? [pair.layers] : [])]);
}

interface Plan {
  readonly points: readonly Point[];
  readonly ends: readonly [Mix, Mix];
}

async function planOf({ pair: { layers } }: Prepared, options: MeasureOptions): Promise<Plan> {
  return { points: await planPoints(layers, options), ends: [endMix("a", layers), endMix("b", layers)] };
}

async function evaluationOf(
  { pair, data, batch }: Prepared,
  { points }: Plan,
  { statistics, runtime }: MeasureOptions,
): Promise<EvaluateOptions> {
  const recalibrated =
    statistics === "recalibrate" ? await recalibrate(pair, mixesOf(points), data, runtime) : undefined;
  return { pair, data, batch, runtime, recalibrated };
}

async function resultOf(
  { subject, pair, data }: Prepared,
  { points, ends }: Plan,
  sampled: Sampled,
  options: MeasureOptions,
): Promise<MeasureResult> {
  const { precision } = options;
  const { model, layers } = pair;
  const metrics = measuredMetrics(options, sampled.scores(ends[0], sampled.most));
  const only = <T>(of: (metric: Metric) => T): Partial<Record<Metric, T>> =>
    Object.fromEntries(metrics.map((metric) => [metric, of(metric)]));
  const both = points.map((point) => {
    const { cell, alpha, mix, baseline } = point;
    const count = sampled.count(point);
    const [a, b] = ends.map((end) => sampled.scores(end, count));
    const values = (one: typeof mix) => summarise(sampled.scores(one, count), a, b, alpha);
    const own = values(mix);
    const draws = baseline.map(values);
    const told: Cell = {
      ...cell,
      ...only((metric) => own[metric]),
      ...(precision === undefined ? {} : { samples: count }),
      ...(draws.length ? { baseline: only((metric) => baselineOf(draws.map((draw) => draw[metric]))) } : {}),
    };
    return { judged: { ...cell, ...own }, told };
  });
  const cells = both.map(({ told }) => told);
  const used = sampled.most;
  const [a, b] = ends.map((end) => endScores(sampled.scores(end, used), metrics));
  const alphas = [...new Set(cells.map((cell) => cell.alpha))];
  const document: Measurement = {
    schema: "layerwise/measure@1",
    a: { path: subject.a.path, sha256: subject.a.sha256 },
    b: { path: subject.b.path, sha256: subject.b.sha256 },
    model: { name: model.name, ...model.sizes, ...subject.facts },
    data: {
      name: options.data.name,
      split: data.split,
      samples: used,
      sha256:
        used === data.count
          ? data.sha256
          : (await openData(options.data.name, { ...options.data, context: data.inputs[0].shape[0], samples: used }))
              .sha256,
    },
    layers: layers.map(({ name, parameters, size }) => ({ name, parameters, size })),
    ends: { a, b },
    metrics: [...metrics],
    cells,
    ...(alphas.length > 1 ? { lines: maximaOf(cells) } : {}),
    ...sharesOf(cells, layers),
    distance: await distances(layers, model.tied, pair, options.initial),
    verdict: decide(
      both.map(({ judged }) => judged), // by the losses, also where only errors are told
      options.tolerance,
    ),
    ...notesOf(subject, pair),
  };
  return { document, samples: scoresByMix(sampled) };
}

function scoresByMix({ mixes, scores, most }: Sampled): Map<string, SampleScores> {
  return new Map(mixes.map((mix) => [mixKey(mix), scores(mix, most)]));
}

/** The metrics that were asked for and that there are: a regression has no error. */
function measuredMetrics({ metrics = ["loss", "error"] }: MeasureOptions, { error }: SampleScores): Metric[] {
  const there = metrics.filter((metric) => metric === "loss" || !error.every(Number.isNaN));
  if (there.length === 0)
    throw new UserError("The labels of these samples are values, so there is no error. Give --metric loss.");
  return there;
}

const endScores = ({ loss, error }: SampleScores, metrics: readonly Metric[]) => ({
  loss: metrics.includes("loss") ? finite(mean(loss)) : null,
  error: metrics.includes("error") ? finite(100 * mean(error)) : null,
});

/** The mean over the draws of a random baseline, and each draw. */
function baselineOf(scored: readonly Scored[]): RandomBarriers {
  const draws = scored.map(({ barrier }) => barrier);
  return { barrier: draws.some((x) => x === null) ? null : mean(draws as number[]), draws };
}

function notesOf({ notes, isFolded }: Subject, { model, statistics = "average" }: Pair): { notes?: string[] } {
  const all = [...notes];
  if (model.parameters.some((p) => p.kind === "statistic")) {
    const how = {
      average: `were averaged with their layers${isFolded ? "" : "; --stats recalibrate computes them anew on the samples"}`,
      a: "of averaged layers were kept from a",
      recalibrate: "of every averaged network were computed anew on the samples",
    }[statistics];
    all.push(`Running statistics of normalisation layers ${how}.`);
  }
  return all.length ? { notes: all } : {};
}

/** Distances between the ends, and of each from its initialisation where those are given. */
async function distances(
  layers: readonly Layer[],
  tied: Model["tied"],
  { a, b }: Pair,
  initial?: readonly [string, string],
): Promise<Measurement["distance"]> {
  const reader = (end: Pair["a"]) => (name: string) => [end.get(name)!];
  const between = await layerDistances(layers, sumsOfPieces(reader(a), reader(b)), tied);
  if (!initial) return between;
  const fromStart = async (path: string, end: Pair["a"]) => {
    const start = await openCheckpoint(path);
    try {
      return await layerDistances(
        layers,
        sumsOfPieces((name) => chunksOf(start, name), reader(end)),
        tied,
      );
    } finally {
      await start.close();
    }
  };
  return { ...between, from_init: { a: await fromStart(initial[0], a), b: await fromStart(initial[1], b) } };
}
