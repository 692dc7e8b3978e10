// Estimates what planned runs cost: training samples, evaluations, disk space, and time, from a training step that is
// timed on this machine.
import { join } from "node:path";
import { sha256Value } from "../../core/index.ts";
import { type RuntimeOptions, siblingModule, startWork } from "../../runtime/index.ts";
import { lastEpoch } from "../../training/index.ts";
import type { PlannedRun } from "../plan.ts";
import { measureOptions } from "../points/point.ts";
import { pointSize } from "../points/size.ts";
import { isMeasured } from "../points/stored.ts";
import { type Recipe, timelineOf } from "../recipe/index.ts";
import { networkNames, previewRunFolder, runPath } from "../run-folder/folder.ts";
import { findTwins, listNetworks, type RunNetwork } from "../run-folder/twins.ts";
import type { ComputeOptions } from "../units.ts";
import { type StepTime, stepsOfEvaluations } from "./step-time.ts";

/** What is left to do of a run, and what it costs. */
export interface Cost {
  readonly names: readonly string[];
  /** Networks and points: how many are missing, and how many there are. */
  readonly networks: { readonly missing: number; readonly all: number };
  readonly points: { readonly missing: number; readonly all: number };
  /** Training samples that remain. */
  readonly samples: number;
  /** Evaluations of a network on one sample that remain. */
  readonly evaluations: number;
  /** Size of the checkpoints that remain to be written. */
  readonly bytes: number;
  readonly seconds: number;
  /** Floating-point operations. */
  readonly operations: number;
  /** Measured time of a training step; undefined if nothing is missing. */
  readonly time?: StepTime;
}

/** Estimates the cost of each planned run. A complete run costs nothing, and no step is timed for it. */
export async function estimate(
  planned: readonly PlannedRun[],
  runs: string,
  options: Pick<ComputeOptions, "device" | "cpus" | "cores">,
): Promise<Cost[]> {
  const times = new Map<string, Promise<StepTime>>();
  const timeOf = (recipe: Recipe) => {
    const key = sha256Value([recipe.model, recipe.data, recipe.training, recipe.federated?.clients]);
    const threads = options.cpus(networkNames(recipe).length);
    const time = times.get(key) ?? timeStep(recipe, { device: options.device, threads });
    times.set(key, time);
    return time;
  };
  const networks = [];
  for (const { recipe } of planned) networks.push(await listNetworks(previewRunFolder(recipe, runs), options));
  const twins = await findTwins(networks.flat());
  const costs: Cost[] = [];
  for (const [i, run] of planned.entries()) {
    const own = networks[i].filter((network) => !twins.has(network));
    costs.push(await costOf(run, { runs, networks: own, cores: options.cores, timeOf }));
  }
  return costs;
}

const timeStep = (recipe: Recipe, runtime: RuntimeOptions) =>
  startWork<unknown, StepTime, never>(siblingModule("step.work", import.meta.url), { recipe, runtime });

interface CostContext {
  readonly runs: string;
  /** The networks that this run trains; links to twins cost nothing. */
  readonly networks: readonly RunNetwork[];
  readonly cores?: number;
  readonly timeOf: (recipe: Recipe) => Promise<StepTime>;
}

async function costOf(
  { recipe, names, points }: PlannedRun,
  { runs, networks, cores = Number.POSITIVE_INFINITY, timeOf }: CostContext,
): Promise<Cost> {
  const path = runPath(recipe, runs);
  const all = networkNames(recipe).length;
  const { total, kept } = timelineOf(recipe);
  const left = await Promise.all(networks.map(async ({ name }) => total - ((await lastEpoch(join(path, name))) ?? 0)));
  const missing = [];
  for (const point of points)
    if (!(await isMeasured({ recipe, path }, point, await measureOptions({ recipe, path }, point))))
      missing.push(point);
  const counts = {
    names,
    networks: { missing: left.filter((epochs) => epochs > 0).length, all },
    points: { missing: missing.length, all: points.length },
  };
  if (counts.networks.missing + missing.length === 0)
    return { ...counts, samples: 0, evaluations: 0, bytes: 0, seconds: 0, operations: 0 };

  const time = await timeOf(recipe);
  const stepsLeft = left.reduce((sum, epochs) => sum + (epochs * time.steps) / total, 0);
  let evaluations = 0;
  for (const point of missing) {
    const { mixes, samples } = await pointSize(recipe, await measureOptions({ recipe, path }, point));
    evaluations += mixes * samples;
  }
  const steps = stepsLeft + stepsOfEvaluations(time, evaluations);
  const wide = Math.min(cores, all); // networks that train at the same time
  return {
    ...counts,
    time,
    samples: time.batch * stepsLeft,
    evaluations,
    bytes: counts.networks.missing * (kept.length + 2) * time.bytes,
    seconds: (time.seconds * steps) / wide,
    operations: time.operations * steps,
  };
}
