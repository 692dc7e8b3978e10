// The engine of a cluster with Slurm: tasks as arrays of batch jobs, an array a stage, each after those it waits for. A job's name begins with the id of the
// work it belongs to, so that a later process finds in the queue what an earlier one submitted, also when that was killed in the middle of submitting.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { UserError, writeAtomic } from "../core/index.ts";
import { type Stage, stagesOf } from "./bundles.ts";
import type { Engine, Run } from "./engine.ts";
import { isCancelled, type Job, lastLog, markCancelled, readStages, submissionPath, submissionsOf } from "./folder.ts";
import { type Queued, sbatch, scancel, squeue } from "./slurm-commands.ts";
import type { Task } from "./task.ts";

export interface SlurmOptions {
  readonly partition?: string;
  readonly account?: string;
  readonly gres?: string;
  /** Slurm's own forms: `2:00:00`, `16G`. */
  readonly time?: string;
  readonly mem?: string;
  /** The most elements of an array that run at once. */
  readonly maxTasks?: number;
  /** Further arguments of sbatch. */
  readonly sbatch?: readonly string[];
  /** Shell lines before the work: `module load nodejs`. */
  readonly prologue?: string;
  /** What goes before the command: `apptainer exec image.sif`. */
  readonly wrap?: string;
  /** The command that runs a bundle; its number follows. */
  readonly runner: readonly string[];
  /** Ms between two looks at the queue. */
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

  async attach(): Promise<Run | undefined> {
    return (await squeue(namePrefix(this.#job), 60)).length === 0 ? undefined : this.#run();
  }

  async submit(tasks: readonly Task[]): Promise<Run> {
    const { path } = this.#job;
    const number = ((await submissionsOf(path)).at(-1) ?? 0) + 1;
    const stages = await writeSubmission(this.#job, number, tasks, this.#options);
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
    return this.#run();
  }

  #run(): Run {
    const { pollMs = 5000 } = this.#options;
    return {
      poll: async () => {
        if (isCancelled(this.#job))
          throw new UserError(`The job ${this.#job.id} was cancelled. Run the same command again to go on with it.`);
        // whatever is wrong with the answer, the work goes on meanwhile: ask again later
        const queued = await squeue(namePrefix(this.#job), 0).catch(() => undefined);
        if (!queued) return undefined;
        // what waits for an administrator would wait for ever: out with it, and reconcile submits what is missing anew
        await scancel(queued.filter(({ isStuck }) => isStuck).map(({ id }) => id)).catch(() => {});
        const running = queued.filter(({ isRunning }) => isRunning).length;
        return { running, waiting: queued.length - running };
      },
      change: () => new Promise((resolve) => setTimeout(resolve, pollMs)),
      lastWords: (key) => lastLog(this.#job.path, key),
    };
  }
}

const queueOf = (job: Pick<Job, "id">): Promise<Queued[]> => squeue(namePrefix(job), 10);

/** The tasks whose processes are in the queue, by key. */
export async function queuedTasks(job: Job): Promise<Map<string, "running" | "waiting">> {
  const found = new Map<string, "running" | "waiting">();
  for (const { id, name, isRunning } of await queueOf(job)) {
    const [submission, stage] = name.slice(namePrefix(job).length).split(".").map(Number);
    const bundle = Number(/_(\d+)$/.exec(id)?.[1]);
    const stages = await readStages(job.path, submission);
    for (const key of stages[stage]?.bundles[bundle] ?? []) found.set(key, isRunning ? "running" : "waiting");
  }
  return found;
}

/** Takes everything of a job out of the queue; returns how much that was. A command that waits for it ends. */
export async function cancelJob(job: Job): Promise<number> {
  await markCancelled(job);
  const queued = await queueOf(job);
  await scancel([...new Set(queued.map(({ id }) => id.replace(/_.*/, "")))]);
  return queued.length;
}

/** Writes a submission's folder: its tasks, the stages with their bundles, and a script for each. */
async function writeSubmission(
  job: Job,
  number: number,
  tasks: readonly Task[],
  options: SlurmOptions,
): Promise<Stage[]> {
  const folder = submissionPath(job.path, number);
  const stages = stagesOf(tasks);
  await writeAtomic(join(folder, "tasks.json"), `${JSON.stringify(tasks, null, 1)}\n`);
  for (const [i, stage] of stages.entries())
    await writeAtomic(join(folder, `${i}.sh`), scriptOf(job, number, i, stage, options));
  await writeAtomic(join(folder, "stages.json"), `${JSON.stringify(stages, null, 1)}\n`);
  return stages;
}

/** A stage's batch script. */
export function scriptOf(job: Job, number: number, index: number, stage: Stage, options: SlurmOptions): string {
  const { partition, account, gres, time, mem, maxTasks, sbatch: more = [], prologue, wrap, runner } = options;
  const directives = [
    `--job-name=${namePrefix(job)}${number}.${index}`,
    `--array=0-${stage.bundles.length - 1}${maxTasks ? `%${maxTasks}` : ""}`,
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
# ${stage.group}: ${stage.bundles.flat().length} tasks in ${stage.bundles.length} processes
${directives.map((text) => `#SBATCH ${text.replace(/=(.*\s.*)$/, '="$1"')}`).join("\n")}
${prologue ? `${prologue.trim()}\n` : ""}exec ${wrap ? `${wrap.trim()} ` : ""}${command} "$SLURM_ARRAY_TASK_ID"
`;
}

const quote = (text: string) => (/^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
