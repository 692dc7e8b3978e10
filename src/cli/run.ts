// Working in a recipe's run folder: progress is drawn, and the folder is let go however the work ends.
import type { Recipe, RunFolder, RunOptions } from "../experiments/index.ts";
import { makeProgress } from "./progress.ts";

interface Settings extends Pick<RunOptions, "device" | "threads"> {
  readonly runs: string;
  readonly quiet?: boolean;
}

/** Opens the run folder, does the work and returns the folder's path. */
export async function inRunFolder(
  recipe: Recipe,
  { runs, quiet, device, threads }: Settings,
  work: (run: RunFolder, options: RunOptions) => Promise<void>,
): Promise<string> {
  const { openRunFolder } = await import("../experiments/index.ts");
  const run = await openRunFolder(recipe, runs);
  const progress = makeProgress({ quiet });
  let failed = true;
  try {
    await work(run, { device, threads, onProgress: progress.update });
    failed = false;
  } finally {
    progress.stop();
    await run.close({ failed });
  }
  return run.path;
}
