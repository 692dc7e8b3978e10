// Pairs: two ends of one network and the samples that it is measured on. Each origin of a pair is one file; matching/ finds a graph's weights in a
// state dict. May import: distance, models, data, checkpoints, graph, runtime, core.
export { type End, openEnd } from "./end.ts";
export type { Ends } from "./origin.ts";
export { cannotRun } from "./output.ts";
export { type EndsRequest, type ModelSpec, openEnds, openPair, type Pair, type PairRequest, type Task, tasks } from "./pair.ts";
