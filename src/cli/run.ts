// Carrying recipes out from the command line: the steps handed to an engine, progress drawn, the run folders let go however the work ends.
import { resolve } from "node:path";
import { sha256Value } from "../core/index.ts";
import type { Cost, PlannedRun, Wishes } from "../experiments/index.ts";
import { carryOutTasks, previewTasks } from "./engine.ts";
import { makeProgress } from "./progress.ts";
import type { EngineChoice } from "./settings.ts";

interface Settings extends Pick<Wishes, "device"> {
  readonly runs: string;
  readonly quiet?: boolean;
}

/** Trains and measures what is missing of the planned runs; returns their folders. */
export async function carryOutPlanned(
  planned: readonly PlannedRun[],
  { runs: folder, device, quiet }: Settings,
  engine: EngineChoice,
  costs?: readonly Cost[],
): Promise<string[]> {
  const { inRunFolders, stepsOf } = await import("../experiments/index.ts");
  return inRunFolders(planned, folder, async (runs) => {
    const progress = makeProgress({ quiet });
    const works = runs.map((work, i) => ({ ...work, time: costs?.[i].time }));
    const { steps, settle, idle, finish } = await stepsOf(works, { ...engine, device, onProgress: progress.update });
    const hear = new Map(steps.map(({ task, hear }) => [task.key, hear]));
    const job = {
      id: await jobId(planned, folder),
      runs: folder,
      tasks: steps.map(({ task }) => task),
      onLook() {
        if (engine.name === "slurm") for (const { run } of runs) run.keep();
        settle();
      },
      onMessage: (key: string, message: unknown) => hear.get(key)?.((message as { progress: unknown }).progress),
    };
    try {
      await carryOutTasks(job, engine, progress);
      await finish();
    } finally {
      await idle();
      progress.stop();
    }
    return runs.map(({ run }) => run.path);
  });
}

/** The scripts that would be submitted for the planned runs. */
export async function previewPlanned(
  planned: readonly PlannedRun[],
  { runs: folder, device }: Settings,
  engine: EngineChoice,
  costs: readonly Cost[],
): Promise<string> {
  const { previewRunFolder, stepsOf } = await import("../experiments/index.ts");
  const works = planned.map(({ recipe, points }, i) => ({
    run: previewRunFolder(recipe, folder),
    points,
    time: costs[i].time,
  }));
  const { steps } = await stepsOf(works, { ...engine, device });
  return previewTasks({ id: await jobId(planned, folder), runs: folder, tasks: steps.map(({ task }) => task) }, engine);
}

/** Names the work by what it is: the same command finds its job again. */
async function jobId(planned: readonly PlannedRun[], runs: string): Promise<string> {
  const { recipeHash } = await import("../experiments/index.ts");
  const hash = sha256Value([resolve(runs), ...planned.map(({ recipe, points }) => [recipeHash(recipe), points])]).slice(
    0,
    5,
  );
  return `${planned[0].names[0]}-${hash}`;
}
