// The contract of an origin of a recipe's networks.
import type { Tensor } from "../../core/index.ts";
import type { DataOptions, Dataset } from "../../data/index.ts";
import type { Model } from "../../models/index.ts";

export interface Origin {
  /** Opens samples of the recipe's data. */
  openData(options: DataOptions): Promise<Dataset>;
  /** Builds the network in the sizes of the samples; without samples in default sizes, with the same layers. */
  modelFor(data?: Dataset): Promise<Model>;
  /** Initial parameters by name. */
  start(model: Model, seed: number): Promise<ReadonlyMap<string, Tensor>>;
  /** The sizes of the trained network, for measurements. */
  trainedSizes(): Promise<Partial<Record<string, number>>>;
  /** Throws {@link UserError} if the network does not fit the samples; `named` is their name in the message. */
  requireFit(model: Model, data: Dataset, named: string): Promise<void>;
  /** Whether samples may have ignored labels. */
  readonly takesIgnored: boolean;
  /** Adds the files that other tools need to use a trained network. */
  complete(folder: string, checkpoint: string): Promise<void>;
}
