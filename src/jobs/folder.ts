// A job's folder, RUNS/jobs/ID: what was asked for, the tasks, and for each submission its scripts and logs. All that another process needs to look at the
// job, to go on with it, or to stop it.
import { existsSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { UserError, writeAtomic } from "../core/index.ts";
import type { Stage } from "./bundles.ts";
import type { Task } from "./task.ts";

const jobSchema = z.object({
  schema: z.literal("layerwise/job@1"),
  id: z.string(),
  /** What was typed, and where. */
  command: z.array(z.string()),
  cwd: z.string(),
  begun: z.string(),
  /** The cluster's settings, as the environment gives them. */
  environment: z.record(z.string(), z.string()),
});

export type Job = Omit<z.infer<typeof jobSchema>, "schema"> & { readonly path: string };

export const jobPath = (runs: string, id: string): string => resolve(runs, "jobs", id);

/** Writes what was asked for; a job that is there already keeps its beginning, and is neither finished nor cancelled any more. */
export async function writeJob({ path, ...job }: Job, tasks: readonly Task[]): Promise<void> {
  for (const mark of ["finished", "cancelled"]) await rm(join(path, mark), { force: true });
  const { begun } = existsSync(join(path, "job.json")) ? await readJob(path) : job;
  await writeAtomic(join(path, "tasks.json"), `${JSON.stringify(tasks, null, 1)}\n`);
  await writeAtomic(
    join(path, "job.json"),
    `${JSON.stringify({ schema: "layerwise/job@1", ...job, begun }, null, 1)}\n`,
  );
}

export const markCancelled = ({ path }: Pick<Job, "path">): Promise<void> => writeAtomic(join(path, "cancelled"), "");

export const isCancelled = ({ path }: Pick<Job, "path">): boolean => existsSync(join(path, "cancelled"));

/** Says that all results were there and are in use: the tasks' own files may be gone by now. */
export const finishJob = ({ path }: Pick<Job, "path">): Promise<void> => writeAtomic(join(path, "finished"), "");

export const isFinished = ({ path }: Pick<Job, "path">): boolean => existsSync(join(path, "finished"));

export async function readJob(path: string): Promise<Job> {
  const text = await readFile(join(path, "job.json"), "utf8").catch(() => undefined);
  const parsed = text === undefined ? undefined : jobSchema.safeParse(JSON.parse(text));
  if (!parsed?.success)
    throw new UserError(
      `${path} is no job's folder. \`layerwise jobs\` lists the jobs; --runs names another folder of runs.`,
    );
  const { schema: _, ...job } = parsed.data;
  return { ...job, path };
}

/** The jobs of a folder of runs, the latest first. */
export async function listJobs(runs: string): Promise<Job[]> {
  const names = await readdir(join(runs, "jobs")).catch(() => []);
  const paths = names.map((id) => jobPath(runs, id)).filter((path) => existsSync(join(path, "job.json")));
  const jobs = await Promise.all(paths.map(readJob));
  return jobs.sort((x, y) => y.begun.localeCompare(x.begun));
}

/** The tasks of a job, or of one of its submissions. */
export async function readTasks(path: string): Promise<Task[]> {
  return JSON.parse(await readFile(join(path, "tasks.json"), "utf8")) as Task[];
}

/** The numbers of a job's submissions, ascending. */
export async function submissionsOf(path: string): Promise<number[]> {
  const names = await readdir(path).catch(() => []);
  return names
    .flatMap((name) => /^submit-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

export const submissionPath = (path: string, number: number): string => join(path, `submit-${number}`);

export async function readStages(path: string, submission: number): Promise<Stage[]> {
  const text = await readFile(join(submissionPath(path, submission), "stages.json"), "utf8").catch(() => "[]");
  return JSON.parse(text) as Stage[];
}

/** The log of a stage's bundle. */
export const logPath = (path: string, submission: number, stage: number, bundle: number): string =>
  join(submissionPath(path, submission), `${stage}-${bundle}.log`);

/** The log of the process that did a task last: where it is and what it says at its end; undefined when it did not begin. */
export async function lastLog(path: string, key: string): Promise<{ text: string; log: string } | undefined> {
  for (const submission of (await submissionsOf(path)).reverse()) {
    const stages = await readStages(path, submission);
    for (const [i, { bundles }] of stages.entries()) {
      const bundle = bundles.findIndex((keys) => keys.includes(key));
      if (bundle < 0) continue;
      const log = logPath(path, submission, i, bundle);
      const text = await readFile(log, "utf8").catch(() => undefined);
      if (text !== undefined) return { text: lastWordsOn(text, key), log };
    }
  }
  return undefined;
}

/** What a task said when it failed stands after its key; else the log's last line, which may be Slurm's. */
function lastWordsOn(text: string, key: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const own = lines.filter((line) => line.startsWith(`${key}: `)).at(-1);
  return own?.slice(key.length + 2) ?? lines.at(-1)?.trim() ?? "it left no result and said nothing";
}
