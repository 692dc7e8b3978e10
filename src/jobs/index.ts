// Units and the engines that run them: processes on this machine, or batch jobs on a cluster. Does not depend on
// networks. May import: core.
export { runBundle } from "./bundle.ts";
export {
  type EngineChoice,
  type EngineSettings,
  type LocalSettings,
  resolveEngine,
  type SlurmSettings,
} from "./choice.ts";
export {
  type JobDocument,
  type JobsDocument,
  jobJsonSchema,
  jobsJsonSchema,
  type UnitState,
} from "./documents.ts";
export {
  isFinished,
  type Job,
  jobPath,
  listJobs,
  readJob,
  readLastLog,
  readUnits,
  writeJob,
} from "./folder.ts";
export { LocalEngine } from "./local.ts";
export { describeExit } from "./process.ts";
export { reconcile } from "./reconcile.ts";
export { type Callbacks, previewJob, runUnits } from "./run-units.ts";
export { cancelJob, findQueuedUnits, SlurmEngine } from "./slurm.ts";
export { checkSlurm } from "./slurm-commands.ts";
export { findMissing, type Unit } from "./unit.ts";
