// What units are planned with, and a unit with the receiver of its progress.
import type { Unit } from "../jobs/index.ts";
import type { Device } from "../runtime/index.ts";

/** Device, cores and progress of the units, for any engine. */
export interface ComputeOptions {
  readonly device?: Device;
  /** Cores of each unit when `sideBySide` units run at once. */
  readonly cpus: (sideBySide: number) => number;
  /** Cores in total; undefined on a cluster. */
  readonly cores?: number;
  /** Samples per piece of a measurement; default: chosen by the number of evaluations. */
  readonly piece?: number;
  /** Called with the progress of a network or a measurement: `done` of `total`, and a note such as the last loss. */
  readonly onProgress?: (name: string, done: number, total: number, note?: string) => void;
}

/** A unit, and the receiver of its progress messages. */
export interface TrackedUnit {
  readonly unit: Unit;
  onProgress(progress: unknown): void;
}
