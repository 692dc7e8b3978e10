// Simulated federated learning: partitions of samples among clients, a client's part of a data set, and the average
// that clients share. May import: data, checkpoints, core.
export { averageCheckpoints } from "./aggregate.ts";
export { classHistogram, partition } from "./partition.ts";
export { subsetOf } from "./subset.ts";
