// Executes planned runs: runs their units on an engine, and releases the run folders however that ends.
import { resolve } from "node:path";
import { sha256Value } from "../core/index.ts";
import { type Callbacks, type EngineChoice, previewJob, runUnits } from "../jobs/index.ts";
import type { Cost } from "./cost/estimate.ts";
import { inRunFolders, type PlannedRun } from "./plan.ts";
import { planUnits } from "./plan-units.ts";
import { recipeHash } from "./recipe/index.ts";
import { previewRunFolder } from "./run-folder/folder.ts";
import type { ComputeOptions } from "./units.ts";

export interface ExecutionOptions extends Callbacks, Pick<ComputeOptions, "device"> {
  /** The runs folder. */
  readonly runs: string;
  readonly engine: EngineChoice;
}

/** Trains and measures what is missing in the planned runs; returns their folders. */
export async function executeRuns(
  planned: readonly PlannedRun[],
  { runs: folder, device, engine, ...callbacks }: ExecutionOptions,
  costs?: readonly Cost[],
): Promise<string[]> {
  return inRunFolders(planned, folder, async (runs) => {
    const open = runs.map((run, i) => ({ ...run, time: costs?.[i].time }));
    const { onProgress } = callbacks;
    const { units: tracked, assembleReady, idle, finish } = await planUnits(open, { ...engine, device, onProgress });
    const receivers = new Map(tracked.map(({ unit, onProgress }) => [unit.key, onProgress]));
    const units = tracked.map(({ unit }) => unit);
    try {
      await runUnits({ id: jobId(planned, folder), runs: folder, units }, engine, {
        ...callbacks,
        onStatus() {
          if (engine.name === "slurm") for (const { run } of runs) run.keep();
          assembleReady();
        },
        onMessage: (key, message) => receivers.get(key)?.((message as { progress: unknown }).progress),
      });
      await finish();
    } finally {
      await idle();
    }
    return runs.map(({ run }) => run.path);
  });
}

/** Describes what would be submitted for the planned runs; empty for the local engine. */
export async function previewRuns(
  planned: readonly PlannedRun[],
  { runs, device, engine }: ExecutionOptions,
  costs: readonly Cost[],
): Promise<string> {
  const open = planned.map(({ recipe, points }, i) => ({
    run: previewRunFolder(recipe, runs),
    points,
    time: costs[i].time,
  }));
  const { units } = await planUnits(open, { ...engine, device });
  return previewJob({ id: jobId(planned, runs), runs, units: units.map(({ unit }) => unit) }, engine);
}

/** Derived from the recipes and the runs folder, so that the same command finds its job again. */
function jobId(planned: readonly PlannedRun[], runs: string): string {
  const content = planned.map(({ recipe, points }) => [recipeHash(recipe), points]);
  return `${planned[0].names[0]}-${sha256Value([resolve(runs), ...content]).slice(0, 5)}`;
}
