// Plans the units that train a run's networks: one for each network, or for each network and federated round. A network
// whose twin another run trains is linked to it.
import { basename, resolve } from "node:path";
import type { Unit } from "../../jobs/index.ts";
import { makeUnitCommand, siblingModule } from "../../runtime/index.ts";
import { checkpointName } from "../../training/index.ts";
import type { StepTime } from "../cost/step-time.ts";
import { timelineOf } from "../recipe/index.ts";
import { networkNames, type RunFolder } from "../run-folder/folder.ts";
import type { RunNetwork } from "../run-folder/twins.ts";
import type { ComputeOptions, TrackedUnit } from "../units.ts";
import type { LinkInput } from "./link.work.ts";
import type { TrainInput, TrainProgress } from "./train.work.ts";

/** The key of the unit that ends a network's round. */
const keyOf = (run: RunFolder, network: string, until: number) => `${basename(run.path)} ${network} ${until}`;

/** The keys of the units that end the training of all networks. */
export const trainedKeys = (run: RunFolder): string[] =>
  networkNames(run.recipe).map((network) => keyOf(run, network, timelineOf(run.recipe).total));

/** Plans the units that train a run's networks or link them to their twins. */
export function planTrainingUnits(
  networks: readonly RunNetwork[],
  twins: ReadonlyMap<RunNetwork, RunNetwork>,
  { device, onProgress }: ComputeOptions,
  time?: StepTime,
): TrackedUnit[] {
  const { run, threads } = networks[0];
  const { recipe, path } = run;
  const { total, kept, rounds } = timelineOf(recipe);
  const track = (
    name: string,
    until: number,
    work: { module: string; input: LinkInput | TrainInput },
    rest: Omit<Unit, "key" | "argv" | "result">,
  ): TrackedUnit => {
    const result = resolve(path, name, checkpointName(until));
    const argv = makeUnitCommand(siblingModule(work.module, import.meta.url), work.input, result);
    let note: string | undefined;
    return {
      unit: { key: keyOf(run, name, until), argv, result, ...rest },
      onProgress(progress: TrainProgress) {
        if ("log" in progress) note = `loss ${progress.log.loss.toFixed(3)}`;
        else onProgress?.(`${run.label} ${name}`, progress.epochs, total, note);
      },
    };
  };
  const linkUnit = ({ name }: RunNetwork, twin: RunNetwork): TrackedUnit => {
    const from = { run: twin.run.path, network: twin.name };
    const input: LinkInput = { from, to: { run: path, network: name }, epochs: kept };
    return track(
      name,
      total,
      { module: "link.work", input },
      {
        after: [keyOf(twin.run, twin.name, total)],
        cpus: 1,
        group: `${basename(path)} link ${basename(twin.run.path)}`,
        seconds: 1,
      },
    );
  };
  const roundUnit = ({ name }: RunNetwork, round: TrainInput["round"]): TrackedUnit => {
    const input: TrainInput = { recipe, network: name, run: path, round, runtime: { device, threads } };
    return track(
      name,
      round.until,
      { module: "train.work", input },
      {
        after: round.from ? networks.map((other) => keyOf(run, other.name, round.from)) : [],
        cpus: threads,
        memoryMb: time?.memoryMb,
        group: `${basename(path)} train ${round.until}`,
        seconds: time && ((round.until - round.from) / total) * time.seconds * time.steps,
      },
    );
  };
  const linked = networks.flatMap((network) => {
    const twin = twins.get(network);
    return twin ? linkUnit(network, twin) : [];
  });
  const trained = networks.filter((network) => !twins.has(network));
  return [...linked, ...rounds.flatMap((round) => trained.map((network) => roundUnit(network, round)))];
}
