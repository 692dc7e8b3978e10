// layerwise jobs: what a cluster is doing for us, and what it has done. The results tell what is done; the queue tells what is on its way.
import { spawnSync } from "node:child_process";
import { Command } from "@commander-js/extra-typings";
import type { Job, Task } from "../../jobs/index.ts";
import { example } from "../options/values.ts";

const runs = ["--runs <dir>", "folder of the run folders", "runs"] as const;

export const jobsCommand = () =>
  new Command("jobs")
    .description("the work that was handed to a cluster: list it, look at it, attach to it, cancel it")
    .addHelpText("before", example("layerwise jobs\n  layerwise jobs show fig02-3fa1c"))
    .addCommand(
      new Command("list")
        .description("all jobs: what is done, what is on its way (this is what `layerwise jobs` does)")
        .option(...runs)
        .option("--json", "print one JSON document on standard output")
        .action(list),
      { isDefault: true },
    )
    .addCommand(
      new Command("show")
        .description("each task of a job: done, running, waiting or failed, what it said last, and where its log is")
        .argument("<id>")
        .option(...runs)
        .option("--json", "print one JSON document on standard output")
        .action(show),
    )
    .addCommand(
      new Command("attach")
        .description(
          "go on with a job as if its command had not been interrupted: wait, try again what failed, write the report",
        )
        .argument("<id>")
        .option(...runs)
        .action(attach),
    )
    .addCommand(
      new Command("cancel")
        .description(
          "take all of a job out of the queue; what is done stays, and the command goes on from there when it is run again",
        )
        .argument("<id>")
        .option(...runs)
        .action(cancel),
    );

type State = "done" | "running" | "waiting" | "failed" | "not begun";

interface TaskState {
  readonly key: string;
  readonly state: State;
  readonly said?: string;
  readonly log?: string;
}

async function statesOf(job: Job): Promise<TaskState[]> {
  const { isFinished, lastLog, missingOf, queuedTasks, readTasks } = await import("../../jobs/index.ts");
  const tasks: Task[] = await readTasks(job.path);
  if (isFinished(job)) return tasks.map(({ key }) => ({ key, state: "done" }));
  const missing = new Set(missingOf(tasks).map(({ key }) => key));
  const queued = await queuedTasks(job);
  return Promise.all(
    tasks.map(async ({ key }): Promise<TaskState> => {
      if (!missing.has(key)) return { key, state: "done" };
      const said = await lastLog(job.path, key);
      const state = queued.get(key) ?? (said ? "failed" : "not begun");
      return { key, state, said: said?.text, log: said?.log };
    }),
  );
}

async function list(options: { runs: string; json?: true }): Promise<void> {
  const { listJobs } = await import("../../jobs/index.ts");
  const jobs = await listJobs(options.runs);
  const rows = await Promise.all(jobs.map(async (job) => ({ job, states: await statesOf(job) })));
  const count = (states: readonly TaskState[], state: State) => states.filter((one) => one.state === state).length;
  if (options.json) {
    const all = rows.map(({ job, states }) => ({ id: job.id, command: job.command, begun: job.begun, tasks: states }));
    return console.log(JSON.stringify({ schema: "layerwise/jobs@1", jobs: all }, null, 1));
  }
  if (rows.length === 0)
    return console.log(`No work in ${options.runs} was handed to a cluster. --engine slurm does that.`);
  for (const { job, states } of rows) {
    const parts = (["running", "waiting", "failed", "not begun"] as const).flatMap((state) =>
      count(states, state) ? [`${count(states, state)} ${state}`] : [],
    );
    console.log(`${job.id}  ${[`${count(states, "done")} of ${states.length} tasks done`, ...parts].join(", ")}`);
    console.log(`  begun ${job.begun.slice(0, 16).replace("T", " ")}: layerwise ${job.command.join(" ")}`);
  }
}

async function show(id: string, options: { runs: string; json?: true }): Promise<void> {
  const { jobPath, readJob } = await import("../../jobs/index.ts");
  const job = await readJob(jobPath(options.runs, id));
  const states = await statesOf(job);
  if (options.json) return console.log(JSON.stringify({ schema: "layerwise/job@1", id, tasks: states }, null, 1));
  for (const { key, state, said, log } of states) {
    console.log(`${state.padEnd(9)} ${key}`);
    if (state === "failed" || state === "running")
      console.log(`          ${said ?? ""}\n          ${log ?? ""}`.trimEnd());
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
  console.log(count ? `${count} processes of ${id} were taken out of the queue.` : `Nothing of ${id} is in the queue.`);
}
