// Training one network: the step as a graph, optimisers, schedules, snapshots, and the training loop.
// May import: models, data, checkpoints, graph, runtime, core.
export { adamw, type Optimiser, sgd } from "./optimisers.ts";
export { schedule } from "./schedules.ts";
export { checkpointName, lastEpoch, linkSnapshots } from "./snapshots.ts";
export { Stepper } from "./stepper.ts";
export { Timeline } from "./timeline.ts";
export { type EpochLog, train } from "./train.ts";
