// Training one network: the step as a graph, optimisers, schedules, losses, snapshots, and the loop that reads like the algorithm.
// May import: models, data, checkpoints, graph, runtime, core.
export { classification, scoresOf } from "./losses.ts";
export { adamw, type Optimiser, sgd } from "./optimisers.ts";
export { schedule } from "./schedules.ts";
export { checkpointName, lastEpoch, linkSnapshots } from "./snapshots.ts";
export { Stepper } from "./stepper.ts";
export { Timeline } from "./timeline.ts";
export { type EpochLog, train } from "./train.ts";
