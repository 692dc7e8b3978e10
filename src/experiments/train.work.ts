// Work in a process of its own: trains one network of a recipe.
import { openData } from "../data/index.ts";
import { buildModel } from "../models/index.ts";
import type { RuntimeOptions, Work } from "../runtime/index.ts";
import { adamw, type EpochLog, schedule, sgd, train } from "../training/index.ts";
import { clientData } from "./clients.ts";
import { networkNames } from "./folder.ts";
import { lengthOf, modelSizes, type Recipe, trainingData } from "./recipe.ts";

export interface TrainInput {
  readonly recipe: Recipe;
  readonly network: string;
  readonly folder: string;
  readonly runtime: RuntimeOptions;
}

export type TrainProgress = { readonly epochs: number } | { readonly log: EpochLog };

const work: Work<TrainInput, void, TrainProgress> = async ({ recipe, network, folder, runtime }, report) => {
  const { model, training, pair, data: source, measure } = recipe;
  const { optimiser, lr, momentum, betas, weight_decay: weightDecay, period, factor, steps } = training;
  const epochs = lengthOf(recipe);
  const number = networkNames(recipe).indexOf(network);
  const data = clientData(recipe, number, await openData(source.name, trainingData(recipe)));
  await train(
    {
      model: buildModel(model.name, { ...modelSizes(recipe), classes: data.classes }),
      data,
      optimiser: optimiser === "sgd" ? sgd({ momentum, weightDecay }) : adamw({ betas, weightDecay }),
      schedule: schedule({
        kind: training.schedule,
        rate: lr,
        warmupSteps: training.warmup_steps,
        epochs,
        period,
        factor,
      }),
      clip: training.clip,
      epochs,
      batch: training.batch,
      augment: source.augment,
      nextStop:
        steps === undefined ? undefined : (step) => Math.min(following(step, 100), following(step, measure.every)),
      initSeed: pair.init_seed + (pair.init === "different" ? number : 0),
      orderSeed: pair.order_seeds[number] ?? pair.order_seeds[1] + number,
      folder,
      isKept: (epoch) => epoch % measure.every === 0 || epoch === epochs,
      runtime,
    },
    { epoch: (log) => report({ log }), progress: (epochs) => report({ epochs }) },
  );
};

/** The multiple of a number that follows. */
const following = (step: number, of: number) => step - (step % of) + of;

export default work;
