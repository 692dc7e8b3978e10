// What there is to do for recipes in their run folders, as tasks for any engine: training what is missing, measuring
// what is missing. What is there already is not done again, so a run that was cut goes on where it stopped.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Piece, removePieces } from "../connectivity/index.ts";
import { writeAtomic } from "../core/index.ts";
import { checkpointName } from "../training/index.ts";
import type { StepTime } from "./cost/step-time.ts";
import { clientHistogram } from "./networks/clients.ts";
import { trainingSteps } from "./networks/tasks.ts";
import { originOf } from "./origins/index.ts";
import type { Point } from "./points/point.ts";
import { assemblePoint, type MissingPoint, measuringSteps } from "./points/tasks.ts";
import { timelineOf } from "./recipe/index.ts";
import { networkNames, type RunFolder } from "./run-folder/folder.ts";
import { findTwins, networksOf } from "./run-folder/twins.ts";
import type { Step, Wishes } from "./steps.ts";

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

/** What there is to do for some runs. */
export async function planWork(works: readonly Work[], wishes: Wishes): Promise<Plan> {
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
      assembling.catch(() => {}); // thrown by finish
    },
    idle: () => assembling.catch(() => {}),
    async finish() {
      await assembling.then(assemble);
      for (const { run, missing, leftovers } of unfinished) {
        await removePieces([...missing.flatMap(({ pieces }) => pieces), ...leftovers]);
        await completeNetworks(run);
        const clients = await clientHistogram(run.recipe);
        if (clients) await writeAtomic(join(run.path, "clients.json"), `${JSON.stringify({ classes: clients })}\n`);
      }
    },
  };
}

/** Makes the folders of trained networks usable on their own, where their origin has more than a checkpoint. */
async function completeNetworks({ recipe, path }: RunFolder): Promise<void> {
  const origin = originOf(recipe);
  for (const name of networkNames(recipe)) {
    const folder = join(path, name);
    await origin.complete(folder, join(folder, checkpointName(timelineOf(recipe).total)));
  }
}
