// What sets one origin of a recipe's networks apart from another: one object of this contract each.
import type { Tensor } from "../../core/index.ts";
import type { DataOptions, Dataset } from "../../data/index.ts";
import type { Model } from "../../models/index.ts";

export interface Origin {
  /** Opens samples of the recipe's data. */
  openData(options: DataOptions): Promise<Dataset>;
  /** The network in the sizes that samples ask for; without samples in sizes of its own, with the same layers. */
  modelFor(data?: Dataset): Promise<Model>;
  /** What a network starts from: its parameters by name. */
  start(model: Model, seed: number): Promise<ReadonlyMap<string, Tensor>>;
  /** The sizes that it was trained in, as measuring asks for them. */
  trainedSizes(): Promise<Partial<Record<string, number>>>;
  /** Throws {@link UserError} where the network cannot take samples, by the name that they have in the message. */
  requireFit(model: Model, data: Dataset, named: string): Promise<void>;
  /** Whether samples may have labels that do not count. */
  readonly takesIgnored: boolean;
  /** Puts beside a trained network's checkpoints what others need to use it. */
  complete(folder: string, checkpoint: string): Promise<void>;
}
