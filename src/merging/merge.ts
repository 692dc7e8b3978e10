// Writes a merged checkpoint: a copy of a's file in which the chosen layers are averaged, and a record of what was done beside it.
import { rename, rm } from "node:fs/promises";
import {
  type Checkpoint,
  makeRing,
  type Replace,
  type Ring,
  rewriteCheckpoint,
  withCheckpoints,
} from "../checkpoints/index.ts";
import { type MeasureOptions, summarise } from "../connectivity/index.ts";
import {
  average,
  describeFileError,
  fromNumbers,
  isFloating,
  partName,
  sha256Files,
  type Tensor,
  toNumbers,
  UserError,
  writeAtomic,
} from "../core/index.ts";
import { type Grouping, holderOf, type Layer, matchLayers } from "../models/index.ts";
import { openPair, type Pair } from "../pairs/index.ts";
import {
  keyOf,
  type Mix,
  MixWeights,
  mixKey,
  mixOfEnd,
  recalibrate,
  Scores,
  type Source,
  Sweep,
} from "../sweep/index.ts";
import { type Budget, type Choice, chooseLayers } from "./choose.ts";
import { type MergeEnds, openMergeEnds } from "./ends.ts";
import { averageChunks, chunksAt, type Place, requireFiniteAt } from "./mixing.ts";
import { requireOut } from "./out.ts";
import { parseShares } from "./shares.ts";

export interface MergeOptions {
  readonly a: string;
  readonly b: string;
  readonly out: string;
  /** Globs of the layers to average, each perhaps with `=weight`; default all. */
  readonly layers?: readonly string[];
  readonly group?: Grouping;
  /** Weight of b; default one half. */
  readonly alpha?: number;
  /** Where the other layers come from; default a. */
  readonly base?: "a" | "b";
  readonly statistics?: "average" | "a" | "recalibrate";
  readonly budget?: Pick<Budget, "limit" | "metric">;
  /** The network and data, for a budget, a recalibration, or a check of the merged file. */
  readonly measure?: MeasureOptions;
  readonly allowNonfinite?: boolean;
}

export interface MergeRecord {
  readonly schema: "layerwise/merge@1";
  /** `sha256` of an end is of all the files that it lies in. */
  readonly a: { readonly path: string; readonly sha256: string };
  readonly b: { readonly path: string; readonly sha256: string };
  readonly out: { readonly path: string; readonly sha256: string };
  readonly base: "a" | "b";
  readonly statistics: string;
  /** The weight of b in every averaged layer. */
  readonly averaged: Readonly<Record<string, number>>;
  readonly kept: readonly string[];
  readonly parameters: { readonly averaged: number; readonly all: number };
  readonly budget?: Choice & { readonly limit: number; readonly metric: string; readonly method: string };
  /** The barrier of the written file itself, on the samples, against the mean of the ends at the weight `alpha` of b. */
  readonly checked?: {
    readonly samples: number;
    readonly alpha: number;
    readonly loss: number | null;
    readonly error: number | null;
  } & Readonly<Record<"loss_barrier" | "error_barrier", number | null>>;
}

export interface MergeProgress {
  readonly task: string;
  readonly share: number;
}
type OnProgress = (progress: MergeProgress) => void;

/** Merges two checkpoints into the file `out`. Throws {@link UserError} when they cannot be merged; nothing is written then. */
export async function merge(options: MergeOptions, onProgress: OnProgress = () => {}): Promise<MergeRecord> {
  return withCheckpoints([options.a, options.b], (x, y) => mergeOpened(x, y, options, onProgress));
}

async function mergeOpened(
  x: Checkpoint,
  y: Checkpoint,
  options: MergeOptions,
  onProgress: OnProgress,
): Promise<MergeRecord> {
  await requireOut(x, y, options.out);
  const { a, b, out, alpha = 0.5, base = "a", statistics = "average", budget, measure } = options;
  if ((budget || statistics === "recalibrate") && !measure)
    throw new UserError(
      "A budget or a recalibration needs samples. Name them with --data, and the network with --model.",
    );
  await using pair = measure ? await openPair(measure) : undefined;
  const ends = await openMergeEnds(x, y, options, pair);
  const { layers } = ends;
  const choice =
    budget && pair
      ? await chooseLayers(
          new Sweep(pair, { statistics: measure!.statistics, runtime: measure!.runtime, memory: measure!.memory }),
          options.layers ? matchLayers(layers, options.layers) : layers,
          { ...budget, base, alpha },
          (task, share) => onProgress({ task, share }),
        )
      : undefined;
  const shares = choice
    ? new Map(choice.layers.map((name) => [name, alpha]))
    : parseShares(options.layers ?? ["**"], layers, alpha);
  const fresh =
    pair && statistics === "recalibrate" ? await freshStatistics(pair, shares, base, measure?.runtime) : undefined;

  const layerOf = new Map(layers.flatMap(({ name, parameters }) => parameters.map((p) => [p, name] as const)));
  const replace = replaceWith(x, y, ends, options, (name) => {
    const renewed = fresh?.get(name);
    if (renewed) return renewed;
    const share = shares.get(layerOf.get(name)!);
    if (share === undefined) return base === "b" ? 1 : undefined;
    return statistics === "a" && ends.isStatistic(name) ? undefined : share; // the file is a copy of a's
  });
  const part = partName(out); // what is there under `out` stays until all is done
  const failed = new AbortController();
  try {
    const hashes = [x, y].map(({ files }) => sha256Files(files, failed.signal));
    for (const hash of hashes) hash.catch(() => {}); // awaited below
    const written = await rewriteCheckpoint(x, part, ends.names, replace);
    const averaged = layers.filter(({ name }) => shares.has(name));
    const size = (some: readonly Layer[]) => some.reduce((sum, layer) => sum + layer.size, 0);
    const record: MergeRecord = {
      schema: "layerwise/merge@1",
      a: { path: a, sha256: await hashes[0] },
      b: { path: b, sha256: await hashes[1] },
      out: { path: out, sha256: written },
      base,
      statistics,
      averaged: Object.fromEntries(shares),
      kept: layers.map(({ name }) => name).filter((name) => !shares.has(name)),
      parameters: { averaged: size(averaged), all: size(layers) },
      ...(choice && budget
        ? {
            budget: {
              ...budget,
              ...choice,
              method:
                "greedy by each layer's barrier per parameter, every accepted set evaluated as a whole; a larger set may exist",
            },
          }
        : {}),
      ...(pair ? { checked: await check(pair, measure!, part, weightOf(shares, alpha), onProgress) } : {}),
    };
    await writeAtomic(`${out}.merge.json`, `${JSON.stringify(record, null, 1)}\n`);
    await rename(part, out);
    return record;
  } catch (error) {
    failed.abort(error);
    await rm(part, { force: true }).catch(() => {});
    const told = describeFileError(error, out, "write");
    throw told instanceof UserError ? new UserError(told.message.replaceAll(part, out), { cause: error }) : error;
  } finally {
    await ends.close();
  }
}

/** The new elements of each tensor of a's file, by the weight of b that it gets, or the tensor in its place; undefined leaves a's. */
function replaceWith(
  x: Checkpoint,
  y: Checkpoint,
  { tied, graphs }: MergeEnds,
  { allowNonfinite, base = "a" }: MergeOptions,
  planFor: (name: string) => Tensor | number | undefined,
): Replace {
  const holder = holderOf(tied);
  const [ringA, ringB, ring] = [makeRing(), makeRing(), makeRing()];
  // a tied tensor may be there under one of its names only
  const placeIn = (file: Checkpoint, name: string, ring: Ring): Place => {
    const group = tied.find((names) => names.includes(name)) ?? [];
    const own = holder(name);
    return {
      file,
      name: file.tensors.has(own) ? own : (group.find((one) => file.tensors.has(one)) ?? own),
      ring,
      allowNonfinite,
    };
  };
  return async (name) => {
    const plan = planFor(name);
    const { dtype, shape } = x.tensors.get(name)!;
    if (typeof plan === "object") return fromNumbers(dtype, shape, toNumbers(plan)); // in the file's precision
    if (graphs) {
      if (plan === undefined) return undefined;
      const [own, other] = [await graphs.a.read(holder(name)), await graphs.b.read(holder(name))];
      if (isFloating(own.dtype)) return average(own, other, plan, own.dtype);
      return base === "b" ? other : undefined;
    }
    const [a, b] = [placeIn(x, name, ringA), placeIn(y, name, ringB)];
    if (!isFloating(dtype)) return base === "b" ? chunksAt(b) : undefined;
    if (plan !== undefined) return averageChunks(a, b, plan, dtype, ring);
    if (allowNonfinite) return undefined;
    if (a.name === name) return chunksAt(a); // as they are, and checked
    await requireFiniteAt(a);
    return undefined;
  };
}

/** Running statistics of the merged network, from the samples. */
async function freshStatistics(
  pair: Pair,
  shares: ReadonlyMap<string, number>,
  base: "a" | "b",
  runtime: MeasureOptions["runtime"],
): Promise<Map<string, Tensor>> {
  const source = (name: string): Source =>
    shares.has(name) ? { kind: "average", alpha: shares.get(name)! } : { kind: "end", end: base };
  const mix: Mix = { sources: pair.layers.map(({ name }) => source(name)) };
  const { statistics, tensors } = await recalibrate(pair, [mix], new MixWeights(pair), runtime);
  const own = [...(statistics.get(mixKey(mix)) ?? [])];
  return new Map(own.map(([name, from]) => [name, tensors.get(`${keyOf(from)}:${name}`)!]));
}

/** The weight of b that the ends are held against: the layers' own where they have one in common. */
function weightOf(shares: ReadonlyMap<string, number>, alpha: number): number {
  const weights = new Set(shares.values());
  return weights.size === 1 ? [...weights][0] : alpha;
}

/** The written file, evaluated as it is, against the two ends. */
async function check(
  pair: Pair,
  { runtime, memory }: MeasureOptions,
  out: string,
  alpha: number,
  onProgress: OnProgress,
) {
  const progress = ({ done, total }: { done: number; total: number }) =>
    onProgress({ task: "check", share: done / total });
  const [a, b] = [mixOfEnd("a", pair.layers), mixOfEnd("b", pair.layers)];
  const ends = await new Sweep(pair, { runtime, memory }).score([a, b], { progress });
  return withCheckpoints([out], async (file) => {
    const merged = await pair.openEnd(file);
    const own = await new Sweep({ ...pair, a: merged, b: merged }, { runtime, memory }).score([a], { progress });
    const mix = { sources: pair.layers.map((): Source => ({ kind: "average", alpha })) };
    const scores = ends.with(new Scores(new Map([[mixKey(mix), own.of(a)]]), [[mixKey(mix), own.samples]]));
    const { loss, error } = summarise(scores, mix, alpha);
    return {
      samples: own.samples,
      alpha,
      loss: loss.value,
      error: error.value,
      loss_barrier: loss.barrier,
      error_barrier: error.barrier,
    };
  });
}
