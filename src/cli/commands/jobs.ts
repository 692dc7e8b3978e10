// layerwise jobs: lists, shows, resumes and cancels jobs on a cluster. Result files show what is done, the queue what
// is running or waiting.
import { spawnSync } from "node:child_process";
import { Command } from "@commander-js/extra-typings";
import type { Job, JobDocument, JobsDocument, Unit, UnitState } from "../../jobs/index.ts";
import { example } from "../options/values.ts";

const runs = ["--runs <dir>", "the runs folder of the job's command", "runs"] as const;
const json = ["--json", "print one JSON document"] as const;
const id = ["<id>", "the job's id, as `layerwise jobs` lists it"] as const;

export const jobsCommand = () =>
  new Command("jobs")
    .description("list, show, resume and cancel jobs on a cluster")
    .helpCommand("help [command]", "show the help of a command")
    .addHelpText("before", example("layerwise jobs", "layerwise jobs show fig02-3fa1c"))
    .addCommand(
      new Command("list")
        .description("list all jobs with their progress (`layerwise jobs` does this too)")
        .option(...runs)
        .option(...json)
        .action(list),
      { isDefault: true },
    )
    .addCommand(
      new Command("show")
        .description("show the state of each unit of a job; for failed ones also the last output and the log file")
        .argument(...id)
        .option(...runs)
        .option(...json)
        .action(show),
    )
    .addCommand(
      new Command("attach")
        .description("resume the command of a job: wait, retry what failed, write the report")
        .argument(...id)
        .option(...runs)
        .action(attach),
    )
    .addCommand(
      new Command("cancel")
        .description("cancel all processes of a job; results stay, and the same command resumes it")
        .argument(...id)
        .option(...runs)
        .action(cancel),
    );

async function readStates(job: Job): Promise<UnitState[]> {
  const { findMissing, findQueuedUnits, isFinished, readLastLog, readUnits } = await import("../../jobs/index.ts");
  const units: Unit[] = await readUnits(job.path);
  if (isFinished(job)) return units.map(({ key }) => ({ key, state: "done" }));
  const missing = new Set(findMissing(units).map(({ key }) => key));
  const queued = await findQueuedUnits(job);
  return Promise.all(
    units.map(async ({ key }): Promise<UnitState> => {
      if (!missing.has(key)) return { key, state: "done" };
      const last = await readLastLog(job.path, key);
      const state = queued.get(key) ?? (last ? "failed" : "not started");
      return { key, state, said: last?.text, log: last?.log };
    }),
  );
}

/** `12 of 20 units done, 3 running, 5 waiting`. */
function summarise(units: readonly UnitState[]): string {
  const count = (state: UnitState["state"]) => units.filter((unit) => unit.state === state).length;
  const others = (["running", "waiting", "failed", "not started"] as const).flatMap((state) =>
    count(state) ? [`${count(state)} ${state}`] : [],
  );
  return [`${count("done")} of ${units.length} units done`, ...others].join(", ");
}

const print = (document: JobsDocument | JobDocument) => console.log(JSON.stringify(document, null, 1));

async function list(options: { runs: string; json?: true }): Promise<void> {
  const { listJobs } = await import("../../jobs/index.ts");
  const jobs = await listJobs(options.runs);
  const rows = await Promise.all(jobs.map(async (job) => ({ job, units: await readStates(job) })));
  if (options.json) {
    const all = rows.map(({ job: { id, command, started }, units }) => ({ id, command, started, units }));
    return print({ schema: "layerwise/jobs@2", jobs: all });
  }
  if (rows.length === 0)
    return console.log(`No jobs in ${options.runs}. Commands with --engine slurm submit jobs to a cluster.`);
  for (const { job, units } of rows) {
    console.log(`${job.id}  ${summarise(units)}`);
    console.log(`  started ${job.started.slice(0, 16).replace("T", " ")} UTC: layerwise ${job.command.join(" ")}`);
  }
}

async function show(id: string, options: { runs: string; json?: true }): Promise<void> {
  const { jobPath, readJob } = await import("../../jobs/index.ts");
  const units = await readStates(await readJob(jobPath(options.runs, id)));
  if (options.json) return print({ schema: "layerwise/job@2", id, units });
  console.log(`${id}  ${summarise(units)}`);
  for (const { key, state, said, log } of units) {
    console.log(`  ${state.padEnd(11)} ${key}`);
    if (state !== "failed" && state !== "running") continue;
    if (said) console.log(`              ${said}`);
    if (log) console.log(`              log: ${log}`);
  }
}

async function attach(id: string, options: { runs: string }): Promise<void> {
  const { jobPath, readJob } = await import("../../jobs/index.ts");
  const { command, cwd, environment } = await readJob(jobPath(options.runs, id));
  console.error(`layerwise ${command.join(" ")}`);
  const { status } = spawnSync(process.execPath, [process.argv[1], ...command], {
    cwd,
    stdio: "inherit",
    env: { ...process.env, ...environment },
  });
  process.exitCode = status ?? 1;
}

async function cancel(id: string, options: { runs: string }): Promise<void> {
  const { cancelJob, jobPath, readJob } = await import("../../jobs/index.ts");
  const count = await cancelJob(await readJob(jobPath(options.runs, id)));
  const processes = count === 1 ? "process" : "processes";
  console.log(count ? `Cancelled ${count} ${processes} of ${id}.` : `Job ${id} has no processes in the queue.`);
}
