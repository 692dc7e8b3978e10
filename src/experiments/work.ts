// What there is to do for recipes in their run folders, as tasks for any engine: training what is missing, measuring what is missing. What is there already is
// not done again, so a run that was cut goes on where it stopped.
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  layersOf,
  loadOrders,
  matchLayers,
  type Piece,
  parseScans,
  removePieces,
  requireFit,
} from "../connectivity/index.ts";
import { UserError, writeAtomic } from "../core/index.ts";
import { openData } from "../data/index.ts";
import type { Task } from "../jobs/index.ts";
import { findNetwork } from "../models/index.ts";
import type { Device } from "../runtime/index.ts";
import type { StepTime } from "./cost/step-time.ts";
import { clientHistogram } from "./networks/clients.ts";
import { modelFor } from "./networks/model.ts";
import { trainingSteps } from "./networks/tasks.ts";
import { measuredData, type Point } from "./points/point.ts";
import { assemblePoint, type MissingPoint, measuringSteps } from "./points/tasks.ts";
import { type Recipe, timelineOf, trainingData } from "./recipe/index.ts";
import type { RunFolder } from "./run-folder/folder.ts";
import { findTwins, networksOf } from "./run-folder/twins.ts";

/** What the work is to be done with, whatever the engine. */
export interface Wishes {
  readonly device?: Device;
  /** The cores that each of so many tasks side by side gets. */
  readonly cpus: (sideBySide: number) => number;
  /** Cores in all; undefined where there is no telling. */
  readonly cores?: number;
  /** Samples of a piece of a measurement; default: so many that a piece is neither short nor long. */
  readonly piece?: number;
  /** Hears how far each task is: `done` of `total` units, and what there is to say about it, such as the last loss. */
  readonly onProgress?: (task: string, done: number, total: number, note?: string) => void;
}

/** A task, and who hears its messages while it runs. */
export interface Step {
  readonly task: Task;
  hear(progress: unknown): void;
}

/** Everything there is to do. */
export interface Plan {
  readonly steps: readonly Step[];
  /** Puts together what is measured so far, beside the other work. */
  settle(): void;
  /** Resolves when nothing is being put together any more. */
  idle(): Promise<void>;
  /** Puts the rest together, once all steps are done. */
  finish(): Promise<void>;
}

export interface Work {
  readonly run: RunFolder;
  readonly points: readonly Point[];
  /** A step's measured time, for bundles and memory; not needed. */
  readonly time?: StepTime;
}

/** Throws what is wrong with a recipe beyond its syntax (model, scans, data that are not there) before anything is made. */
export async function checkRecipe(recipe: Recipe): Promise<void> {
  const { measure, training, federated } = recipe;
  const data = await openData(recipe.data.name, trainingData(recipe));
  const model = await modelFor(recipe, data);
  const network = await findNetwork(recipe.model.name);
  requireFit(model, network, data, recipe.data.name);
  if (federated?.aggregate) matchLayers(layersOf(model), federated.aggregate.layers);
  const isConsecutive = measure.ends === "consecutive";
  if (isConsecutive && timelineOf(recipe).unit === "step")
    throw new UserError("measure.ends: consecutive wants two epochs in a row, but training.steps counts no epochs.");
  if (isConsecutive && measure.every > 1 && !training.keep_previous)
    throw new UserError("measure.ends: consecutive needs the epochs before: set training.keep_previous: true.");
  await loadOrders(parseScans(recipe.measure.scans.join(",")));
  await clientHistogram(recipe);
  for (const split of recipe.measure.splits) {
    const measured = await openData(recipe.data.name, measuredData(recipe, split));
    requireFit(model, network, measured, `${recipe.data.name} (${split})`);
  }
}

/** What there is to do for some runs. */
export async function stepsOf(works: readonly Work[], wishes: Wishes): Promise<Plan> {
  const steps: Step[] = [];
  const unfinished: { run: RunFolder; missing: MissingPoint[]; leftovers: Piece[] }[] = [];
  const networks = [];
  for (const { run } of works) networks.push(await networksOf(run, wishes));
  const twins = await findTwins(networks.flat());
  for (const [i, { run, points, time }] of works.entries()) {
    const measuring = await measuringSteps(run, points, wishes, time);
    steps.push(...trainingSteps(networks[i], twins, wishes, time), ...measuring.steps);
    unfinished.push({ run, ...measuring });
  }
  const assembled = new Set<MissingPoint>();
  async function assemble(): Promise<void> {
    for (const { run, missing } of unfinished) {
      const ready = missing.filter((one) => !assembled.has(one) && one.pieces.every(({ path }) => existsSync(path)));
      for (const one of ready) {
        await assemblePoint(run, one);
        assembled.add(one);
      }
    }
  }
  let assembling = Promise.resolve();
  return {
    steps,
    settle() {
      assembling = assembling.then(assemble);
      assembling.catch(() => {}); // told in the end
    },
    idle: () => assembling.catch(() => {}),
    async finish() {
      await assembling.then(assemble);
      for (const { run, missing, leftovers } of unfinished) {
        await removePieces([...missing.flatMap(({ pieces }) => pieces), ...leftovers]);
        const clients = await clientHistogram(run.recipe);
        if (clients) await writeAtomic(join(run.path, "clients.json"), `${JSON.stringify({ classes: clients })}\n`);
      }
    },
  };
}
