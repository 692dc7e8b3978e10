// Training a run's networks, as tasks: one for each network, or for each network and federated round. What is trained already makes no task.
import { basename, resolve } from "node:path";
import { siblingModule, taskCommand } from "../runtime/index.ts";
import { checkpointName } from "../training/index.ts";
import { roundsOf } from "./clients.ts";
import { networkNames, type RunFolder } from "./folder.ts";
import { lengthOf } from "./recipe.ts";
import type { Step, Wishes } from "./run.ts";
import type { StepTime } from "./times.ts";
import type { TrainInput, TrainProgress } from "./train.work.ts";

/** The key of the task that ends a network's round. */
const keyOf = (run: RunFolder, network: string, until: number) => `${basename(run.path)} ${network} ${until}`;

/** The keys of the tasks after which all networks are trained. */
export const trainedKeys = (run: RunFolder): string[] =>
  networkNames(run.recipe).map((network) => keyOf(run, network, lengthOf(run.recipe)));

export async function trainingSteps(
  run: RunFolder,
  { device, cpus, onProgress }: Wishes,
  time?: StepTime,
): Promise<Step[]> {
  const { recipe, path } = run;
  const names = networkNames(recipe);
  const threads = await run.remember("threads", cpus(names.length));
  const total = lengthOf(recipe);
  return roundsOf(recipe).flatMap((round) =>
    names.map((network): Step => {
      const input: TrainInput = { recipe, network, run: path, round, runtime: { device, threads } };
      const result = resolve(path, network, checkpointName(round.until));
      let note: string | undefined;
      return {
        task: {
          key: keyOf(run, network, round.until),
          argv: taskCommand(siblingModule("train.work", import.meta.url), input, result),
          result,
          after: round.from ? names.map((other) => keyOf(run, other, round.from)) : [],
          cpus: threads,
          memoryMb: time?.memoryMb,
          group: `${basename(run.path)} train ${round.until}`,
          seconds: time && ((round.until - round.from) / total) * time.seconds * time.steps,
        },
        hear(progress: TrainProgress) {
          if ("log" in progress) note = `loss ${progress.log.loss.toFixed(3)}`;
          else onProgress?.(`${run.label} ${network}`, progress.epochs, total, note);
        },
      };
    }),
  );
}
