// Federated learning, simulated: how samples are dealt out to clients, and the part of a data set that a client sees.
// May import: data, core.
export { classHistogram, type Partition, partition } from "./partition.ts";
export { subsetOf } from "./subset.ts";
