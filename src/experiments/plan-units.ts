// Plans the units that train and measure runs, for any engine. Existing results are kept, so an interrupted run resumes
// where it stopped.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Piece, removePieces } from "../connectivity/index.ts";
import { writeAtomic } from "../core/index.ts";
import { checkpointName } from "../training/index.ts";
import type { StepTime } from "./cost/step-time.ts";
import { clientHistogram } from "./networks/clients.ts";
import { planTrainingUnits } from "./networks/units.ts";
import { originOf } from "./origins/index.ts";
import type { Point } from "./points/point.ts";
import { assemblePoint, type MissingPoint, planMeasuringUnits } from "./points/units.ts";
import { timelineOf } from "./recipe/index.ts";
import { networkNames, type RunFolder } from "./run-folder/folder.ts";
import { findTwins, listNetworks } from "./run-folder/twins.ts";
import type { ComputeOptions, TrackedUnit } from "./units.ts";

/** The missing units of some runs, and how their results are assembled. */
export interface UnitPlan {
  readonly units: readonly TrackedUnit[];
  /** Assembles the points whose pieces exist, while other units run. */
  assembleReady(): void;
  /** Resolves when no point is being assembled. */
  idle(): Promise<void>;
  /** Assembles the remaining points, once all units are done. */
  finish(): Promise<void>;
}

/** An open run, and the points to measure in it. */
export interface OpenRun {
  readonly run: RunFolder;
  readonly points: readonly Point[];
  /** Measured time of a training step; it sets the length of bundles and the memory of units. */
  readonly time?: StepTime;
}

/** Plans the missing units of some runs. */
export async function planUnits(runs: readonly OpenRun[], options: ComputeOptions): Promise<UnitPlan> {
  const units: TrackedUnit[] = [];
  const unfinished: { run: RunFolder; missing: MissingPoint[]; leftovers: Piece[] }[] = [];
  const networks = [];
  for (const { run } of runs) networks.push(await listNetworks(run, options));
  const twins = await findTwins(networks.flat());
  for (const [i, { run, points, time }] of runs.entries()) {
    const measuring = await planMeasuringUnits(run, points, options, time);
    units.push(...planTrainingUnits(networks[i], twins, options, time), ...measuring.units);
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
    units,
    assembleReady() {
      assembling = assembling.then(assemble);
      assembling.catch(() => {}); // finish throws it
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

/** Adds the files to the folders of trained networks that other tools need besides a checkpoint. */
async function completeNetworks({ recipe, path }: RunFolder): Promise<void> {
  const origin = originOf(recipe);
  for (const name of networkNames(recipe)) {
    const folder = join(path, name);
    await origin.complete(folder, join(folder, checkpointName(timelineOf(recipe).total)));
  }
}
