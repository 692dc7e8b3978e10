// Which engine carries the work out, and with how many cores, as plain settings; and what follows from them.
import { availableParallelism } from "node:os";
import type { SlurmOptions } from "./slurm.ts";

/** Processes on this machine, or batch jobs of the cluster that it can submit to. */
export type EngineSettings = LocalSettings | SlurmSettings;

/** Processes on this machine. */
export interface LocalSettings {
  readonly name?: "local";
  /** Cores in all; default: the machine's. */
  readonly threads?: number;
  /** Samples of a piece of a measurement; default: so many that a piece is neither short nor long. */
  readonly piece?: number;
}

/** Batch jobs of a Slurm cluster. */
export interface SlurmSettings extends Omit<SlurmOptions, "runner"> {
  readonly name: "slurm";
  /** Cores, and threads, of each task; default 1. */
  readonly cpusPerTask?: number;
  readonly piece?: number;
}

export interface EngineChoice extends Omit<SlurmOptions, "runner"> {
  readonly name: "local" | "slurm";
  /** Cores for each of so many tasks side by side. */
  readonly cpus: (sideBySide: number) => number;
  /** Cores in all; undefined on a cluster. */
  readonly cores?: number;
  readonly piece?: number;
}

export function engineOf(settings: EngineSettings = {}): EngineChoice {
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
