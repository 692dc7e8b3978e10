// Federated learning, simulated: how samples are dealt out to clients, the part of a data set that a client sees, and the average that they share.
// May import: data, checkpoints, core.
export { averageCheckpoints } from "./aggregate.ts";
export { classHistogram, partition } from "./partition.ts";
export { subsetOf } from "./subset.ts";
