// What of a run is measured: a point is a pair of ends at an epoch (or step), on a split, with some scans. Points of several recipes that share their
// networks are put together, so that each is measured once.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import {
  assemblePieces,
  type Bases,
  type Cell,
  encodeMeasurement,
  layersOf,
  loadOrders,
  type Measurement,
  type MeasureOptions,
  type MeasureProgress,
  type Piece,
  parseMeasurement,
  parseScans,
  piecesOf,
  pieceTasks,
  planCells,
  type ScanName,
  saveSamples,
} from "../connectivity/index.ts";
import { isModule, moduleName, parseJson, UserError, writeAtomic } from "../core/index.ts";
import { openData } from "../data/index.ts";
import { buildModel, findNetwork } from "../models/index.ts";
import { checkpointName } from "../training/index.ts";
import { contentOf } from "./content.ts";
import { networkNames, type RunFolder } from "./folder.ts";
import { trainedSizes } from "./model.ts";
import { trainedKeys } from "./networks.ts";
import { modelSizes, type Recipe, timelineOf, trainingData } from "./recipe.ts";
import type { Step, Wishes } from "./run.ts";
import { evaluationSeconds, type StepTime } from "./times.ts";

type Split = Recipe["measure"]["splits"][number];
type Ends = Recipe["measure"]["ends"];

export interface Point {
  /** The result's name in the folder `measure`. */
  readonly name: string;
  readonly ends: Ends;
  readonly epoch: number;
  readonly split: Split;
  readonly scans: readonly ScanName[];
  readonly base: Bases;
  readonly orderSeed: number;
  /** The first so many samples; undefined for all. */
  readonly samples: number | undefined;
}

/** The points of a recipe, in the order of its epochs. */
export function pointsOf(recipe: Recipe): Point[] {
  const { ends, splits, scans, base, order_seed: orderSeed } = recipe.measure;
  const epochs = timelineOf(recipe).measured.filter((epoch) => ends === "networks" || epoch > 0);
  return epochs.flatMap((epoch) =>
    splits.map((split) => ({
      name: pointName(ends, epoch, split),
      ends,
      epoch,
      split,
      scans: parseScans([...new Set([...scans, "full"])].join(",")),
      base,
      orderSeed,
      samples: measuredData(recipe, split).samples,
    })),
  );
}

export const pointName = (ends: Ends, epoch: number, split: Split): string =>
  `${ends === "networks" ? "epoch" : "consecutive"}-${String(epoch).padStart(4, "0")}-${split}.json`;

/** Points of the same name as one that has the scans, bases and samples of all. */
export function mergePoints(points: readonly Point[]): Point[] {
  const merged = new Map<string, Point>();
  for (const point of points) {
    const known = merged.get(point.name) ?? point;
    if (known.orderSeed !== point.orderSeed)
      throw new UserError(
        `Two recipes share their networks but have other values of measure.order_seed (${known.orderSeed} and ${point.orderSeed}). Give them the same one, or run them one after the other.`,
      );
    const most =
      known.samples === undefined || point.samples === undefined ? undefined : Math.max(known.samples, point.samples);
    merged.set(point.name, {
      ...known,
      scans: [...new Set([...known.scans, ...point.scans])],
      base: known.base === point.base ? known.base : "both",
      samples: most,
    });
  }
  return [...merged.values()];
}

/** A point that is not measured yet, and its pieces. */
export interface MissingPoint {
  readonly point: Point;
  readonly options: MeasureOptions;
  readonly pieces: readonly Piece[];
}

/** The points whose results are missing, each in pieces, with the steps that score them; and pieces that a cut run left of points that are measured. */
export async function measuringSteps(
  run: RunFolder,
  points: readonly Point[],
  { device, cpus, piece, onProgress }: Wishes,
  time?: StepTime,
): Promise<{ missing: MissingPoint[]; leftovers: Piece[]; steps: Step[] }> {
  const missing: MissingPoint[] = [];
  const leftovers: Piece[] = [];
  const steps: Step[] = [];
  if (points.length === 0) return { missing, leftovers, steps };
  const folder = resolve(run.path, "measure", "pieces");
  const threads = await run.remember("measuring threads", cpus(points.length));
  for (const point of points) {
    const asked = await measureOptions(run, point);
    const isThere = await isMeasured(run.path, point, asked);
    if (isThere && !existsSync(folder)) continue;
    const options = { ...(await withStored(resultPath(run.path, point), asked)), runtime: { device, threads } };
    const { mixes, samples } = await extentOf(run.recipe, options);
    const pieces = piecesOf(options, folder, { mixes, samples, piece });
    if (isThere) {
      leftovers.push(...pieces);
      continue;
    }
    missing.push({ point, options, pieces });
    const tasks = pieceTasks(options, pieces, {
      key: `${basename(run.path)} ${point.name.replace(".json", "")}`,
      after: trainedKeys(run),
      cpus: threads,
      group: `${basename(run.path)} measure`,
      seconds: time && evaluationSeconds(time, mixes * samples),
    });
    for (const task of tasks) steps.push({ task, hear: tell(point, task.key) });
  }
  const begun = points.length - missing.length;
  const shares = new Map<string, number>();
  function tell(point: Point, key: string) {
    return ({ done, total }: MeasureProgress) => {
      shares.set(key, done / total);
      const sum = [...shares.values()].reduce((x, y) => x + y, 0);
      const share = (sum * missing.length) / steps.length;
      onProgress?.(
        `${run.label} measure`,
        begun + share,
        points.length,
        `${timelineOf(run.recipe).unit} ${point.epoch}, ${point.split}`,
      );
    };
  }
  return { missing, leftovers, steps };
}

/** How many mixes a measurement has, and on how many samples. */
export async function extentOf(recipe: Recipe, { scans, base = "both", orderSeed = 111, data }: MeasureOptions) {
  const model = buildModel(await findNetwork(recipe.model.name), modelSizes(recipe));
  const names = layersOf(model).map(({ name }) => name);
  const cells = planCells(names, scans, { base, orderSeed, orders: await loadOrders(scans) });
  return { mixes: cells.length + 2, samples: data.samples ?? (await openData(data.name, data)).count };
}

/** Puts the pieces of a point together. The result is written last: where it is, the measurement is whole. */
export async function assemblePoint(run: RunFolder, { point, options, pieces }: MissingPoint): Promise<void> {
  const { document, samples } = await assemblePieces(options, pieces);
  const path = resultPath(run.path, point);
  await saveSamples(samplesOf(path), samples);
  await writeAtomic(path, `${JSON.stringify(encodeMeasurement(document), null, 1)}\n`);
}

/** Where every sample's scores lie beside a result. */
const samplesOf = (result: string) => result.replace(/\.json$/, ".samples.safetensors");

export const samplesPath = (
  folder: string,
  { measure }: Recipe,
  { epoch, split }: Pick<Point, "epoch" | "split">,
): string => samplesOf(resultPath(folder, { name: pointName(measure.ends, epoch, split) }));

export const resultPath = (folder: string, { name }: Pick<Point, "name">): string => join(folder, "measure", name);

export async function measureOptions(
  { recipe, path }: Pick<RunFolder, "recipe" | "path">,
  point: Point,
): Promise<MeasureOptions> {
  const { ends, epoch, split, samples, scans, base, orderSeed } = point;
  const [first, second] = networkNames(recipe);
  const checkpoint = (network: string, at: number) => join(path, network, checkpointName(at));
  const pair =
    ends === "networks"
      ? { a: checkpoint(first, epoch), b: checkpoint(second, epoch) }
      : { a: checkpoint(first, epoch - 1), b: checkpoint(first, epoch) };
  return {
    ...pair,
    initial: [checkpoint(first, 0), checkpoint(ends === "networks" ? second : first, 0)],
    model: { name: recipe.model.name, sizes: await trainedSizes(recipe) },
    data: { name: recipe.data.name, ...measuredData(recipe, split), samples },
    scans,
    base,
    orderSeed,
  };
}

/** The samples a split is measured on: the training samples themselves, or the test split; fewer where the recipe says so, never more than were trained on. */
export function measuredData(recipe: Recipe, split: Split) {
  const training = trainingData(recipe);
  const limits = [recipe.measure.samples, split === "train" ? training.samples : "all"];
  const most = Math.min(...limits.filter((limit) => typeof limit === "number"));
  return { ...training, split, samples: Number.isFinite(most) ? most : undefined };
}

/** Networks are shared between recipes: the scans, the bases and the samples that were measured for another one are kept when more is asked for. */
async function withStored(file: string, options: MeasureOptions): Promise<MeasureOptions> {
  const stored = await readStored(file);
  if (!stored) return options;
  const asked = options.scans.filter(isModule).map(moduleName);
  const isKept = (scan: ScanName) => !isModule(scan) || (existsSync(scan) && !asked.includes(moduleName(scan)));
  const scans = stored.cells.map(({ scan }) => scan).filter(isKept);
  const hasOther = stored.cells.some(({ base }) => base !== null && base !== options.base);
  const { samples } = options.data;
  return {
    ...options,
    scans: [...new Set([...options.scans, ...scans])],
    base: hasOther ? "both" : options.base,
    data: { ...options.data, samples: samples === undefined ? undefined : Math.max(samples, stored.data.samples) },
  };
}

/** True when a stored measurement holds every cell that is asked for, on as many samples or more, which are still the same. */
export async function isMeasured(
  folder: string,
  point: Pick<Point, "name">,
  { scans, base = "both", orderSeed = 111, data }: MeasureOptions,
): Promise<boolean> {
  const stored = await readStored(resultPath(folder, point));
  if (!stored || stored.data.samples < (data.samples ?? (await openData(data.name, data)).count)) return false;
  if (stored.data.sha256 !== (await contentOf(data.name, { ...data, samples: stored.data.samples }))) return false;
  const key = (cell: Pick<Cell, "scan" | "base" | "averaged">) => `${cell.scan} ${cell.base} ${cell.averaged}`;
  const have = new Set(stored.cells.map(key));
  const names = stored.layers.map((layer) => layer.name);
  const orders = await loadOrders(scans);
  return planCells(names, scans, { base, orderSeed, orders }).every((cell) => have.has(key(cell)));
}

async function readStored(file: string): Promise<Measurement | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text === undefined ? undefined : parseMeasurement(parseJson(text, file), file);
}
