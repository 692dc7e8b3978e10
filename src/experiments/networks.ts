// Training a run's networks, as tasks: one for each network, or for each network and federated round; a network whose twin another run trains is linked to it.
import { basename, resolve } from "node:path";
import { siblingModule, taskCommand } from "../runtime/index.ts";
import { checkpointName } from "../training/index.ts";
import { roundsOf } from "./clients.ts";
import { networkNames, type RunFolder } from "./folder.ts";
import type { LinkInput } from "./link.work.ts";
import { keptEpochs, lengthOf } from "./recipe.ts";
import type { Step, Wishes } from "./run.ts";
import type { StepTime } from "./times.ts";
import type { TrainInput, TrainProgress } from "./train.work.ts";
import type { Network } from "./twins.ts";

/** The key of the task that ends a network's round. */
const keyOf = (run: RunFolder, network: string, until: number) => `${basename(run.path)} ${network} ${until}`;

/** The keys of the tasks after which all networks are trained. */
export const trainedKeys = (run: RunFolder): string[] =>
  networkNames(run.recipe).map((network) => keyOf(run, network, lengthOf(run.recipe)));

/** The steps that train a run's networks, or link to their twins. */
export function trainingSteps(
  networks: readonly Network[],
  twins: ReadonlyMap<Network, Network>,
  { device, onProgress }: Wishes,
  time?: StepTime,
): Step[] {
  const { run, threads } = networks[0];
  const { recipe, path } = run;
  const total = lengthOf(recipe);
  const hearer = (network: string) => {
    let note: string | undefined;
    return (progress: unknown) => {
      const one = progress as TrainProgress;
      if ("log" in one) note = `loss ${one.log.loss.toFixed(3)}`;
      else onProgress?.(`${run.label} ${network}`, one.epochs, total, note);
    };
  };
  const linkStep = (network: Network, twin: Network): Step => {
    const result = resolve(path, network.name, checkpointName(total));
    const input: LinkInput = {
      from: { run: twin.run.path, network: twin.name },
      to: { run: path, network: network.name },
      epochs: keptEpochs(recipe),
    };
    return {
      task: {
        key: keyOf(run, network.name, total),
        argv: taskCommand(siblingModule("link.work", import.meta.url), input, result),
        result,
        after: [keyOf(twin.run, twin.name, total)],
        cpus: 1,
        group: `${basename(path)} link ${basename(twin.run.path)}`,
        seconds: 1,
      },
      hear: hearer(network.name),
    };
  };
  const roundStep = (network: string, round: TrainInput["round"]): Step => {
    const input: TrainInput = { recipe, network, run: path, round, runtime: { device, threads } };
    const result = resolve(path, network, checkpointName(round.until));
    return {
      task: {
        key: keyOf(run, network, round.until),
        argv: taskCommand(siblingModule("train.work", import.meta.url), input, result),
        result,
        after: round.from ? networks.map(({ name }) => keyOf(run, name, round.from)) : [],
        cpus: threads,
        memoryMb: time?.memoryMb,
        group: `${basename(path)} train ${round.until}`,
        seconds: time && ((round.until - round.from) / total) * time.seconds * time.steps,
      },
      hear: hearer(network),
    };
  };
  const linked = networks.flatMap((network) => {
    const twin = twins.get(network);
    return twin ? linkStep(network, twin) : [];
  });
  const trained = networks.filter((network) => !twins.has(network));
  return [...linked, ...roundsOf(recipe).flatMap((round) => trained.map(({ name }) => roundStep(name, round)))];
}
