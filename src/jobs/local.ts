// The engine for one machine. Units run as processes side by side, in the given order; each starts once its
// dependencies are done and enough cores and memory are free.
import type { Engine, Submission } from "./engine.ts";
import { describeEnd, runProcess } from "./process.ts";
import { findMissing, type Unit } from "./unit.ts";

export interface LocalOptions {
  /** Cores that may be busy; a unit that needs more runs alone. */
  readonly cpus: number;
  /** Memory that all running units may use together; a unit that needs more runs alone. */
  readonly memoryMb?: number;
  readonly onMessage?: (key: string, message: unknown) => void;
}

/** After a failure nothing new starts and the other units are killed, so that the user sees the error at once. */
export class LocalEngine implements Engine {
  readonly tries = 1;
  readonly #options: LocalOptions;

  constructor(options: LocalOptions) {
    this.#options = options;
  }

  async attach(): Promise<undefined> {}

  async submit(units: readonly Unit[]): Promise<Submission> {
    const { cpus, memoryMb = Number.POSITIVE_INFINITY, onMessage } = this.#options;
    const waiting = new Map(units.map((unit) => [unit.key, unit]));
    const unfinished = new Set(waiting.keys());
    const running = new Set<Promise<void>>();
    const failures = new Map<string, string>();
    const stop = new AbortController();
    const busy = { cpus: 0, memoryMb: 0 };

    const start = (unit: Unit, needs: typeof busy) => {
      waiting.delete(unit.key);
      busy.cpus += needs.cpus;
      busy.memoryMb += needs.memoryMb;
      const process = runProcess(unit.argv, {
        signal: stop.signal,
        onMessage: (message) => onMessage?.(unit.key, message),
      });
      const ended = process
        .then((end) => {
          if (findMissing([unit]).length === 0) unfinished.delete(unit.key);
          else fail(unit, describeEnd(end));
        })
        .catch((error: Error) => fail(unit, error.message))
        .finally(() => {
          busy.cpus -= needs.cpus;
          busy.memoryMb -= needs.memoryMb;
          running.delete(ended);
        });
      running.add(ended);
    };
    const fail = ({ key }: Unit, text: string) => {
      if (stop.signal.aborted) return; // killed because another unit failed
      failures.set(key, text);
      stop.abort();
      waiting.clear();
    };
    const startReady = () => {
      for (const unit of waiting.values()) {
        const needs = { cpus: Math.min(unit.cpus, cpus), memoryMb: Math.min(unit.memoryMb ?? 0, memoryMb) };
        const fits = busy.cpus + needs.cpus <= cpus && busy.memoryMb + needs.memoryMb <= memoryMb;
        if (fits && !unit.after?.some((key) => unfinished.has(key))) start(unit, needs);
      }
      if (running.size === 0 && waiting.size > 0)
        throw new Error(`units wait for each other: ${[...waiting.keys()].join(", ")}`);
    };
    return {
      async poll() {
        startReady();
        return { running: running.size, waiting: waiting.size };
      },
      change: () => Promise.race(running),
      readFailure: async (key) => {
        const text = failures.get(key);
        return text === undefined ? undefined : { text };
      },
    };
  }
}
