// Slurm's own commands: sbatch, squeue, scancel. The controller may be away for a while (it restarts, it is busy): what only it can answer is asked again.
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
  /** Its node would not begin it (it still kept an earlier run of it, or could not prepare itself): Slurm holds it until somebody releases it. */
  readonly isStuck: boolean;
}

const away = /contact slurm controller|socket timed out|connection refused|connect failure|unable to connect/i;

/** The environment without what would change our commands' options behind our back. */
const environment = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(SBATCH|SQUEUE|SCANCEL)_/.test(name)));

/** A command's output. While the controller is away it is asked again for `patience` seconds. Throws {@link UserError} with Slurm's own words. */
async function slurm(command: string, args: readonly string[], patience: number): Promise<string> {
  const until = Date.now() + 1000 * patience;
  for (;;) {
    try {
      return (await run(command, args, { maxBuffer: 1 << 28, env: environment() })).stdout;
    } catch (error) {
      const { code, stderr = "" } = error as NodeJS.ErrnoException & { stderr?: string };
      if (code === "ENOENT")
        throw new UserError(
          `Slurm is not installed on this machine (there is no ${command} command). Log in to the cluster's submit host, or use --engine local.`,
        );
      const words = stderr
        .trim()
        .replaceAll(/^\w+: (error: )?/gm, "")
        .split("\n")
        .at(-1);
      if (!away.test(stderr)) throw new UserError(`Slurm's ${command} refused: ${words}. Check the cluster's options.`);
      if (Date.now() > until)
        throw new UserError(`Slurm's controller does not answer ${command}: ${words}. Try again later.`);
      await pause(2000);
    }
  }
}

/** Throws {@link UserError} where there is no Slurm. */
export const checkSlurm = (): Promise<string> => slurm("sbatch", ["--version"], 0);

/** Submits a script; returns the job's number. */
export async function sbatch(script: string, args: readonly string[]): Promise<string> {
  return (await slurm("sbatch", ["--parsable", ...args, script], 300)).trim().split(";")[0];
}

/** The caller's own jobs whose names begin so; while the controller is away it is asked again for `patience` seconds. */
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

/** Takes jobs (`123`, all of an array) or elements (`123_4`) out of the queue. */
export async function scancel(ids: readonly string[]): Promise<void> {
  if (ids.length) await slurm("scancel", ids, 60);
}
