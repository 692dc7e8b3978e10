// Progress on standard error: a line for each task with a bar, the share done, the time left and a note. In a terminal the lines of running tasks are redrawn
// in place, below those of tasks that have ended; elsewhere a task that takes more than a second tells every tenth, and its end. Quiet draws nothing.
import { performance } from "node:perf_hooks";

interface Task {
  readonly start: number;
  readonly first: number;
  done: number;
  total: number;
  note: string;
  told: number;
}

export interface Progress {
  update(task: string, done: number, total: number, note?: string): void;
  /** Leaves the lines as they are; what is printed next comes below. */
  stop(): void;
}

export function makeProgress({ quiet = false, stream = process.stderr } = {}): Progress {
  if (quiet) return { update() {}, stop() {} };
  const tasks = new Map<string, Task>();
  /** Tasks whose last line stands. */
  const told = new Set<string>();
  let drawn = 0;
  let last = 0;

  const redraw = () => {
    last = performance.now();
    const ended = [...tasks].filter(([, { done, total }]) => done >= total);
    const running = [...tasks].filter(([, { done, total }]) => done < total);
    const lines = [...ended, ...running].map(([name, task]) => line(name, task, stream.columns ?? 80));
    stream.write(`${drawn ? `\x1b[${drawn}A` : ""}${lines.map((text) => `\x1b[2K${text}\n`).join("")}`);
    for (const [name] of ended) {
      tasks.delete(name);
      told.add(name);
    }
    drawn = running.length;
  };
  return {
    update(name, done, total, note = "") {
      if (told.has(name)) return;
      const now = performance.now();
      const task = tasks.get(name) ?? { start: now, first: done, done, total, note, told: -1 };
      tasks.set(name, Object.assign(task, { done, total, note }));
      if (stream.isTTY) {
        if (done >= total || now - last > 100) redraw();
      } else if (now - task.start > 1000 && Math.floor((10 * done) / total) > task.told) {
        task.told = Math.floor((10 * done) / total);
        stream.write(`${line(name, task, 100)}\n`);
      }
    },
    stop() {
      if (stream.isTTY && tasks.size) redraw();
      tasks.clear();
      told.clear();
      drawn = 0;
    },
  };
}

function line(name: string, task: Task, width: number): string {
  const share = Math.min(1, task.done / task.total);
  const filled = Math.round(20 * share);
  const elapsed = (performance.now() - task.start) / 1000;
  const advanced = task.done - task.first;
  const left = advanced > 0 ? (elapsed * (task.total - task.done)) / advanced : undefined;
  const time = share >= 1 ? `in ${duration(elapsed)}` : left === undefined ? "" : `${duration(left)} left`;
  const text = `${name.padEnd(16)} ${"█".repeat(filled)}${"░".repeat(20 - filled)} ${String(Math.floor(100 * share)).padStart(3)} %  ${time.padEnd(10)} ${task.note}`;
  return text.slice(0, width - 1).trimEnd();
}

/** Seconds as a person says them: 42 s, 3 min, 2.5 h. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
