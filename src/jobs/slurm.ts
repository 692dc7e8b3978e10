// The engine for a Slurm cluster. Each stage is one array of batch jobs that starts after the stages it depends on. The
// names of batch jobs start with the job's id, so a later process finds in the queue what an earlier one submitted,
// even if that was killed while submitting.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { UserError, writeAtomic } from "../core/index.ts";
import { countUnits, planStages, type Stage } from "./bundles.ts";
import type { Engine, Submission } from "./engine.ts";
import {
  isCancelled,
  type Job,
  listSubmissions,
  markCancelled,
  readLastLog,
  readStages,
  submissionPath,
  writeUnits,
} from "./folder.ts";
import { type Queued, sbatch, scancel, squeue } from "./slurm-commands.ts";
import type { Unit } from "./unit.ts";

export interface SlurmOptions {
  readonly partition?: string;
  readonly account?: string;
  readonly gres?: string;
  /** In Slurm's notation: `2:00:00`, `16G`. */
  readonly time?: string;
  readonly mem?: string;
  /** Elements of an array that may run at once. */
  readonly maxUnits?: number;
  /** More arguments for sbatch. */
  readonly sbatch?: readonly string[];
  /** Shell lines that run before the command: `module load nodejs`. */
  readonly prologue?: string;
  /** Prefix of the command: `apptainer exec image.sif`. */
  readonly wrap?: string;
  /** The command that runs a bundle; the job's folder and the bundle's numbers are appended. */
  readonly runner: readonly string[];
  /** Milliseconds between two queries of the queue. */
  readonly pollMs?: number;
}

const namePrefix = ({ id }: Pick<Job, "id">) => `lw-${id}.`;

export class SlurmEngine implements Engine {
  readonly tries = 3;
  readonly #job: Job;
  readonly #options: SlurmOptions;

  constructor(job: Job, options: SlurmOptions) {
    this.#job = job;
    this.#options = options;
  }

  async attach(): Promise<Submission | undefined> {
    return (await squeue(namePrefix(this.#job), 60)).length === 0 ? undefined : this.#follow();
  }

  async submit(units: readonly Unit[]): Promise<Submission> {
    const { path } = this.#job;
    const number = ((await listSubmissions(path)).at(-1) ?? 0) + 1;
    const stages = await writeSubmission(this.#job, number, units, this.#options);
    const ids = new Map<string, string[]>();
    try {
      for (const [i, { group, after }] of stages.entries()) {
        const before = after.flatMap((one) => ids.get(one)!);
        const dependency = before.length
          ? [`--dependency=afterok:${before.join(":")}`, "--kill-on-invalid-dep=yes"]
          : [];
        const id = await sbatch(join(submissionPath(path, number), `${i}.sh`), dependency);
        ids.set(group, [...(ids.get(group) ?? []), id]);
      }
    } catch (error) {
      await scancel([...ids.values()].flat()).catch(() => {});
      await rm(submissionPath(path, number), { recursive: true, force: true });
      throw error;
    }
    return this.#follow();
  }

  #follow(): Submission {
    const { pollMs = 5000 } = this.#options;
    return {
      poll: async () => {
        if (isCancelled(this.#job))
          throw new UserError(`The job ${this.#job.id} was cancelled. Rerun the same command to resume it.`);
        // a failed query does not affect the units, so try again later
        const queued = await squeue(namePrefix(this.#job), 0).catch(() => undefined);
        if (!queued) return undefined;
        // held elements would wait for an administrator: cancel them, and reconcile submits their units again
        await scancel(queued.filter(({ isStuck }) => isStuck).map(({ id }) => id)).catch(() => {});
        const running = queued.filter(({ isRunning }) => isRunning).length;
        return { running, waiting: queued.length - running };
      },
      change: () => new Promise((resolve) => setTimeout(resolve, pollMs)),
      readFailure: (key) => readLastLog(this.#job.path, key),
    };
  }
}

const readQueue = (job: Pick<Job, "id">): Promise<Queued[]> => squeue(namePrefix(job), 10);

/** Finds the units whose processes are in the queue, by key. */
export async function findQueuedUnits(job: Job): Promise<Map<string, "running" | "waiting">> {
  const found = new Map<string, "running" | "waiting">();
  for (const { id, name, isRunning } of await readQueue(job)) {
    const [submission, stage] = name.slice(namePrefix(job).length).split(".").map(Number);
    const bundle = Number(/_(\d+)$/.exec(id)?.[1]);
    const stages = await readStages(job.path, submission);
    for (const key of stages[stage]?.bundles[bundle] ?? []) found.set(key, isRunning ? "running" : "waiting");
  }
  return found;
}

/** Cancels all processes of a job and returns their number. A command that waits for the job ends. */
export async function cancelJob(job: Job): Promise<number> {
  await markCancelled(job);
  const queued = await readQueue(job);
  await scancel([...new Set(queued.map(({ id }) => id.replace(/_.*/, "")))]);
  return queued.length;
}

/** Writes a submission's folder: units.json, stages.json, and a batch script for each stage. */
async function writeSubmission(
  job: Job,
  number: number,
  units: readonly Unit[],
  options: SlurmOptions,
): Promise<Stage[]> {
  const folder = submissionPath(job.path, number);
  const stages = planStages(units);
  await writeUnits(folder, units);
  for (const [i, stage] of stages.entries())
    await writeAtomic(join(folder, `${i}.sh`), formatScript(job, number, i, stage, options));
  await writeAtomic(join(folder, "stages.json"), `${JSON.stringify(stages, null, 1)}\n`);
  return stages;
}

/** Returns the batch script of a stage. */
export function formatScript(job: Job, number: number, index: number, stage: Stage, options: SlurmOptions): string {
  const { partition, account, gres, time, mem, maxUnits, sbatch: more = [], prologue, wrap, runner } = options;
  const directives = [
    `--job-name=${namePrefix(job)}${number}.${index}`,
    `--array=0-${stage.bundles.length - 1}${maxUnits ? `%${maxUnits}` : ""}`,
    `--output=${submissionPath(job.path, number)}/${index}-%a.log`,
    "--open-mode=append",
    "--requeue",
    `--chdir=${job.cwd}`,
    `--cpus-per-task=${stage.cpus}`,
    ...Object.entries({ partition, account, gres, time, mem }).flatMap(([name, value]) =>
      value ? [`--${name}=${value}`] : [],
    ),
    ...more,
  ];
  const command = [...runner, job.path, String(number), String(index)].map(quote).join(" ");
  return `#!/bin/bash
# ${stage.group}: ${countUnits(stage)}
${directives.map((text) => `#SBATCH ${text.replace(/=(.*\s.*)$/, '="$1"')}`).join("\n")}
${prologue ? `${prologue.trim()}\n` : ""}exec ${wrap ? `${wrap.trim()} ` : ""}${command} "$SLURM_ARRAY_TASK_ID"
`;
}

const quote = (text: string) => (/^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
