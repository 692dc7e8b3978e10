// Long work in a process of its own: sessions block their thread, and a crash in native code must not take the user's work with it.
// Work is a function `(input, report) => Promise<output>` that a module exports; input, output and progress are structured clones.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { UserError } from "../core/index.ts";
import { describeExit } from "../jobs/index.ts";

/** What a module exports to be run in a process of its own, by default as its default export. */
export type Work<Input, Output, Progress> = (input: Input, report: (progress: Progress) => void) => Promise<Output>;

export interface WorkOptions<Progress> {
  /** The name of the export. */
  readonly name?: string;
  onProgress?: (progress: Progress) => void;
  /** Ends the process when it fires; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

export type Message =
  | { kind: "progress"; progress: unknown }
  | { kind: "done"; output: unknown }
  | { kind: "failed"; expected: boolean; message: string; stack?: string };

/** Work as a task: what it makes is a file, and nothing is answered. Its input is JSON. */
export interface UnitWork {
  readonly module: string;
  readonly name?: string;
  readonly input: unknown;
  /** The file whose presence says that it is done. */
  readonly result: string;
}

/** The command of a process that carries out the work that a module exports as `name`; its progress comes as messages `{ progress }`. */
export function unitCommand<Input>(module: URL, input: Input, result: string, name?: string): string[] {
  const work: UnitWork = { module: module.href, name, input, result };
  return [
    process.execPath,
    ...fromSource,
    fileURLToPath(siblingModule("child", import.meta.url)),
    JSON.stringify(work),
  ];
}

/** Under the test runner a child compiles on the fly too. */
const fromSource = import.meta.url.endsWith(".ts") ? ["--import", "tsx"] : [];

/** The module `name` beside the file `base` (its import.meta.url), from source under the test runner and compiled elsewhere. */
export function siblingModule(name: string, base: string): URL {
  return new URL(`./${name}.${base.endsWith(".ts") ? "ts" : "js"}`, base);
}

/**
 * Runs a module's work in a child process. Rejects with the {@link UserError} that the work threw, or with one that says how the process
 * ended when it did not end by itself.
 */
export function startWork<Input, Output, Progress>(
  module: URL,
  input: Input,
  { name, onProgress, signal }: WorkOptions<Progress> = {},
): Promise<Output> {
  const child = fork(siblingModule("child", import.meta.url), [], {
    serialization: "advanced",
    execArgv: fromSource,
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let lastWords = "";
  child.stderr!.on("data", (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString()).slice(-2000);
  });
  return new Promise<Output>((resolve, reject) => {
    const abort = () => {
      child.kill("SIGKILL");
      reject(signal!.reason);
    };
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
    child.on("message", (message: Message) => {
      if (message.kind === "progress") onProgress?.(message.progress as Progress);
      else if (message.kind === "done") resolve(message.output as Output);
      else
        reject(
          message.expected
            ? new UserError(message.message)
            : Object.assign(new Error(message.message), { stack: message.stack }),
        );
    });
    child.on("error", reject);
    child.on("exit", (code, signalName) => {
      signal?.removeEventListener("abort", abort);
      const how = describeExit({ status: code, signal: signalName });
      const why = signalName === "SIGKILL" ? "" : lastWords.trim().split("\n").at(-1);
      reject(
        new UserError(
          `The computing process ${how}${why ? `: ${why}` : ""}. Run the command again to go on where it stopped.`,
        ),
      ); // no effect after done
    });
    child.send({ module: module.href, name, input });
  });
}
