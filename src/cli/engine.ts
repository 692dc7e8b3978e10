// Carrying tasks out where it was chosen (settings.ts): by processes here, or by a job on a cluster, which a later command finds again.
import { existsSync } from "node:fs";
import { rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder, projectRoot, takeLock, UserError } from "../core/index.ts";
import type { Task } from "../jobs/index.ts";
import { onInterrupt } from "./interrupt.ts";
import type { Progress } from "./progress.ts";
import type { EngineChoice } from "./settings.ts";

/** The command that runs a bundle of a job. */
const runner = [process.execPath, join(projectRoot, "dist/cli/main.js"), "task"];

export interface Job {
  /** Names it; the same for the same work. */
  readonly id: string;
  readonly runs: string;
  readonly tasks: readonly Task[];
  readonly onMessage: (key: string, message: unknown) => void;
  /** Called now and then, when some of them may be done. */
  readonly onLook?: () => void;
}

/** Carries the tasks out where it was chosen. */
export async function carryOutTasks(
  { id, runs, tasks, onMessage, onLook }: Job,
  choice: EngineChoice,
  progress: Progress,
): Promise<void> {
  const { LocalEngine, missingOf, reconcile } = await import("../jobs/index.ts");
  if (choice.name === "slurm") return carryOutOnCluster({ id, runs, tasks, onMessage, onLook }, choice, progress);
  if (missingOf(tasks).length === 0) return;
  const { freemem } = await import("node:os");
  await reconcile(tasks, new LocalEngine({ cpus: choice.cores!, memoryMb: freemem() / 2 ** 20, onMessage }), onLook);
}

async function carryOutOnCluster(
  { id, runs, tasks, onLook }: Job,
  choice: EngineChoice,
  progress: Progress,
): Promise<void> {
  const { finishJob, jobPath, missingOf, reconcile, SlurmEngine, submissionsOf, writeJob } = await import(
    "../jobs/index.ts"
  );
  const { environmentOf } = await import("./settings-given.ts");
  const path = jobPath(runs, id);
  const job = {
    id,
    path,
    command: process.argv.slice(2),
    cwd: process.cwd(),
    begun: new Date().toISOString(),
    environment: environmentOf({ ...choice, engine: choice.name, cpusPerTask: choice.cpus(1) }),
  };
  if (missingOf(tasks).length === 0) return existsSync(path) ? finishJob(job) : undefined;
  const made = await makeFolder(path);
  const lock = await takeLock(join(path, ".lock"));
  if ("owner" in lock)
    throw new UserError(
      `Process ${lock.owner.pid} on ${lock.owner.host} attends to the job ${id} already; wait for it, or stop it.`,
    );
  onInterrupt(
    `The cluster goes on with it: \`layerwise jobs attach ${id}\` looks again, \`layerwise jobs cancel ${id}\` stops it.`,
  );
  try {
    await writeJob(job, tasks);
    await reconcile(tasks, new SlurmEngine(job, { ...choice, runner }), ({ done, total, running, waiting }) => {
      onLook?.();
      const state = running === undefined ? "no answer" : `${running} running, ${waiting} waiting`;
      progress.update(`job ${id}`, done, total, state);
    });
    await finishJob(job);
  } finally {
    await lock.release();
    if (made && (await submissionsOf(path)).length === 0) {
      await rm(path, { recursive: true, force: true });
      for (const folder of [dirname(path), runs]) await rmdir(folder).catch(() => {}); // where they are empty
    }
  }
}

/** What would be submitted: each stage with its script; on one machine there is nothing to submit. */
export async function previewTasks({ id, runs, tasks }: Omit<Job, "onMessage">, choice: EngineChoice): Promise<string> {
  const { jobPath, missingOf, scriptOf, stagesOf } = await import("../jobs/index.ts");
  if (choice.name === "local") return "";
  const job = { id, path: jobPath(runs, id), command: [], cwd: process.cwd(), begun: "", environment: {} };
  const stages = stagesOf(missingOf(tasks));
  const lines = stages.map(
    ({ group, after, bundles }, i) =>
      `  ${i}  ${group}: ${bundles.flat().length} tasks in ${bundles.length} processes${after.length ? `, after ${after.join(", ")}` : ""}`,
  );
  const scripts = stages.map((stage, i) => scriptOf(job, 1, i, stage, { ...choice, runner }));
  return `\nThe job ${id}, array by array:\n${lines.join("\n")}\n\n${scripts.join("\n")}`;
}
