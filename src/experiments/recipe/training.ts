// Training settings from a recipe: samples, sizes, learning rates and the timeline.
import type { DataOptions } from "../../data/index.ts";
import { Timeline } from "../../training/index.ts";
import type { Recipe } from "./schema.ts";

/** The options that open the recipe's training samples. */
export function trainingData({ model, data }: Recipe): DataOptions {
  const { samples, dir, size, mean, std, context = model.context } = data;
  return { split: "train", samples: samples === "all" ? undefined : samples, dir, size, mean, std, context };
}

/** The learning rate of a recipe's network, by its number. */
export const rateOf = ({ training: { lr } }: Recipe, number: number): number =>
  typeof lr === "number" ? lr : lr[number];

/** The network's sizes in the recipe. */
export function modelSizes({ model: { name: _, ...sizes } }: Recipe): Partial<Record<string, number>> {
  return sizes;
}

/** The timeline of a recipe's training. */
export const timelineOf = ({ training: { epochs, steps, keep_previous }, measure, federated }: Recipe): Timeline =>
  new Timeline({
    epochs,
    steps,
    every: measure.every,
    keepsPrevious: keep_previous,
    round: federated?.aggregate?.every,
  });
