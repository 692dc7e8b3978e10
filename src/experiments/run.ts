// Carries recipes out in their run folders: trains what is missing, measures what is missing, as many tasks side by side as there are threads. What is
// there already is not done again, so a run that was cut goes on where it stopped.
import { join } from "node:path";
import { layersOf, loadOrders, matchLayers, parseScans } from "../connectivity/index.ts";
import { UserError, writeAtomic } from "../core/index.ts";
import { openData } from "../data/index.ts";
import { runTasks, type Task } from "../jobs/index.ts";
import { buildModel, findNetwork } from "../models/index.ts";
import type { Device } from "../runtime/index.ts";
import { clientHistogram } from "./clients.ts";
import type { RunFolder } from "./folder.ts";
import { trainingTasks } from "./networks.ts";
import { measuredData, measuringTasks, type Point } from "./points.ts";
import { modelSizes, type Recipe, trainingData } from "./recipe.ts";

export interface RunOptions {
  readonly device?: Device;
  /** All the threads that may be busy. */
  readonly threads: number;
  /** Hears how far each task is: `done` of `total` units, and what there is to say about it, such as the last loss. */
  readonly onProgress?: (task: string, done: number, total: number, note?: string) => void;
}

/** Throws what is wrong with a recipe beyond its syntax (model, scans, data that are not there) before anything is made. */
export async function checkRecipe(recipe: Recipe): Promise<void> {
  const { measure, training, federated } = recipe;
  const network = await findNetwork(recipe.model.name);
  if (federated?.aggregate) matchLayers(layersOf(buildModel(network, modelSizes(recipe))), federated.aggregate.layers);
  const isConsecutive = measure.ends === "consecutive";
  if (isConsecutive && training.steps !== undefined)
    throw new UserError("measure.ends: consecutive wants two epochs in a row, but training.steps counts no epochs.");
  if (isConsecutive && measure.every > 1 && !training.keep_previous)
    throw new UserError("measure.ends: consecutive needs the epochs before: set training.keep_previous: true.");
  await loadOrders(parseScans(recipe.measure.scans.join(",")));
  await openData(recipe.data.name, trainingData(recipe));
  await clientHistogram(recipe);
  for (const split of recipe.measure.splits) await openData(recipe.data.name, measuredData(recipe, split));
}

/** What is missing of a run, as tasks: training, then the points. */
export async function missingTasks(run: RunFolder, points: readonly Point[], options: RunOptions): Promise<Task[]> {
  return [...(await trainingTasks(run, options)), ...(await measuringTasks(run, points, options))];
}

/** Trains what is missing of the runs and measures what is missing of their points. */
export async function carryOut(
  runs: readonly { readonly run: RunFolder; readonly points: readonly Point[] }[],
  options: RunOptions,
): Promise<void> {
  const tasks: Task[] = [];
  for (const { run, points } of runs) {
    const clients = await clientHistogram(run.recipe);
    if (clients) await writeAtomic(join(run.path, "clients.json"), `${JSON.stringify({ classes: clients })}\n`);
    tasks.push(...(await missingTasks(run, points, options)));
  }
  await runTasks(tasks, options.threads);
}
