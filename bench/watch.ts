// Runs a command to its end; its time, and the memory of it and of the processes that it started (Linux).
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

export interface Outcome {
  readonly seconds: number;
  /** The largest resident size of the whole process tree, in MB. */
  readonly memoryMb: number;
}

export function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  const start = performance.now();
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"] });
  let words = "";
  child.stderr.on("data", (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-2000);
  });
  let memoryMb = 0;
  const watch = setInterval(() => {
    memoryMb = Math.max(memoryMb, ...memoryOf(child.pid!));
  }, 20);
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("exit", (code, signal) => {
      clearInterval(watch);
      if (code === 0) done({ seconds: (performance.now() - start) / 1000, memoryMb });
      else fail(new Error(`${command} ${args.join(" ")}: ${words.trim() || `ended with ${signal ?? code}`}`));
    });
  });
}

/** What a process and its descendants have now, all together, and the most that one of them had since it began. */
function memoryOf(pid: number): [now: number, most: number] {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const megabytes = (key: string) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1000;
    let [now, most] = [megabytes("VmRSS"), megabytes("VmHWM")];
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const children = readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean);
      for (const child of children) {
        const [its, itsMost] = memoryOf(Number(child));
        now += its;
        most = Math.max(most, itsMost);
      }
    }
    return [now, most];
  } catch {
    return [0, 0]; // ended
  }
}
