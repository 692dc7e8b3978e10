// Which engine to use and how many cores it has, as plain settings.
import { availableParallelism } from "node:os";
import type { SlurmOptions } from "./slurm.ts";

/** Processes on this machine, or batch jobs on a cluster that it can submit to. */
export type EngineSettings = LocalSettings | SlurmSettings;

/** Processes on this machine. */
export interface LocalSettings {
  readonly name?: "local";
  /** Cores in total; default: all of this machine. */
  readonly threads?: number;
  /** Samples per piece of a measurement; default: chosen by the number of evaluations. */
  readonly piece?: number;
}

/** Batch jobs of a Slurm cluster. */
export interface SlurmSettings extends Omit<SlurmOptions, "runner"> {
  readonly name: "slurm";
  /** Cores, and threads, of each unit; default 1. */
  readonly cpusPerTask?: number;
  readonly piece?: number;
}

export interface EngineChoice extends Omit<SlurmOptions, "runner"> {
  readonly name: "local" | "slurm";
  /** Cores of each unit when `sideBySide` units run at once. */
  readonly cpus: (sideBySide: number) => number;
  /** Cores in total; undefined on a cluster. */
  readonly cores?: number;
  readonly piece?: number;
}

export function resolveEngine(settings: EngineSettings = {}): EngineChoice {
  if (settings.name === "slurm") {
    const { cpusPerTask = 1, ...rest } = settings;
    return { ...rest, cpus: () => cpusPerTask };
  }
  const { threads = availableParallelism(), piece } = settings;
  return {
    name: "local",
    cpus: (sideBySide) => Math.max(1, Math.floor(threads / Math.max(1, sideBySide))),
    cores: threads,
    piece,
  };
}
