// How long work takes, from one measured training step.
import type { Recipe } from "./recipe.ts";

export interface StepTime {
  /** Seconds of a step, the least of a few. */
  readonly seconds: number;
  /** Steps of one network's training. */
  readonly steps: number;
  /** The most memory that the process took. */
  readonly memoryMb: number;
  /** Of one checkpoint. */
  readonly bytes: number;
}

/** Steps of one network's training, when its clients (if any) have equal parts. */
export function stepsOf({ training, federated }: Recipe, samples: number): number {
  const part = samples / (federated?.clients ?? 1);
  return training.steps ?? training.epochs * Math.ceil(part / training.batch);
}

/** A scan's cost is taken as a third of a step for each evaluated network, and half of that because mixes share their prefixes. */
export const evaluationSeconds = (time: StepTime, { training: { batch } }: Recipe, evaluations: number): number =>
  (evaluations * time.seconds) / batch / 6;
