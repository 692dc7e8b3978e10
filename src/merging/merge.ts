// Writes a merged checkpoint: a copy of a's file or folder with the chosen layers averaged, and a record of the merge.
import { rm } from "node:fs/promises";
import { type Checkpoint, withCheckpoints } from "../checkpoints/index.ts";
import type { MeasureOptions } from "../connectivity/index.ts";
import {
  describeFileError,
  listSome,
  noteOfAlphas,
  removeAtExit,
  sha256Files,
  UserError,
  watchFiles,
} from "../core/index.ts";
import { cannotAverage } from "../distance/index.ts";
import { type Layer, matchLayers } from "../models/index.ts";
import { openMergeEnds } from "./ends.ts";
import { parseLayerAlphas } from "./layer-alphas.ts";
import type { MergeOptions } from "./options.ts";
import { planMerge } from "./plan.ts";
import type { MergeRecord } from "./record.ts";
import { replaceWith } from "./replacement.ts";
import { chooseTarget } from "./targets/index.ts";
import type { Target } from "./targets/target.ts";

export type { MergeOptions, MergeRecord };

/** What a merge is doing, and the fraction that is done. */
export interface MergeProgress {
  /** What is being computed. */
  readonly step: string;
  /** How much of it is done, from 0 to 1. */
  readonly fraction: number;
}

/**
 * Merges two checkpoints into the file or folder `out`: (1 - alpha) a + alpha b on the chosen layers, the base
 * elsewhere, in the format of a. Throws a {@link UserError} if they cannot be merged; nothing is written then.
 * @example
 * ```ts
 * import { merge } from "layerwise";
 *
 * const record = await merge({
 *   a: "rings-a.safetensors",
 *   b: "rings-b.safetensors",
 *   out: "merged.safetensors",
 *   layers: ["layers.1", "layers.2=0.25"],
 * });
 * console.log(record.averaged, record.kept); // { 'layers.1': 0.5, 'layers.2': 0.25 } [ 'layers.0' ]
 * ```
 */
export async function merge(
  options: MergeOptions,
  onProgress: (progress: MergeProgress) => void = () => {},
): Promise<MergeRecord> {
  const target = await chooseTarget(options);
  return withCheckpoints(target.ends, (x, y) => mergeOpened(x, y, target, options, onProgress));
}

async function mergeOpened(
  x: Checkpoint,
  y: Checkpoint,
  target: Target,
  options: MergeOptions,
  onProgress: (progress: MergeProgress) => void,
): Promise<MergeRecord> {
  await target.requirePlace(x, y);
  const requireUnchanged = await watchFiles([...x.files, ...y.files]);
  const { a, b, out, alpha = 0.5, base = "a", statistics = "average", budget, measure } = options;
  if ((budget || statistics === "recalibrate") && !measure)
    throw new UserError(
      `${budget ? "A budget needs" : "--stats recalibrate needs"} samples. Give them with --data, and the network with --model.`,
    );
  await using measured = measure ? await loadMeasured(measure, base) : undefined;
  const network = measured ? undefined : await target.findNetwork?.(x, y);
  await using ends = await openMergeEnds(x, y, options, measured?.pair, network);
  const report = (step: string, fraction: number) => onProgress({ step, fraction });
  const { layers } = ends;
  const candidates = budget && (options.layers ? matchLayers(layers, options.layers) : layers);
  const requested = candidates
    ? new Map(candidates.map(({ name }) => [name, alpha]))
    : parseLayerAlphas(options.layers ?? ["**"], layers, alpha);
  const requestedPlan = planMerge(ends, requested, options);
  ends.requirePlaces((name) => (requestedPlan.alphaOf(name) ?? 0) !== 0);
  const refused = ends.graphs ? [] : requestedPlan.refused();
  if (refused.length) throw cannotAverage(x.path, y.path, refused, "Otherwise exclude their layers with --layers.");
  const choice = budget && candidates && (await measured?.chooseLayers(candidates, { ...budget, base, alpha }, report));
  const alphas = choice ? new Map(choice.layers.map((name) => [name, alpha])) : requested;
  const fresh = statistics === "recalibrate" ? await measured?.recalibrate(alphas, base) : undefined;

  const plan = choice ? planMerge(ends, alphas, options) : requestedPlan;
  const { replace, notes: notesOfWritten } = replaceWith(
    ends,
    options,
    (name) => fresh?.get(name) ?? plan.alphaOf(name),
  );
  const { part } = target;
  const failed = new AbortController();
  const keep = removeAtExit(part);
  try {
    const hashes = [x, y].map(({ files }) => sha256Files(files, failed.signal));
    for (const hash of hashes) hash.catch(() => {}); // awaited below
    const { notes: ofCopy, ...written } = await target.write(ends, replace);
    const notes = [
      ...(options.remarks ?? []),
      ...target.notes,
      ...ends.notes,
      ...noteOfAlphas(alphas.values()),
      ...plan.notes(),
      ...noteOfShared(ends.files[0], (name) => fresh?.has(name) || (plan.alphaOf(name) ?? 0) !== 0),
      ...notesOfWritten(),
      ...ofCopy,
    ];
    const averaged = layers.filter(({ name }) => alphas.has(name));
    const size = (some: readonly Layer[]) => some.reduce((sum, layer) => sum + layer.size, 0);
    const record: MergeRecord = {
      schema: "layerwise/merge@1",
      a: { path: a, sha256: await hashes[0] },
      b: { path: b, sha256: await hashes[1] },
      out: { path: out, ...written },
      base,
      statistics,
      averaged: Object.fromEntries(alphas),
      kept: layers.map(({ name }) => name).filter((name) => !alphas.has(name)),
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
      ...(measured ? { checked: await measured.check(target.openWritten, commonAlpha(alphas, alpha), report) } : {}),
      ...(notes.length ? { notes } : {}),
    };
    await requireUnchanged();
    await target.finish(record, ends);
    return record;
  } catch (error) {
    failed.abort(error);
    await rm(part, { force: true, recursive: true }).catch(() => {});
    const described = describeFileError(error, out, "write");
    throw described instanceof UserError
      ? new UserError(described.message.replaceAll(part, out), { cause: error })
      : error;
  } finally {
    keep();
  }
}

/** A note on tensors outside the merged state dict that change too, since a's file shares them with merged ones. */
function noteOfShared({ path, sharedOutside }: Checkpoint, isChanged: (name: string) => boolean | undefined): string[] {
  const outside = [...(sharedOutside ?? [])].filter(([name]) => isChanged(name)).flatMap(([, names]) => names);
  const names = [...new Set(outside)];
  return names.length
    ? [
        `${listSome(names, 3)} in ${path} ${names.length > 1 ? "share their elements" : "shares its elements"} with merged tensors, so the merge changes ${names.length > 1 ? "them" : "it"} too.`,
      ]
    : [];
}

/** Loads the runtime only if something is measured. */
async function loadMeasured(measure: MeasureOptions, base: "a" | "b") {
  const { openMeasured } = await import("./measured.ts");
  return openMeasured(measure, base);
}

/** The alpha that all averaged layers share, or else `fallback`: the merged file is compared with the ends at it. */
function commonAlpha(alphas: ReadonlyMap<string, number>, fallback: number): number {
  const distinct = new Set(alphas.values());
  return distinct.size === 1 ? [...distinct][0] : fallback;
}
