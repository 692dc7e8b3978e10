// Writes a merged checkpoint: a copy of a's file in which the chosen layers are averaged, and a record of what was done beside it.
import { rename, rm } from "node:fs/promises";
import { type Checkpoint, isAverageName, rewriteCheckpoint, withCheckpoints } from "../checkpoints/index.ts";
import type { MeasureOptions } from "../connectivity/index.ts";
import {
  describeFileError,
  listSome,
  partName,
  removeAtExit,
  sha256Files,
  UserError,
  writeAtomic,
} from "../core/index.ts";
import { type Grouping, type Layer, matchLayers } from "../models/index.ts";
import type { Keys } from "../pairs/index.ts";
import type { Budget, Choice } from "./choose.ts";
import { openMergeEnds } from "./ends.ts";
import { keepFrom } from "./kept.ts";
import { requireOut } from "./out.ts";
import { replaceWith } from "./replacement.ts";
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
  /** The dictionaries that hold the network, where a file has several. */
  readonly keys?: Keys;
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
  /** How the files were read, what was not averaged or should not have been, and what of a's file the written one has as it was, as sentences. */
  readonly notes?: readonly string[];
}

export interface MergeProgress {
  readonly task: string;
  readonly share: number;
}
type OnProgress = (progress: MergeProgress) => void;

/** Merges two checkpoints into the file `out`. Throws {@link UserError} when they cannot be merged; nothing is written then. */
export async function merge(options: MergeOptions, onProgress: OnProgress = () => {}): Promise<MergeRecord> {
  const { a, b, keys = {} } = options;
  const ends = [
    { path: a, key: keys.a },
    { path: b, key: keys.b },
  ];
  return withCheckpoints(ends, (x, y) => mergeOpened(x, y, options, onProgress));
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
  await using measured = measure ? await loadMeasured(measure, base) : undefined;
  const ends = await openMergeEnds(x, y, options, measured?.pair);
  const report = (task: string, share: number) => onProgress({ task, share });
  const { layers, files } = ends;
  const choice =
    budget &&
    (await measured?.chooseLayers(
      options.layers ? matchLayers(layers, options.layers) : layers,
      { ...budget, base, alpha },
      report,
    ));
  const shares = choice
    ? new Map(choice.layers.map((name) => [name, alpha]))
    : parseShares(options.layers ?? ["**"], layers, alpha);
  const fresh = statistics === "recalibrate" ? await measured?.recalibrate(shares, base) : undefined;

  const layerOf = new Map(layers.flatMap(({ name, parameters }) => parameters.map((p) => [p, name] as const)));
  const keeping = keepFrom(ends, shares, base, { a, b });
  const replace = replaceWith(ends, options, (name) => {
    const renewed = fresh?.get(name);
    if (renewed) return renewed;
    const kept = keeping.endOf(name);
    if (kept) return kept === "b" ? 1 : undefined;
    const share = shares.get(layerOf.get(name)!);
    if (share === undefined) return base === "b" ? 1 : undefined;
    return statistics === "a" && ends.isStatistic(name) ? undefined : share; // the file is a copy of a's
  });
  const part = partName(out); // what is there under `out` stays until all is done
  const failed = new AbortController();
  const keep = removeAtExit(part);
  try {
    const hashes = [x, y].map(({ files }) => sha256Files(files, failed.signal));
    for (const hash of hashes) hash.catch(() => {}); // awaited below
    const written = await rewriteCheckpoint(files[0], part, ends.names, replace);
    const notes = [...ends.notes, ...keeping.notes(), ...notesOfCopy(x, out)];
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
      ...(measured ? { checked: await measured.check(part, weightOf(shares, alpha), report) } : {}),
      ...(notes.length ? { notes } : {}),
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
    keep();
    await ends.close();
  }
}

/** Copies of the network in the written file, which are still a's: loaders that prefer a moving average read those, others a student or a teacher. */
function notesOfCopy({ copies = [] }: Checkpoint, out: string): string[] {
  const averages = copies.filter(isAverageName);
  const others = copies.filter((name) => !isAverageName(name));
  const note = (names: readonly string[], what: string) =>
    names.length
      ? [
          `${out}: ${listSome(
            names.map((name) => JSON.stringify(name)),
            3,
          )} ${names.length > 1 ? "are" : "is"} still a's, which ${what}.`,
        ]
      : [];
  return [
    ...note(averages, "a loader that prefers a moving average reads"),
    ...note(others, `${others.length > 1 ? "have" : "has"} the same names`),
  ];
}

/** The runtime is loaded only where something is measured. */
async function loadMeasured(measure: MeasureOptions, base: "a" | "b") {
  const { openMeasured } = await import("./measured.ts");
  return openMeasured(measure, base);
}

/** The weight of b that the ends are held against: the layers' own where they have one in common. */
function weightOf(shares: ReadonlyMap<string, number>, alpha: number): number {
  const weights = new Set(shares.values());
  return weights.size === 1 ? [...weights][0] : alpha;
}
