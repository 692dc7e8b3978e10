// Pairs: two ends of one network, and the samples that they are measured on. Each origin of a pair is one file.
// matching/ finds a graph's weights in a state dict; scoring/ finds the output with the scores, and how the labels fit
// it. May import: distance, models, data, checkpoints, graph, runtime, core.
export { type End, endInMemory } from "./end.ts";
export { requireFit } from "./fit.ts";
export type { Ends, Keys, ModelSpec, Pair, PairRequest, Task } from "./origin.ts";
export { openEnds, openPair } from "./pair.ts";
export { cannotRun } from "./scoring/refusals.ts";
