// Tasks and the engines that carry them out: processes on this machine, or batch jobs of a cluster. Knows nothing of networks. Imports core only.
export { runBundle } from "./bundle.ts";
export { type Callbacks, carryOut, previewJob } from "./carry-out.ts";
export { type EngineChoice, type EngineSettings, engineOf, type LocalSettings, type SlurmSettings } from "./choice.ts";
export {
  isFinished,
  type Job,
  jobPath,
  lastLog,
  listJobs,
  readJob,
  readTasks,
  writeJob,
} from "./folder.ts";
export { LocalEngine } from "./local.ts";
export { howEnded } from "./process.ts";
export { reconcile } from "./reconcile.ts";
export { cancelJob, queuedTasks, SlurmEngine } from "./slurm.ts";
export { checkSlurm } from "./slurm-commands.ts";
export { missingOf, type Task } from "./task.ts";
