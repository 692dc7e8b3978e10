// How a recipe's networks are trained: on which samples, in which sizes, for how long.
import type { DataOptions } from "../../data/index.ts";
import { Timeline } from "../../training/index.ts";
import type { Recipe } from "./schema.ts";

/** How to open the recipe's training samples. */
export function trainingData({ model: { context }, data: { samples, dir, size, mean, std } }: Recipe): DataOptions {
  return { split: "train", samples: samples === "all" ? undefined : samples, dir, size, mean, std, context };
}

/** The sizes that the recipe gives its network. */
export function modelSizes({ model: { name: _, ...sizes } }: Recipe): Partial<Record<string, number>> {
  return sizes;
}

/** The course of a recipe's training. */
export const timelineOf = ({ training: { epochs, steps, keep_previous }, measure, federated }: Recipe): Timeline =>
  new Timeline({
    epochs,
    steps,
    every: measure.every,
    keepsPrevious: keep_previous,
    round: federated?.aggregate?.every,
  });
