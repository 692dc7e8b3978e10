// The number of samples of a pair that are evaluated together: the size of a chunk.
import { batchSize, type Dataset, largeBatch } from "../data/index.ts";
import { isLarge, type Model } from "../models/index.ts";

/** The requested size, else one that suits the network. */
export const chooseBatch = (network: Pick<Model, "parameters">, data: Dataset, asked?: number): number =>
  batchSize(data.count, asked, isLarge(network) ? largeBatch(data) : undefined);
