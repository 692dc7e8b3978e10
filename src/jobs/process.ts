// Runs a command as a child process with a message channel. The channel closes when the parent ends, and the child ends
// with it.
import { spawn } from "node:child_process";

export interface ProcessOptions {
  onMessage?: (message: unknown) => void;
  /** Kills the process when it fires. */
  signal?: AbortSignal;
  /** Passes the child's output on to this process's output; otherwise only the end of its standard error is kept. */
  inheritsOutput?: boolean;
}

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last 4000 characters of its standard error. */
  readonly errorOutput: string;
}

/** Runs a command to its end. Rejects only if it cannot be started. */
export function runProcess(
  argv: readonly string[],
  { onMessage, signal, inheritsOutput }: ProcessOptions = {},
): Promise<Ended> {
  const child = spawn(argv[0], argv.slice(1), {
    serialization: "advanced",
    stdio: ["ignore", inheritsOutput ? "inherit" : "ignore", "pipe", "ipc"],
  });
  let errorOutput = "";
  child.stderr!.on("data", (chunk: Buffer) => {
    errorOutput = (errorOutput + chunk.toString()).slice(-4000);
    if (inheritsOutput) process.stderr.write(chunk);
  });
  child.on("message", (message) => onMessage?.(message));
  const kill = () => child.kill("SIGKILL");
  signal?.addEventListener("abort", kill, { once: true });
  if (signal?.aborted) kill();
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, name) => {
      signal?.removeEventListener("abort", kill);
      resolve({ status, signal: name, errorOutput: errorOutput.trim() });
    });
  });
}

/** Describes how a process ended: its status, or the signal that killed it. */
export function describeExit({ status, signal }: Pick<Ended, "status" | "signal">): string {
  if (!signal) return `exited with status ${status}`;
  return `was killed by ${signal}${signal === "SIGKILL" ? " (out of memory?)" : ""}`;
}

/**
 * Describes a failure in one line: the last line of standard error, and the signal if it crashed. After a kill only the
 * signal counts, because the last line is unrelated.
 */
export function describeEnd(end: Ended): string {
  const lastLine = end.signal === "SIGKILL" ? "" : end.errorOutput.split("\n").at(-1);
  if (!lastLine) return describeExit(end);
  return end.signal ? `${lastLine} (it ${describeExit(end)})` : lastLine;
}
