// A command as a child process with a channel for messages. Over it the child also learns of its parent's end, so that none is left behind.
import { spawn } from "node:child_process";

export interface ProcessOptions {
  onMessage?: (message: unknown) => void;
  /** Kills the process when it fires. */
  signal?: AbortSignal;
  /** Its output goes where this process's own goes; else it is kept back but for the last words. */
  isHeard?: boolean;
}

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last 4000 characters of its standard error. */
  readonly lastWords: string;
}

/** Runs a command to its end, however it ends. Rejects only when it cannot be started. */
export function runProcess(
  argv: readonly string[],
  { onMessage, signal, isHeard }: ProcessOptions = {},
): Promise<Ended> {
  const child = spawn(argv[0], argv.slice(1), {
    serialization: "advanced",
    stdio: ["ignore", isHeard ? "inherit" : "ignore", "pipe", "ipc"],
  });
  let lastWords = "";
  child.stderr!.on("data", (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString()).slice(-4000);
    if (isHeard) process.stderr.write(chunk);
  });
  child.on("message", (message) => onMessage?.(message));
  const kill = () => child.kill("SIGKILL");
  signal?.addEventListener("abort", kill, { once: true });
  if (signal?.aborted) kill();
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, name) => {
      signal?.removeEventListener("abort", kill);
      resolve({ status, signal: name, lastWords: lastWords.trim() });
    });
  });
}

/** How a process ended: by a signal, or with a status. */
export function howEnded({ status, signal }: Pick<Ended, "status" | "signal">): string {
  if (!signal) return `ended with status ${status}`;
  return `was ended by ${signal}${signal === "SIGKILL" ? " (out of memory?)" : ""}`;
}

/** How a process that failed ended, in a few words: what it said last, and the signal where it crashed. What was said before a kill has no part in it. */
export function describeEnd(end: Ended): string {
  const said = end.signal === "SIGKILL" ? "" : end.lastWords.split("\n").at(-1);
  if (!said) return howEnded(end);
  return end.signal ? `${said} (it ${howEnded(end)})` : said;
}
