// Long work in a separate process: sessions block their thread, and a crash in native code must not end the main
// process. Work is a function `(input, report) => Promise<output>` that a module exports; input, output and progress
// are structured clones.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { UsageError, UserError } from "../core/index.ts";
import { describeExit } from "../jobs/index.ts";

/** A function that a module exports to run in a separate process; by default the module's default export. */
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
  | { kind: "failed"; error: "usage" | "user" | "bug"; message: string; stack?: string };

/** Work as a unit of a job: it writes a file and returns nothing. Its input is JSON. */
export interface UnitWork {
  readonly module: string;
  readonly name?: string;
  readonly input: unknown;
  /** The result file. The unit is done when it exists. */
  readonly result: string;
}

/**
 * The command line of a unit that runs the export `name` of a module; it sends its progress as messages `{ progress }`.
 */
export function makeUnitCommand<Input>(module: URL, input: Input, result: string, name?: string): string[] {
  const work: UnitWork = { module: module.href, name, input, result };
  return [
    process.execPath,
    ...fromSource,
    fileURLToPath(siblingModule("child", import.meta.url)),
    JSON.stringify(work),
  ];
}

/** Under the test runner, a child process also compiles on the fly. */
const fromSource = import.meta.url.endsWith(".ts") ? ["--import", "tsx"] : [];

/**
 * The module `name` in the folder of the file `base` (an import.meta.url): source under the test runner, else compiled.
 */
export function siblingModule(name: string, base: string): URL {
  return new URL(`./${name}.${base.endsWith(".ts") ? "ts" : "js"}`, base);
}

/**
 * Runs a module's work in a child process. Rejects with the error that the work threw, or with a {@link UserError} that
 * says how the process was ended.
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
          message.error !== "bug"
            ? new (message.error === "usage" ? UsageError : UserError)(message.message)
            : Object.assign(new Error(message.message), { stack: message.stack }),
        );
    });
    child.on("error", reject);
    child.on("exit", (code, signalName) => {
      signal?.removeEventListener("abort", abort);
      const how = describeExit({ status: code, signal: signalName });
      const why = signalName === "SIGKILL" ? "" : lastWords.trim().split("\n").at(-1);
      // no effect after done
      reject(new UserError(`The computing process ${how}${why ? `: ${why}` : ""}. Rerun the command to resume.`));
    });
    child.send({ module: module.href, name, input });
  });
}
