// A job's folder, RUNS/jobs/ID: the command, the units, and the scripts and logs of each submission. Another process
// needs nothing else to show, resume or cancel the job.
import { existsSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { parseJson, UserError, writeAtomic } from "../core/index.ts";
import type { Stage } from "./bundles.ts";
import type { Unit } from "./unit.ts";

const schema = "layerwise/job@2";

const jobShape = z.object({
  schema: z.literal(schema),
  id: z.string(),
  /** The command's arguments, and the folder where it was typed. */
  command: z.array(z.string()),
  cwd: z.string(),
  /** Time of the first submission, ISO 8601. */
  started: z.string(),
  /** The cluster's settings as environment variables. */
  environment: z.record(z.string(), z.string()),
});

/** Jobs of layerwise 0.4 and earlier call the time of the first submission `begun`. */
const legacyJobShape = jobShape
  .omit({ started: true })
  .extend({ schema: z.literal("layerwise/job@1"), begun: z.string() })
  .transform(({ begun, ...job }) => ({ ...job, schema, started: begun }) as const);

const jobSchema = z.union([jobShape, legacyJobShape]);

export type Job = Omit<z.infer<typeof jobShape>, "schema"> & { readonly path: string };

export const jobPath = (runs: string, id: string): string => resolve(runs, "jobs", id);

/** Writes the job's files. A job that exists keeps its start time; it is no longer finished or cancelled. */
export async function writeJob({ path, ...job }: Job, units: readonly Unit[]): Promise<void> {
  for (const mark of ["finished", "cancelled"]) await rm(join(path, mark), { force: true });
  const { started } = existsSync(join(path, "job.json")) ? await readJob(path) : job;
  await writeUnits(path, units);
  await writeAtomic(join(path, "job.json"), `${JSON.stringify({ schema, ...job, started }, null, 1)}\n`);
}

export const markCancelled = ({ path }: Pick<Job, "path">): Promise<void> => writeAtomic(join(path, "cancelled"), "");

export const isCancelled = ({ path }: Pick<Job, "path">): boolean => existsSync(join(path, "cancelled"));

/** Marks that all results were made and used; the units' own files may be deleted since. */
export const finishJob = ({ path }: Pick<Job, "path">): Promise<void> => writeAtomic(join(path, "finished"), "");

export const isFinished = ({ path }: Pick<Job, "path">): boolean => existsSync(join(path, "finished"));

export async function readJob(path: string): Promise<Job> {
  const file = join(path, "job.json");
  const text = await readFile(file, "utf8").catch(() => undefined);
  const parsed = text === undefined ? undefined : jobSchema.safeParse(parseJson(text, file));
  if (!parsed?.success)
    throw new UserError(
      `${path} is not a job folder. List jobs with \`layerwise jobs\`, or choose another runs folder with --runs.`,
    );
  const { schema: _, ...job } = parsed.data;
  return { ...job, path };
}

/** The jobs in a folder of runs, the latest first. */
export async function listJobs(runs: string): Promise<Job[]> {
  const names = await readdir(join(runs, "jobs")).catch(() => []);
  const paths = names.map((id) => jobPath(runs, id)).filter((path) => existsSync(join(path, "job.json")));
  const jobs = await Promise.all(paths.map(readJob));
  return jobs.sort((x, y) => y.started.localeCompare(x.started));
}

/** The file of a folder's units; layerwise 0.4 and earlier called it tasks.json. */
const [unitsFile, legacyUnitsFile] = ["units.json", "tasks.json"];

/** Reads the units of a job, or of one of its submissions. */
export async function readUnits(folder: string): Promise<Unit[]> {
  const file = [unitsFile, legacyUnitsFile].map((name) => join(folder, name)).find(existsSync);
  if (file === undefined)
    throw new UserError(`${folder} has no ${unitsFile}. Rerun the command of the job to write it again.`);
  return parseJson(await readFile(file, "utf8"), file) as Unit[];
}

/** Writes the units of a job, or of one of its submissions. */
export async function writeUnits(folder: string, units: readonly Unit[]): Promise<void> {
  await writeAtomic(join(folder, unitsFile), `${JSON.stringify(units, null, 1)}\n`);
  await rm(join(folder, legacyUnitsFile), { force: true });
}

/** Lists the numbers of a job's submissions, ascending. */
export async function listSubmissions(path: string): Promise<number[]> {
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

/** The log file of a bundle. */
export const logPath = (path: string, submission: number, stage: number, bundle: number): string =>
  join(submissionPath(path, submission), `${stage}-${bundle}.log`);

/** Reads the log of the process that ran a unit last: its file, and what it ends with; undefined if none started. */
export async function readLastLog(path: string, key: string): Promise<{ text: string; log: string } | undefined> {
  for (const submission of (await listSubmissions(path)).reverse()) {
    const stages = await readStages(path, submission);
    for (const [i, { bundles }] of stages.entries()) {
      const bundle = bundles.findIndex((keys) => keys.includes(key));
      if (bundle < 0) continue;
      const log = logPath(path, submission, i, bundle);
      const text = await readFile(log, "utf8").catch(() => undefined);
      if (text !== undefined) return { text: findLastLine(text, key), log };
    }
  }
  return undefined;
}

/**
 * The last line that starts with the unit's key, without the key; otherwise the log's last line, which may be Slurm's.
 */
function findLastLine(text: string, key: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const own = lines.filter((line) => line.startsWith(`${key}: `)).at(-1);
  return own?.slice(key.length + 2) ?? lines.at(-1)?.trim() ?? "it left no result and printed nothing";
}
