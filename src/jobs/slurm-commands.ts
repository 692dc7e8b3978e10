// Slurm's commands: sbatch, squeue, scancel. The controller may be unreachable for a while (restarting, or busy), so
// commands that need it are repeated.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { UserError } from "../core/index.ts";

const run = promisify(execFile);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** One process in the queue: an element of an array. */
export interface Queued {
  /** `123_4`, or `123`. */
  readonly id: string;
  readonly name: string;
  readonly isRunning: boolean;
  /**
   * Its node could not launch it (an earlier run was still ending, or a prolog failed), so Slurm holds it until
   * released.
   */
  readonly isStuck: boolean;
}

const unreachable = /contact slurm controller|socket timed out|connection refused|connect failure|unable to connect/i;

/** The environment without the variables that override options of Slurm's commands. */
const environment = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(SBATCH|SQUEUE|SCANCEL)_/.test(name)));

/**
 * Runs a command and returns its output. Retries for `patience` seconds while the controller is unreachable. Throws
 * {@link UserError} with Slurm's message.
 */
async function slurm(command: string, args: readonly string[], patience: number): Promise<string> {
  const until = Date.now() + 1000 * patience;
  for (;;) {
    try {
      return (await run(command, args, { maxBuffer: 1 << 28, env: environment() })).stdout;
    } catch (error) {
      const { code, stderr = "" } = error as NodeJS.ErrnoException & { stderr?: string };
      if (code === "ENOENT")
        throw new UserError(
          `Slurm is not installed on this machine: there is no ${command} command. Log in to a machine that can submit jobs, or use --engine local.`,
        );
      const message = stderr
        .trim()
        .replaceAll(/^\w+: (error: )?/gm, "")
        .split("\n")
        .at(-1);
      if (!unreachable.test(stderr))
        throw new UserError(
          `Slurm's ${command} failed: ${message}. Check the Slurm options of the command, the environment and layerwise.yaml.`,
        );
      if (Date.now() > until)
        throw new UserError(`Slurm's controller does not answer ${command}: ${message}. Try again later.`);
      await pause(2000);
    }
  }
}

/** Throws {@link UserError} if Slurm is not installed. */
export const checkSlurm = (): Promise<string> => slurm("sbatch", ["--version"], 0);

/** Submits a script and returns Slurm's job number. */
export async function sbatch(script: string, args: readonly string[]): Promise<string> {
  return (await slurm("sbatch", ["--parsable", ...args, script], 300)).trim().split(";")[0];
}

/** Lists the user's processes in the queue whose job names start with `prefix`; retries for `patience` seconds. */
export async function squeue(prefix: string, patience: number): Promise<Queued[]> {
  const text = await slurm("squeue", ["--noheader", "--array", "--me", "--all", "--format", "%i|%j|%t|%r"], patience);
  return text
    .split("\n")
    .map((line) => line.trim().split("|"))
    .filter(([, name]) => name?.startsWith(prefix))
    .map(([id, name, state, reason]) => ({
      id,
      name,
      isRunning: state !== "PD",
      isStuck: /launch failed/i.test(reason),
    }));
}

/** Cancels jobs (`123`: the whole array) or array elements (`123_4`). */
export async function scancel(ids: readonly string[]): Promise<void> {
  if (ids.length) await slurm("scancel", ids, 60);
}
