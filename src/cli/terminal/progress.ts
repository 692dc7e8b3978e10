// Progress on standard error: one line per activity with a bar, percentage, time left and a note. A terminal redraws
// the lines of running activities in place, below the finished ones. Elsewhere an activity of more than a second prints
// a line for every tenth. With --quiet nothing is drawn.
import { performance } from "node:perf_hooks";

interface Activity {
  readonly start: number;
  readonly first: number;
  done: number;
  total: number;
  note: string;
  /** Tenths printed so far. */
  printed: number;
}

export interface ProgressLines {
  update(activity: string, done: number, total: number, note?: string): void;
  /** Keeps the lines; later output appears below them. */
  stop(): void;
}

export function makeProgress({ quiet = false, stream = process.stderr } = {}): ProgressLines {
  if (quiet) return { update() {}, stop() {} };
  const activities = new Map<string, Activity>();
  /** Names of finished activities. */
  const finished = new Set<string>();
  let drawn = 0;
  let last = 0;

  const redraw = () => {
    last = performance.now();
    const ended = [...activities].filter(([, { done, total }]) => done >= total);
    const running = [...activities].filter(([, { done, total }]) => done < total);
    const lines = [...ended, ...running].map(([name, activity]) => line(name, activity, stream.columns || 80));
    stream.write(`${drawn ? `\x1b[${drawn}A` : ""}${lines.map((text) => `\x1b[2K${text}\n`).join("")}`);
    for (const [name] of ended) {
      activities.delete(name);
      finished.add(name);
    }
    drawn = running.length;
  };
  return {
    update(name, done, total, note = "") {
      if (finished.has(name)) return;
      const now = performance.now();
      const activity = activities.get(name) ?? { start: now, first: done, done, total, note, printed: -1 };
      activities.set(name, Object.assign(activity, { done, total, note }));
      if (stream.isTTY) {
        if (done >= total || now - last > 100) redraw();
      } else if (now - activity.start > 1000 && Math.floor((10 * done) / total) > activity.printed) {
        activity.printed = Math.floor((10 * done) / total);
        stream.write(`${line(name, activity, 100)}\n`);
      }
    },
    stop() {
      if (stream.isTTY && activities.size) redraw();
      activities.clear();
      finished.clear();
      drawn = 0;
    },
  };
}

function line(name: string, activity: Activity, width: number): string {
  const fraction = Math.min(1, activity.done / activity.total);
  const filled = Math.round(20 * fraction);
  const elapsed = (performance.now() - activity.start) / 1000;
  const advanced = activity.done - activity.first;
  const left = advanced > 0 ? (elapsed * (activity.total - activity.done)) / advanced : undefined;
  const time =
    fraction >= 1 ? `in ${formatDuration(elapsed)}` : left === undefined ? "" : `${formatDuration(left)} left`;
  const text = `${name.padEnd(16)} ${"█".repeat(filled)}${"░".repeat(20 - filled)} ${String(Math.floor(100 * fraction)).padStart(3)} %  ${time.padEnd(10)} ${activity.note}`;
  return text.slice(0, width - 1).trimEnd();
}

/** Formats seconds: 42 s, 3 min, 2.5 h. */
export function formatDuration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
