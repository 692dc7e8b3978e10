// Runs in a separate process: links a network that another run has trained.
import { join } from "node:path";
import type { Work } from "../../runtime/index.ts";
import { linkSnapshots } from "../../training/index.ts";
import { appendLog, readLog } from "../run-folder/log.ts";
import type { TrainProgress } from "./train.work.ts";

export interface LinkInput {
  /** The run's folder and the network in it. */
  readonly from: { readonly run: string; readonly network: string };
  readonly to: { readonly run: string; readonly network: string };
  /** The checkpoints to link, ascending. */
  readonly epochs: readonly number[];
}

const work: Work<LinkInput, void, TrainProgress> = async ({ from, to, epochs }, report) => {
  for (const entry of await readLog(from.run))
    if (entry.network === from.network) await appendLog(to.run, { ...entry, network: to.network });
  await linkSnapshots(join(from.run, from.network), join(to.run, to.network), epochs);
  report({ epochs: epochs.at(-1)! });
};

export default work;
