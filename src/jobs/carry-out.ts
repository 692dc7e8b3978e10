// Carrying tasks out where it was chosen: by processes here, or by a job on a cluster, which a later call with the same
// id finds again.
import { existsSync } from "node:fs";
import { rm, rmdir } from "node:fs/promises";
import { freemem } from "node:os";
import { dirname, join } from "node:path";
import { makeFolder, projectRoot, takeLock, UserError } from "../core/index.ts";
import { stagesOf } from "./bundles.ts";
import type { EngineChoice } from "./choice.ts";
import { finishJob, type Job, jobPath, submissionsOf, writeJob } from "./folder.ts";
import { LocalEngine } from "./local.ts";
import { reconcile } from "./reconcile.ts";
import { SlurmEngine, scriptOf } from "./slurm.ts";
import { missingOf, type Task } from "./task.ts";

/** The command that runs a bundle of a job. */
const runner = [process.execPath, join(projectRoot, "dist/cli/main.js"), "task"];

export interface Undertaking {
  /** Names it; the same for the same work. */
  readonly id: string;
  /** Where the cluster's jobs have their folders. */
  readonly runs: string;
  readonly tasks: readonly Task[];
}

export interface Callbacks {
  /** How far something is: `done` of `total` units, and what there is to say about it. */
  readonly onProgress?: (name: string, done: number, total: number, note?: string) => void;
  /** Called when a cluster takes the work over: it goes on without this process, and a later call finds it. */
  readonly onHandedOver?: (id: string) => void;
  /** The arguments of the command and the settings of the environment that are its, for `layerwise jobs attach`. */
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

interface Inner extends Callbacks {
  readonly onMessage?: (key: string, message: unknown) => void;
  /** Called now and then, when some of the tasks may be done. */
  readonly onLook?: () => void;
}

export async function carryOut(work: Undertaking, engine: EngineChoice, callbacks: Inner = {}): Promise<void> {
  if (engine.name === "slurm") return carryOutOnCluster(work, engine, callbacks);
  const { onMessage, onLook } = callbacks;
  if (missingOf(work.tasks).length === 0) return;
  const local = new LocalEngine({ cpus: engine.cores!, memoryMb: freemem() / 2 ** 20, onMessage });
  await reconcile(work.tasks, local, onLook);
}

async function carryOutOnCluster(
  { id, runs, tasks }: Undertaking,
  engine: EngineChoice,
  { onLook, onProgress, onHandedOver, command = [], environment = {} }: Inner,
): Promise<void> {
  const path = jobPath(runs, id);
  const job: Job = {
    id,
    path,
    command: [...command],
    cwd: process.cwd(),
    begun: new Date().toISOString(),
    environment: { ...environment },
  };
  if (missingOf(tasks).length === 0) return existsSync(path) ? finishJob(job) : undefined;
  const made = await makeFolder(path);
  const lock = await takeLock(join(path, ".lock"));
  if ("owner" in lock)
    throw new UserError(
      `Process ${lock.owner.pid} on ${lock.owner.host} attends to the job ${id} already; wait for it, or stop it.`,
    );
  onHandedOver?.(id);
  try {
    await writeJob(job, tasks);
    await reconcile(tasks, new SlurmEngine(job, { ...engine, runner }), ({ done, total, running, waiting }) => {
      onLook?.();
      const state = running === undefined ? "no answer" : `${running} running, ${waiting} waiting`;
      onProgress?.(`job ${id}`, done, total, state);
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
export function previewJob({ id, runs, tasks }: Undertaking, engine: EngineChoice): string {
  if (engine.name === "local") return "";
  const job = { id, path: jobPath(runs, id), command: [], cwd: process.cwd(), begun: "", environment: {} };
  const stages = stagesOf(missingOf(tasks));
  const lines = stages.map(
    ({ group, after, bundles }, i) =>
      `  ${i}  ${group}: ${bundles.flat().length} tasks in ${bundles.length} processes${after.length ? `, after ${after.join(", ")}` : ""}`,
  );
  const scripts = stages.map((stage, i) => scriptOf(job, 1, i, stage, { ...engine, runner }));
  return `\nThe job ${id}, array by array:\n${lines.join("\n")}\n\n${scripts.join("\n")}`;
}
