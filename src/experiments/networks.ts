// Training a run's networks, as tasks: one for each network, or for each network and federated round. What is trained already makes no task.
import { join } from "node:path";
import type { Task } from "../jobs/index.ts";
import { siblingModule, startWork } from "../runtime/index.ts";
import { lastEpoch } from "../training/index.ts";
import { roundsOf } from "./clients.ts";
import { networkNames, type RunFolder, remembered } from "./folder.ts";
import { lengthOf } from "./recipe.ts";
import type { RunOptions } from "./run.ts";
import type { TrainInput, TrainProgress } from "./train.work.ts";

/** The key of the task that ends a network's round. */
const keyOf = (run: RunFolder, network: string, until: number) => `${run.path} ${network} ${until}`;

/** The keys of the tasks after which all networks are trained. */
export const trainedKeys = (run: RunFolder): string[] =>
  networkNames(run.recipe).map((network) => keyOf(run, network, lengthOf(run.recipe)));

export async function trainingTasks(run: RunFolder, { device, threads, onProgress }: RunOptions): Promise<Task[]> {
  const { recipe, path } = run;
  const names = networkNames(recipe);
  const share = await remembered(run, "threads", Math.max(1, Math.floor(threads / names.length)));
  const done = await Promise.all(names.map((network) => lastEpoch(join(path, network))));
  return roundsOf(recipe).flatMap((round) =>
    names.flatMap((network, i): Task[] => {
      if ((done[i] ?? -1) >= round.until) return [];
      const input: TrainInput = { recipe, network, run: path, round, runtime: { device, threads: share } };
      return [
        {
          key: keyOf(run, network, round.until),
          after: round.from ? names.map((other) => keyOf(run, other, round.from)) : [],
          threads: share,
          run: (signal) => trainNetwork(run, input, signal, onProgress),
        },
      ];
    }),
  );
}

async function trainNetwork(
  run: RunFolder,
  input: TrainInput,
  signal: AbortSignal,
  onProgress: RunOptions["onProgress"],
): Promise<void> {
  const { network } = input;
  const total = lengthOf(run.recipe);
  let note: string | undefined;
  await startWork<TrainInput, void, TrainProgress>(siblingModule("train.work", import.meta.url), input, {
    signal,
    onProgress(progress) {
      if ("log" in progress) note = `loss ${progress.log.loss.toFixed(3)}`;
      else onProgress?.(`${run.label} ${network}`, progress.epochs, total, note);
    },
  });
}
