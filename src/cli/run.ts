// Carrying recipes out from the command line: the threads there are, progress drawn, the run folders let go however the work ends.
import { availableParallelism } from "node:os";
import type { PlannedRun, RunOptions } from "../experiments/index.ts";
import { makeProgress } from "./progress.ts";

interface Settings extends Pick<RunOptions, "device"> {
  readonly runs: string;
  readonly threads?: number;
  readonly quiet?: boolean;
}

export const threadsOf = ({ threads }: Pick<Settings, "threads">): number => threads ?? availableParallelism();

/** Trains and measures what is missing of the planned runs; returns their folders. */
export async function carryOutPlanned(planned: readonly PlannedRun[], settings: Settings): Promise<string[]> {
  const { carryOut, inRunFolders } = await import("../experiments/index.ts");
  return inRunFolders(planned, settings.runs, async (runs) => {
    const progress = makeProgress({ quiet: settings.quiet });
    try {
      await carryOut(runs, {
        device: settings.device,
        threads: threadsOf(settings),
        onProgress: progress.update,
      });
    } finally {
      progress.stop();
    }
    return runs.map(({ run }) => run.path);
  });
}
