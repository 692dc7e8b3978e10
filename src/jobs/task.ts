// Tasks: commands that know nothing of each other, each with the file that it makes. That file's presence says that a task is done, and nothing else does.
import { existsSync } from "node:fs";

export interface Task {
  /** Names it among the tasks of a job. */
  readonly key: string;
  /** The command and its arguments. */
  readonly argv: readonly string[];
  /** The file that it makes, whole or not at all. */
  readonly result: string;
  /** Keys of tasks that must be done before; one that is not among the tasks counts as done. */
  readonly after?: readonly string[];
  /** Processor cores that it keeps busy. */
  readonly cpus: number;
  readonly memoryMb?: number;
  /** Tasks of one group are alike and wait for the same: on a cluster they are submitted as one array. */
  readonly group: string;
  /** How long it is expected to take. */
  readonly seconds?: number;
}

/** The tasks that are still to be done, in their order: no result, and somebody waits for it (the last in a chain always count). */
export function missingOf(tasks: readonly Task[]): Task[] {
  const waiting = new Map<string, Task[]>();
  for (const task of tasks) for (const key of task.after ?? []) waiting.set(key, [...(waiting.get(key) ?? []), task]);
  const known = new Map<string, boolean>();
  const isMissing = (task: Task): boolean => {
    const answer = known.get(task.key);
    if (answer !== undefined) return answer;
    known.set(task.key, true); // should tasks wait for each other, the engine says so
    const own = !existsSync(task.result);
    const missing = own && (waiting.get(task.key)?.some(isMissing) ?? true);
    known.set(task.key, missing);
    return missing;
  };
  return tasks.filter(isMissing);
}

/** The tasks that wait for one of some others, however many lie between. */
export function dependantsOf(keys: ReadonlySet<string>, tasks: readonly Task[]): Set<string> {
  const found = new Set<string>();
  for (let before = -1; found.size > before; ) {
    before = found.size;
    for (const { key, after } of tasks) if (after?.some((one) => keys.has(one) || found.has(one))) found.add(key);
  }
  return found;
}
