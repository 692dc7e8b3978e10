// Runs in a separate process: trains one network of a recipe.
import { join } from "node:path";
import type { RuntimeOptions, Work } from "../../runtime/index.ts";
import { adamw, type EpochLog, type Optimiser, schedule, sgd, train } from "../../training/index.ts";
import { originOf } from "../origins/index.ts";
import { type Recipe, rateOf, seedsOf, timelineOf, trainingData } from "../recipe/index.ts";
import { networkNames } from "../run-folder/folder.ts";
import { appendLog } from "../run-folder/log.ts";
import { averageShared, clientData } from "./clients.ts";

export interface TrainInput {
  readonly recipe: Recipe;
  readonly network: string;
  /** The run's folder, which contains the network's folder. */
  readonly run: string;
  /** A federated round, or the whole training: from one epoch (or step) to another. */
  readonly round: { readonly from: number; readonly until: number };
  readonly runtime: RuntimeOptions;
}

export type TrainProgress = { readonly epochs: number } | { readonly log: EpochLog };

const work: Work<TrainInput, void, TrainProgress> = async ({ recipe, network, run, round, runtime }, report) => {
  const { training } = recipe;
  const { period, factor } = training;
  const timeline = timelineOf(recipe);
  const number = networkNames(recipe).indexOf(network);
  const seeds = seedsOf(recipe, number);
  const origin = originOf(recipe);
  const all = await origin.openData(trainingData(recipe));
  const built = await origin.modelFor(all);
  await train(
    {
      model: built,
      data: clientData(recipe, number, all),
      optimiser: optimiserOf(recipe),
      schedule: schedule({
        kind: training.schedule,
        rate: rateOf(recipe, number),
        warmupSteps: training.warmup_steps,
        epochs: timeline.total,
        period,
        factor,
      }),
      clip: training.clip,
      timeline,
      until: round.until,
      shared: round.from
        ? {
            at: round.from,
            tensors: () => averageShared(recipe, { model: built, data: all, run, epoch: round.from }),
          }
        : undefined,
      batch: training.batch,
      augment: recipe.data.augment,
      start: () => origin.start(built, seeds.init),
      orderSeed: seeds.order,
      folder: join(run, network),
      runtime,
    },
    {
      async epoch(log) {
        await appendLog(run, { network, ...log });
        report({ log });
      },
      progress: (epochs) => report({ epochs }),
    },
  );
};

export function optimiserOf({ training }: Recipe): Optimiser {
  const { optimiser, momentum, betas, weight_decay: weightDecay } = training;
  return optimiser === "sgd" ? sgd({ momentum, weightDecay }) : adamw({ betas, weightDecay });
}

export default work;
