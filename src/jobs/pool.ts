// Runs tasks side by side on this machine: in their order, each as soon as what it waits for is done and enough threads are free.

export interface Task {
  readonly key: string;
  /** Keys of tasks that must be done before; one that is not among the tasks counts as done. */
  readonly after?: readonly string[];
  /** Threads that it keeps busy. */
  readonly threads: number;
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Runs all tasks with at most `capacity` threads busy; a task that takes more runs alone. When one fails nothing new is begun, the signal of the
 * others fires, and the first failure is thrown once all have ended.
 */
export async function runTasks(tasks: readonly Task[], capacity: number): Promise<void> {
  const waiting = new Map(tasks.map((task) => [task.key, task]));
  const unfinished = new Set(waiting.keys());
  const running = new Set<Promise<void>>();
  const failure = new AbortController();
  let busy = 0;
  const start = (task: Task) => {
    const threads = Math.min(task.threads, capacity);
    waiting.delete(task.key);
    busy += threads;
    const ended = task
      .run(failure.signal)
      .then(() => void unfinished.delete(task.key))
      .catch((error) => failure.abort(error))
      .finally(() => {
        busy -= threads;
        running.delete(ended);
      });
    running.add(ended);
  };
  while (unfinished.size && !failure.signal.aborted) {
    for (const task of waiting.values()) {
      if (busy >= capacity) break;
      const isReady = !task.after?.some((key) => unfinished.has(key));
      if (isReady && busy + Math.min(task.threads, capacity) <= capacity) start(task);
    }
    if (running.size === 0) throw new Error(`tasks wait for each other: ${[...unfinished].join(", ")}`);
    await Promise.race(running);
  }
  await Promise.all(running);
  if (failure.signal.aborted) throw failure.signal.reason;
}
