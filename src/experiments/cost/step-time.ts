// Durations, from a measured training step.
import type { Recipe } from "../recipe/index.ts";

/** A training step, measured. */
export interface StepTime {
  /** Seconds of a step: the minimum of several. */
  readonly seconds: number;
  /** Samples of a step: the recipe's batch, or all samples if there are fewer. */
  readonly batch: number;
  /** Training steps of one network. */
  readonly steps: number;
  /** Floating-point operations per step. */
  readonly operations: number;
  /** Peak memory of the process. */
  readonly memoryMb: number;
  /** Size of one checkpoint. */
  readonly bytes: number;
}

/** Training samples of one network; clients are assumed to have equal parts. */
export const partOf = ({ federated }: Recipe, samples: number): number =>
  Math.ceil(samples / (federated?.clients ?? 1));

/** Time of evaluating a batch, in training steps: measured for figures 1, 2, 9 and 12 at `medium`. */
const stepsPerEvaluation = 0.4;

/** The number of training steps that take as long as some evaluations. */
export const stepsOfEvaluations = ({ batch }: StepTime, evaluations: number): number =>
  (evaluations / batch) * stepsPerEvaluation;
