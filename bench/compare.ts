// Compares whole layerwise commands with loops in PyTorch, in turns: time and memory (watch.ts).
import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { python } from "./python.ts";
import { type Outcome, run } from "./watch.ts";

export const rounds = Number(process.env.ROUNDS ?? 3);
const cli = resolve("dist/cli/main.js");

/** A command that writes to the path `out`, in a temporary folder. */
export type Work = (out: string) => Promise<Outcome>;

/** One way to do the same work. */
export interface Way {
  readonly name: string;
  readonly work: Work;
}

export const layerwise = (...args: string[]) => run(process.execPath, [cli, ...args, "--quiet"]);
export const loop = (args: readonly string[], env = {}) => run(python!, ["bench/large/loops.py", ...args], env);

export const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Reads files into the page cache, then again; returns the seconds of the second time. */
export async function timeReading(paths: readonly string[]): Promise<number> {
  const read = async () => {
    const start = performance.now();
    for (const path of paths) for await (const chunk of createReadStream(path, { highWaterMark: 1 << 22 })) void chunk;
    return (performance.now() - start) / 1000;
  };
  await read();
  return read();
}

const format = ({ seconds, cpuSeconds, memoryMb }: Outcome) =>
  `${seconds.toFixed(1)} s (processor ${cpuSeconds.toFixed(1)} s), ${memoryMb.toFixed(0)} MB`;

/** Runs layerwise and the other ways in turns; prints the least and the median time, and the most memory. */
export async function compare(ours: Work, others: readonly Way[]): Promise<void> {
  const ways: readonly Way[] = [{ name: "layerwise", work: ours }, ...others];
  const outcomes = ways.map((): Outcome[] => []);
  const failures = new Map<number, string>();
  for (let round = 0; round < rounds; round++)
    for (const [i, { name, work }] of ways.entries()) {
      if (failures.has(i)) continue;
      await inFolder(work).then(
        (outcome) => {
          outcomes[i].push(outcome);
          console.log(`  round ${round + 1}, ${name}: ${format(outcome)}`);
        },
        (error: Error) => failures.set(i, error.message),
      );
    }
  const [own, ...rest] = outcomes.map((some) => {
    const seconds = some.map((one) => one.seconds);
    const cpuSeconds = Math.min(...some.map((one) => one.cpuSeconds));
    const memoryMb = Math.max(...some.map((one) => one.memoryMb));
    return { least: Math.min(...seconds), median: median(seconds), cpuSeconds, memoryMb };
  });
  for (const [i, one] of [own, ...rest].entries()) {
    if (failures.has(i)) console.log(`  ${ways[i].name}: ${failures.get(i)}`);
    else if (rounds > 1)
      console.log(
        `  ${ways[i].name}: median ${one.median.toFixed(1)} s, least ${format({ ...one, seconds: one.least })}`,
      );
    if (i === 0 || failures.has(0) || failures.has(i)) continue;
    const [least, middle, memory] = [one.least / own.least, one.median / own.median, own.memoryMb / one.memoryMb];
    console.log(
      `  layerwise is ${least.toFixed(2)} times as fast as ${ways[i].name} (medians ${middle.toFixed(2)}), with ${memory.toFixed(2)} times the memory`,
    );
  }
  if (failures.size) process.exitCode = 1;
}

async function inFolder(work: Work): Promise<Outcome> {
  const out = mkdtempSync(join(tmpdir(), "layerwise-bench-"));
  try {
    return await work(join(out, "out"));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
