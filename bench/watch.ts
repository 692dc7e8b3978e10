// Runs a command: its time, and the processor time and memory of its process tree (Linux).
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

export interface Outcome {
  readonly seconds: number;
  /** Processor time of the whole process tree; other load on the machine affects it less than the elapsed time. */
  readonly cpuSeconds: number;
  /** Peak resident size of the whole process tree, in MB. */
  readonly memoryMb: number;
}

export function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  const start = performance.now();
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"] });
  let words = "";
  child.stderr.on("data", (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-2000);
  });
  let [cpuSeconds, memoryMb] = [0, 0];
  const watch = setInterval(() => {
    const tree = [...treeOf(child.pid!)];
    const now = tree.reduce((sum, one) => sum + one.memoryMb, 0);
    memoryMb = Math.max(memoryMb, now, ...tree.map((one) => one.mostMb)); // the peak of one process is never missed
    cpuSeconds = Math.max(
      cpuSeconds,
      tree.reduce((sum, one) => sum + one.cpuSeconds, 0),
    );
  }, 20);
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("exit", (code, signal) => {
      clearInterval(watch);
      if (code === 0) done({ seconds: (performance.now() - start) / 1000, cpuSeconds, memoryMb });
      else fail(new Error(`${command} ${args.join(" ")}: ${words.trim() || `ended with ${signal ?? code}`}`));
    });
  });
}

/** The present state of a process and its descendants. */
function* treeOf(pid: number): Generator<{ memoryMb: number; mostMb: number; cpuSeconds: number }> {
  const children: number[] = [];
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const megabytes = (key: string) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1000;
    // after the name, which may contain spaces: user and system time, then those of ended children, in hundredths of a
    // second
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const ticks = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .slice(11, 15);
    const cpuSeconds = ticks.reduce((sum, one) => sum + Number(one) / 100, 0);
    yield { memoryMb: megabytes("VmRSS"), mostMb: megabytes("VmHWM"), cpuSeconds };
    for (const thread of readdirSync(`/proc/${pid}/task`))
      children.push(
        ...readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
      );
  } catch {} // ended
  for (const child of children) yield* treeOf(child);
}
