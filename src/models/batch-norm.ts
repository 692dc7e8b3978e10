// PyTorch's BatchNorm2d: its five parameters, and its forward pass in training and evaluation.
import { batchNormalization, batchNormalizationTraining, type Value } from "../graph/index.ts";
import { constant } from "./initialise.ts";
import type { Parameter, Training, Weights } from "./model.ts";

export function normParameters(name: string, channels: number): Parameter[] {
  const shape = [channels];
  return [
    { name: `${name}.weight`, shape, initial: constant(1) },
    { name: `${name}.bias`, shape, initial: constant(0) },
    { name: `${name}.running_mean`, shape, initial: constant(0), kind: "statistic" },
    { name: `${name}.running_var`, shape, initial: constant(1), kind: "statistic" },
    { name: `${name}.num_batches_tracked`, shape: [], initial: constant(0), kind: "counter" },
  ];
}

/** Normalises x [N, C, H, W] by the batch's statistics in training, and by the running statistics in evaluation. */
export function normalise(name: string, x: Value, weights: Weights, training?: Training, epsilon?: number): Value {
  const [scale, bias, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map((part) =>
    weights(`${name}.${part}`),
  );
  if (!training) return batchNormalization(x, scale, bias, mean, variance, epsilon);
  const batch = batchNormalizationTraining(
    x,
    scale,
    bias,
    { mean, variance },
    { epsilon, momentum: training.momentum },
  );
  training.track(`${name}.running_mean`, batch.mean);
  training.track(`${name}.running_var`, batch.variance);
  return batch.output;
}
