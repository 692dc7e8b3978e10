// Work in a process of its own: trains one network of a recipe.
import { openData } from "../data/index.ts";
import { buildModel } from "../models/index.ts";
import type { RuntimeOptions, Work } from "../runtime/index.ts";
import { adamw, type EpochLog, schedule, sgd, train } from "../training/index.ts";
import type { NetworkName } from "./folder.ts";
import { modelSizes, type Recipe, trainingData } from "./recipe.ts";

export interface TrainInput {
  readonly recipe: Recipe;
  readonly network: NetworkName;
  readonly folder: string;
  readonly runtime: RuntimeOptions;
}

export type TrainProgress = { readonly epochs: number } | { readonly log: EpochLog };

const work: Work<TrainInput, void, TrainProgress> = async ({ recipe, network, folder, runtime }, report) => {
  const { model, training, pair, data: source, measure } = recipe;
  const { optimiser, lr, momentum, betas, weight_decay: weightDecay, epochs } = training;
  const data = await openData(source.name, trainingData(recipe));
  const second = network === "b";
  await train(
    {
      model: buildModel(model.name, { ...modelSizes(recipe), classes: data.classes }),
      data,
      optimiser: optimiser === "sgd" ? sgd({ momentum, weightDecay }) : adamw({ betas, weightDecay }),
      schedule: schedule({ kind: training.schedule, rate: lr, warmupSteps: training.warmup_steps, epochs }),
      clip: training.clip,
      epochs,
      batch: training.batch,
      augment: source.augment,
      initSeed: pair.init_seed + (second && pair.init === "different" ? 1 : 0),
      orderSeed: pair.order_seeds[second ? 1 : 0],
      folder,
      isKept: (epoch) => epoch % measure.every === 0 || epoch === epochs,
      runtime,
    },
    { epoch: (log) => report({ log }), progress: (epochs) => report({ epochs }) },
  );
};

export default work;
