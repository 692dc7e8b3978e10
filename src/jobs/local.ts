// The engine of one machine: tasks as processes side by side, in their order, each as soon as what it waits for is done and enough cores and memory are free.
import type { Engine, Run } from "./engine.ts";
import { describeEnd, runProcess } from "./process.ts";
import { missingOf, type Task } from "./task.ts";

export interface LocalOptions {
  /** Cores that may be busy; a task that wants more runs alone. */
  readonly cpus: number;
  /** Memory that the tasks may take together; a task that wants more runs alone. */
  readonly memoryMb?: number;
  readonly onMessage?: (key: string, message: unknown) => void;
}

/** When a task fails nothing new is begun and the others are ended: on one machine somebody is there to mend it. */
export class LocalEngine implements Engine {
  readonly tries = 1;
  readonly #options: LocalOptions;

  constructor(options: LocalOptions) {
    this.#options = options;
  }

  async attach(): Promise<undefined> {}

  async submit(tasks: readonly Task[]): Promise<Run> {
    const { cpus, memoryMb = Number.POSITIVE_INFINITY, onMessage } = this.#options;
    const waiting = new Map(tasks.map((task) => [task.key, task]));
    const unfinished = new Set(waiting.keys());
    const running = new Set<Promise<void>>();
    const words = new Map<string, string>();
    const failure = new AbortController();
    const busy = { cpus: 0, memoryMb: 0 };

    const start = (task: Task, wants: typeof busy) => {
      waiting.delete(task.key);
      busy.cpus += wants.cpus;
      busy.memoryMb += wants.memoryMb;
      const process = runProcess(task.argv, {
        signal: failure.signal,
        onMessage: (message) => onMessage?.(task.key, message),
      });
      const ended = process
        .then((end) => {
          if (missingOf([task]).length === 0) unfinished.delete(task.key);
          else fail(task, describeEnd(end));
        })
        .catch((error: Error) => fail(task, error.message))
        .finally(() => {
          busy.cpus -= wants.cpus;
          busy.memoryMb -= wants.memoryMb;
          running.delete(ended);
        });
      running.add(ended);
    };
    const fail = ({ key }: Task, text: string) => {
      if (failure.signal.aborted) return; // ended because another failed
      words.set(key, text);
      failure.abort();
      waiting.clear();
    };
    const startWhatCan = () => {
      for (const task of waiting.values()) {
        const wants = { cpus: Math.min(task.cpus, cpus), memoryMb: Math.min(task.memoryMb ?? 0, memoryMb) };
        const fits = busy.cpus + wants.cpus <= cpus && busy.memoryMb + wants.memoryMb <= memoryMb;
        if (fits && !task.after?.some((key) => unfinished.has(key))) start(task, wants);
      }
      if (running.size === 0 && waiting.size > 0)
        throw new Error(`tasks wait for each other: ${[...waiting.keys()].join(", ")}`);
    };
    return {
      async poll() {
        startWhatCan();
        return { running: running.size, waiting: waiting.size };
      },
      change: () => Promise.race(running),
      lastWords: async (key) => {
        const text = words.get(key);
        return text === undefined ? undefined : { text };
      },
    };
  }
}
