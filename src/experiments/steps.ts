// The steps that experiments are carried out in, and what they are carried out with.
import type { Task } from "../jobs/index.ts";
import type { Device } from "../runtime/index.ts";

/** What the work is to be done with, whatever the engine. */
export interface Wishes {
  readonly device?: Device;
  /** The cores that each of so many tasks side by side gets. */
  readonly cpus: (sideBySide: number) => number;
  /** Cores in all; undefined where there is no telling. */
  readonly cores?: number;
  /** Samples of a piece of a measurement; default: so many that a piece is neither short nor long. */
  readonly piece?: number;
  /** Called with how far each task is: `done` of `total` units, and what there is to say about it, such as the last loss. */
  readonly onProgress?: (task: string, done: number, total: number, note?: string) => void;
}

/** A task, and what takes its messages while it runs. */
export interface Step {
  readonly task: Task;
  onProgress(progress: unknown): void;
}
