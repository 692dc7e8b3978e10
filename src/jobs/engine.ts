// An engine carries tasks out: on this machine, or on a cluster. What it says of them is news, not truth; the results are the truth (task.ts).
import type { Task } from "./task.ts";

export interface Engine {
  /** How often a task is tried before it counts as failed. */
  readonly tries: number;
  /** Begins all tasks, each after those it waits for. */
  submit(tasks: readonly Task[]): Promise<Run>;
  /** What an earlier process of the same job submitted and is on its way still. */
  attach(): Promise<Run | undefined>;
}

export interface Run {
  /** How many of its processes run and how many wait, both 0 once it has ended; undefined when nobody answers just now. */
  poll(): Promise<{ readonly running: number; readonly waiting: number } | undefined>;
  /** Resolves when it is worth polling again. */
  change(): Promise<void>;
  /** What a task said when it failed, and where the rest of it is written. */
  lastWords(key: string): Promise<{ readonly text: string; readonly log?: string } | undefined>;
}

export interface Look {
  readonly done: number;
  readonly total: number;
  /** Undefined when the engine does not answer. */
  readonly running?: number;
  readonly waiting?: number;
}
