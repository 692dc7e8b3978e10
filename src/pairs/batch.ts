// How many samples of a pair go through its network at a time.
import { batchSize, type Dataset, largeBatch } from "../data/index.ts";
import { isLarge, type Model } from "../models/index.ts";

/** The batch that was asked for, else one that suits the network's size. */
export const chooseBatch = (network: Pick<Model, "parameters">, data: Dataset, asked?: number): number =>
  batchSize(data.count, asked, isLarge(network) ? largeBatch(data) : undefined);
