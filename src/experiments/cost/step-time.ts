// How long work takes, from one measured training step.
import type { Recipe } from "../recipe/index.ts";

/** A training step, measured. */
export interface StepTime {
  /** Seconds of a step, the least of a few. */
  readonly seconds: number;
  /** Samples of a step: the recipe's batch, or all there are. */
  readonly batch: number;
  /** Steps of one network's training. */
  readonly steps: number;
  /** Floating-point operations of a step. */
  readonly operations: number;
  /** The most memory that the process took. */
  readonly memoryMb: number;
  /** Of one checkpoint. */
  readonly bytes: number;
}

/** The samples of one network, when its clients (if any) have equal parts. */
export const partOf = ({ federated }: Recipe, samples: number): number =>
  Math.ceil(samples / (federated?.clients ?? 1));

/**
 * Training steps that cost as much as a scan: its cost is taken as a third of a step for each evaluated network, and half of that because mixes share their
 * prefixes.
 */
export const stepsOfEvaluations = ({ batch }: StepTime, evaluations: number): number => evaluations / batch / 6;
