// Carries a recipe out in its folder: trains the pair, measures it at its kept epochs, writes the report. What is there already is not done
// again, so a run that was cut goes on where it stopped.
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import {
  type Measurement,
  type MeasureOptions,
  measureApart,
  parseMeasurement,
  parseScans,
  planCells,
  saveSamples,
} from "../connectivity/index.ts";
import { writeAtomic } from "../core/index.ts";
import { openData } from "../data/index.ts";
import { findNetwork } from "../models/index.ts";
import { type Device, siblingModule, startWork } from "../runtime/index.ts";
import { checkpointName, lastEpoch } from "../training/index.ts";
import { clientHistogram } from "./clients.ts";
import { networkNames, type RunFolder } from "./folder.ts";
import { appendLog } from "./log.ts";
import { lengthOf, measuredEpochs, modelSizes, type Recipe, trainingData } from "./recipe.ts";
import type { TrainInput, TrainProgress } from "./train.work.ts";

export interface RunOptions {
  readonly device?: Device;
  /** All the threads that may be busy; default: one for each core. */
  readonly threads?: number;
  /** Hears how far each task is: `done` of `total` units, and what there is to say about it, such as the last loss. */
  readonly onProgress?: (task: string, done: number, total: number, note?: string) => void;
}

type Split = Recipe["measure"]["splits"][number];

/** Throws what is wrong with a recipe beyond its syntax (model, scans, data that are not there) before anything is made. */
export async function checkRecipe(recipe: Recipe): Promise<void> {
  findNetwork(recipe.model.name);
  parseScans(recipe.measure.scans.join(","));
  await openData(recipe.data.name, trainingData(recipe));
  for (const split of recipe.measure.splits) await openData(recipe.data.name, measuredData(recipe, split));
}

/** Trains what is missing of both networks, side by side with a share of the threads each. */
export async function trainRun(
  run: RunFolder,
  { device, threads = availableParallelism(), onProgress }: RunOptions = {},
): Promise<void> {
  const epochs = lengthOf(run.recipe);
  const names = networkNames(run.recipe);
  const share = await remembered(run, "threads", Math.max(1, Math.floor(threads / names.length)));
  const clients = await clientHistogram(run.recipe);
  if (clients) await writeAtomic(join(run.path, "clients.json"), `${JSON.stringify({ classes: clients })}\n`);
  const failure = new AbortController();
  const trainOne = async (network: string) => {
    const folder = join(run.path, network);
    if ((await lastEpoch(folder)) === epochs) return;
    const input: TrainInput = { recipe: run.recipe, network, folder, runtime: { device, threads: share } };
    let note: string | undefined;
    await startWork<TrainInput, void, TrainProgress>(siblingModule("train.work", import.meta.url), input, {
      signal: failure.signal,
      onProgress(progress) {
        if ("log" in progress) {
          note = `loss ${progress.log.loss.toFixed(3)}`;
          void appendLog(run.path, { network, ...progress.log });
        } else onProgress?.(`train ${network}`, progress.epochs, epochs, note);
      },
    });
  };
  await Promise.all(
    names.map((network) =>
      trainOne(network).catch((error) => {
        failure.abort(error);
        throw error;
      }),
    ),
  );
}

/** Measures what is missing at every kept epoch, on every split. */
export async function measureRun(run: RunFolder, { device, threads, onProgress }: RunOptions = {}): Promise<void> {
  const { recipe, path } = run;
  const points = measuredEpochs(recipe).flatMap((epoch) => recipe.measure.splits.map((split) => ({ epoch, split })));
  for (const [i, { epoch, split }] of points.entries()) {
    const file = measurementPath(path, epoch, split);
    const options = await withStoredScans(file, measureOptions(run, epoch, split));
    const title = `epoch ${epoch}, ${split}`;
    if (!(await isMeasured(file, options))) {
      const { document, samples } = await measureApart({ ...options, runtime: { device, threads } }, (done, total) =>
        onProgress?.("measure", i + done / total, points.length, title),
      );
      await saveSamples(file.replace(/\.json$/, ".samples.safetensors"), samples);
      await writeAtomic(file, `${JSON.stringify(document, null, 1)}\n`); // last: where it is, the measurement is whole
    }
    onProgress?.("measure", i + 1, points.length, title);
  }
}

export const measurementPath = (folder: string, epoch: number, split: string): string =>
  join(folder, "measure", `epoch-${String(epoch).padStart(4, "0")}-${split}.json`);

function measureOptions({ recipe, path }: RunFolder, epoch: number, split: Split): MeasureOptions {
  const [first, second] = networkNames(recipe);
  const checkpoint = (network: string, at: number) => join(path, network, checkpointName(at));
  return {
    a: checkpoint(first, epoch),
    b: checkpoint(second, epoch),
    initial: [checkpoint(first, 0), checkpoint(second, 0)],
    model: { name: recipe.model.name, sizes: modelSizes(recipe) },
    data: { name: recipe.data.name, ...measuredData(recipe, split) },
    scans: parseScans([...new Set([...recipe.measure.scans, "full"])].join(",")),
    base: recipe.measure.base,
    orderSeed: recipe.measure.order_seed,
  };
}

/** The samples a split is measured on: the training samples themselves, or the test split; fewer where the recipe says so. */
function measuredData(recipe: Recipe, split: Split) {
  const training = trainingData(recipe);
  const { samples } = recipe.measure;
  return {
    ...training,
    split,
    samples: samples === "all" ? (split === "train" ? training.samples : undefined) : samples,
  };
}

/** Networks are shared between recipes: what was measured for another one is kept when more is asked for. */
async function withStoredScans(file: string, options: MeasureOptions): Promise<MeasureOptions> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return options;
  const stored = parseMeasurement(JSON.parse(text), file);
  return { ...options, scans: [...new Set([...options.scans, ...stored.cells.map((cell) => cell.scan)])] };
}

/** True when a stored measurement holds every cell that is asked for, on as many samples. */
async function isMeasured(
  file: string,
  { scans, base = "both", orderSeed = 111, data }: MeasureOptions,
): Promise<boolean> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return false;
  const stored = parseMeasurement(JSON.parse(text), file);
  if (data.samples !== undefined && stored.data.samples !== data.samples) return false;
  const key = (cell: Pick<Measurement["cells"][number], "scan" | "base" | "averaged">) =>
    `${cell.scan} ${cell.base} ${cell.averaged}`;
  const have = new Set(stored.cells.map(key));
  return planCells(
    stored.layers.map((layer) => layer.name),
    scans,
    { base, orderSeed },
  ).every((cell) => have.has(key(cell)));
}

/** A choice that the machine made: written into the run at first and used again on resuming, so that no half of a run differs. */
async function remembered(run: RunFolder, choice: string, value: number): Promise<number> {
  const path = join(run.path, "machine.json");
  const text = await readFile(path, "utf8").catch(() => undefined);
  const known = text ? (JSON.parse(text) as Record<string, number>) : {};
  if (known[choice] !== undefined) return known[choice];
  await writeAtomic(path, `${JSON.stringify({ ...known, [choice]: value })}\n`);
  return value;
}
