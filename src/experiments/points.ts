// What of a run is measured: a point is a pair of ends at an epoch (or step), on a split, with some scans. Points of several recipes that share their
// networks are put together, so that each is measured once.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Bases,
  loadOrders,
  type Measurement,
  type MeasureOptions,
  measureApart,
  parseMeasurement,
  parseScans,
  planCells,
  type ScanName,
  saveSamples,
} from "../connectivity/index.ts";
import { isModule, UserError, writeAtomic } from "../core/index.ts";
import { openData } from "../data/index.ts";
import type { Task } from "../jobs/index.ts";
import { checkpointName } from "../training/index.ts";
import { networkNames, type RunFolder, remembered } from "./folder.ts";
import { trainedKeys } from "./networks.ts";
import { measuredEpochs, modelSizes, type Recipe, trainingData } from "./recipe.ts";
import type { RunOptions } from "./run.ts";

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
  const epochs = measuredEpochs(recipe).filter((epoch) => ends === "networks" || epoch > 0);
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

/** The tasks of the points whose results are missing, a thread each when there are many. */
export async function measuringTasks(
  run: RunFolder,
  points: readonly Point[],
  { device, threads, onProgress }: RunOptions,
): Promise<Task[]> {
  const missing: { point: Point; options: MeasureOptions }[] = [];
  for (const point of points) {
    const options = measureOptions(run, point);
    if (!(await isMeasured(run.path, point, options)))
      missing.push({ point, options: await withStored(resultPath(run.path, point), options) });
  }
  if (missing.length === 0) return [];
  const share = await remembered(run, "measuring threads", Math.max(1, Math.floor(threads / points.length)));
  const begun = points.length - missing.length;
  const shares = missing.map(() => 0);
  return missing.map(({ point, options }, i) => ({
    key: `${run.path} ${point.name}`,
    after: trainedKeys(run),
    threads: share,
    async run(signal) {
      const tell = (done: number) => {
        shares[i] = done;
        const sum = begun + shares.reduce((total, x) => total + x, 0);
        onProgress?.(`${run.label} measure`, sum, points.length, `epoch ${point.epoch}, ${point.split}`);
      };
      const { document, samples } = await measureApart(
        { ...options, runtime: { device, threads: share } },
        (done, total) => tell(done / total),
        signal,
      );
      const path = resultPath(run.path, point);
      await saveSamples(samplesOf(path), samples);
      await writeAtomic(path, `${JSON.stringify(document, null, 1)}\n`); // last: where it is, the measurement is whole
      tell(1);
    },
  }));
}

/** Where every sample's scores lie beside a result. */
const samplesOf = (result: string) => result.replace(/\.json$/, ".samples.safetensors");

export const samplesPath = (
  folder: string,
  { measure }: Recipe,
  { epoch, split }: Pick<Point, "epoch" | "split">,
): string => samplesOf(resultPath(folder, { name: pointName(measure.ends, epoch, split) }));

export const resultPath = (folder: string, { name }: Pick<Point, "name">): string => join(folder, "measure", name);

export function measureOptions({ recipe, path }: Pick<RunFolder, "recipe" | "path">, point: Point): MeasureOptions {
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
    model: { name: recipe.model.name, sizes: modelSizes(recipe) },
    data: { name: recipe.data.name, ...measuredData(recipe, split), samples },
    scans,
    base,
    orderSeed,
  };
}

/** The samples a split is measured on: the training samples themselves, or the test split; fewer where the recipe says so. */
export function measuredData(recipe: Recipe, split: Split) {
  const training = trainingData(recipe);
  const { samples } = recipe.measure;
  return {
    ...training,
    split,
    samples: samples === "all" ? (split === "train" ? training.samples : undefined) : samples,
  };
}

/** Networks are shared between recipes: the scans, the bases and the samples that were measured for another one are kept when more is asked for. */
async function withStored(file: string, options: MeasureOptions): Promise<MeasureOptions> {
  const stored = await readStored(file);
  if (!stored) return options;
  const scans = stored.cells.map((cell) => cell.scan).filter((scan) => !isModule(scan) || existsSync(scan));
  const hasOther = stored.cells.some(({ base }) => base !== null && base !== options.base);
  const { samples } = options.data;
  return {
    ...options,
    scans: [...new Set([...options.scans, ...scans])],
    base: hasOther ? "both" : options.base,
    data: { ...options.data, samples: samples === undefined ? undefined : Math.max(samples, stored.data.samples) },
  };
}

/** True when a stored measurement holds every cell that is asked for, on as many samples or more. */
export async function isMeasured(
  folder: string,
  point: Pick<Point, "name">,
  { scans, base = "both", orderSeed = 111, data }: MeasureOptions,
): Promise<boolean> {
  const stored = await readStored(resultPath(folder, point));
  if (!stored || stored.data.samples < (data.samples ?? (await openData(data.name, data)).count)) return false;
  const key = (cell: Pick<Measurement["cells"][number], "scan" | "base" | "averaged">) =>
    `${cell.scan} ${cell.base} ${cell.averaged}`;
  const have = new Set(stored.cells.map(key));
  const names = stored.layers.map((layer) => layer.name);
  const orders = await loadOrders(scans);
  return planCells(names, scans, { base, orderSeed, orders }).every((cell) => have.has(key(cell)));
}

async function readStored(file: string): Promise<Measurement | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text === undefined ? undefined : parseMeasurement(JSON.parse(text), file);
}
