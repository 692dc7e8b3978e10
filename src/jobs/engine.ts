// An engine runs units: on this machine, or on a cluster. Its status reports are only hints; result files decide what
// is done (unit.ts).
import type { Unit } from "./unit.ts";

export interface Engine {
  /** Attempts before a unit counts as failed. */
  readonly tries: number;
  /** Starts all units, each after its dependencies. */
  submit(units: readonly Unit[]): Promise<Submission>;
  /** The submission of an earlier process of the same job, if it is still in the queue. */
  attach(): Promise<Submission | undefined>;
}

/** Units that were submitted together. */
export interface Submission {
  /** Its running and waiting processes, both 0 once it has ended; undefined while the engine does not answer. */
  poll(): Promise<{ readonly running: number; readonly waiting: number } | undefined>;
  /** Resolves when it is worth polling again. */
  change(): Promise<void>;
  /** What a failed unit printed last, and its log file. */
  readFailure(key: string): Promise<{ readonly text: string; readonly log?: string } | undefined>;
}

/** The progress of a job's units. */
export interface JobStatus {
  readonly done: number;
  readonly total: number;
  /** Undefined while the engine does not answer. */
  readonly running?: number;
  readonly waiting?: number;
}
