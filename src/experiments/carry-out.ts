// Carrying planned runs out: their steps handed to an engine, the run folders let go however the work ends.
import { resolve } from "node:path";
import { sha256Value } from "../core/index.ts";
import { type Callbacks, carryOut, type EngineChoice, previewJob } from "../jobs/index.ts";
import type { Cost } from "./cost/estimate.ts";
import { inRunFolders, type PlannedRun } from "./plan.ts";
import { recipeHash } from "./recipe/index.ts";
import { previewRunFolder } from "./run-folder/folder.ts";
import type { Wishes } from "./steps.ts";
import { planWork } from "./work.ts";

export interface Surroundings extends Callbacks, Pick<Wishes, "device"> {
  /** Folder of the run folders. */
  readonly runs: string;
  readonly engine: EngineChoice;
}

/** Trains and measures what is missing of the planned runs; returns their folders. */
export async function carryOutRuns(
  planned: readonly PlannedRun[],
  { runs: folder, device, engine, ...callbacks }: Surroundings,
  costs?: readonly Cost[],
): Promise<string[]> {
  return inRunFolders(planned, folder, async (runs) => {
    const works = runs.map((work, i) => ({ ...work, time: costs?.[i].time }));
    const { onProgress } = callbacks;
    const { steps, settle, idle, finish } = await planWork(works, { ...engine, device, onProgress });
    const receivers = new Map(steps.map(({ task, onProgress }) => [task.key, onProgress]));
    const tasks = steps.map(({ task }) => task);
    try {
      await carryOut({ id: jobId(planned, folder), runs: folder, tasks }, engine, {
        ...callbacks,
        onLook() {
          if (engine.name === "slurm") for (const { run } of runs) run.keep();
          settle();
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

/** The scripts that would be submitted for the planned runs; empty on one machine. */
export async function previewRuns(
  planned: readonly PlannedRun[],
  { runs, device, engine }: Surroundings,
  costs: readonly Cost[],
): Promise<string> {
  const works = planned.map(({ recipe, points }, i) => ({
    run: previewRunFolder(recipe, runs),
    points,
    time: costs[i].time,
  }));
  const { steps } = await planWork(works, { ...engine, device });
  return previewJob({ id: jobId(planned, runs), runs, tasks: steps.map(({ task }) => task) }, engine);
}

/** Names the work by what it is: the same work finds its job again. */
function jobId(planned: readonly PlannedRun[], runs: string): string {
  const content = planned.map(({ recipe, points }) => [recipeHash(recipe), points]);
  return `${planned[0].names[0]}-${sha256Value([resolve(runs), ...content]).slice(0, 5)}`;
}
