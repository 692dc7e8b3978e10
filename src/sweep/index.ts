// The sweep: many mixes of two networks evaluated on the same samples, and their scores.
// May import: pairs, models, data, checkpoints, graph, runtime, core.
export { type Mix, mixKey, mixOf, mixOfEnd, orderMixes } from "./mixes.ts";
export { openForSweep } from "./open.ts";
export { samplesJsonSchema } from "./samples-file.ts";
export { type Metric, type SampleScores, Scores } from "./scores.ts";
export { type Source, weightName } from "./source.ts";
export { type Progress, Sweep } from "./sweep.ts";
export type { Statistics } from "./weights.ts";
