// Runs units on the chosen engine: as processes on this machine, or as a job on a cluster, which a later call with the
// same id resumes.
import { existsSync } from "node:fs";
import { rm, rmdir } from "node:fs/promises";
import { freemem } from "node:os";
import { dirname, join } from "node:path";
import { makeFolder, projectRoot, takeLock, UserError } from "../core/index.ts";
import { countUnits, planStages } from "./bundles.ts";
import type { EngineChoice } from "./choice.ts";
import { finishJob, type Job, jobPath, listSubmissions, writeJob } from "./folder.ts";
import { LocalEngine } from "./local.ts";
import { reconcile } from "./reconcile.ts";
import { formatScript, SlurmEngine } from "./slurm.ts";
import { findMissing, type Unit } from "./unit.ts";

/** The hidden command that runs a bundle of a job. */
const runner = [process.execPath, join(projectRoot, "dist/cli/main.js"), "unit"];

export interface JobRequest {
  /** Equal for equal units, so that the same command finds its job again. */
  readonly id: string;
  /** The runs folder: the job's folder is in its `jobs`. */
  readonly runs: string;
  readonly units: readonly Unit[];
}

export interface Callbacks {
  /** Called with the progress of a named activity: `done` of `total`, and a note such as the last loss. */
  readonly onProgress?: (name: string, done: number, total: number, note?: string) => void;
  /** Called before the units are submitted to a cluster: from then on they run without this process. */
  readonly onSubmit?: (id: string) => void;
  /** The command's arguments and its settings as environment variables, for `layerwise jobs attach`. */
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

interface UnitCallbacks extends Callbacks {
  readonly onMessage?: (key: string, message: unknown) => void;
  /** Called whenever the engine reports its status, as units may be done. */
  readonly onStatus?: () => void;
}

export async function runUnits(
  request: JobRequest,
  engine: EngineChoice,
  callbacks: UnitCallbacks = {},
): Promise<void> {
  if (engine.name === "slurm") return runOnCluster(request, engine, callbacks);
  const { onMessage, onStatus } = callbacks;
  if (findMissing(request.units).length === 0) return;
  const local = new LocalEngine({ cpus: engine.cores!, memoryMb: freemem() / 2 ** 20, onMessage });
  await reconcile(request.units, local, onStatus);
}

async function runOnCluster(
  { id, runs, units }: JobRequest,
  engine: EngineChoice,
  { onStatus, onProgress, onSubmit, command = [], environment = {} }: UnitCallbacks,
): Promise<void> {
  const path = jobPath(runs, id);
  const job: Job = {
    id,
    path,
    command: [...command],
    cwd: process.cwd(),
    started: new Date().toISOString(),
    environment: { ...environment },
  };
  if (findMissing(units).length === 0) return existsSync(path) ? finishJob(job) : undefined;
  const made = await makeFolder(path);
  const lock = await takeLock(join(path, ".lock"));
  if ("owner" in lock)
    throw new UserError(
      `Process ${lock.owner.pid} on ${lock.owner.host} is already waiting for job ${id}. Let it finish, or stop it first.`,
    );
  onSubmit?.(id);
  try {
    await writeJob(job, units);
    await reconcile(units, new SlurmEngine(job, { ...engine, runner }), ({ done, total, running, waiting }) => {
      onStatus?.();
      const state = running === undefined ? "Slurm does not answer" : `${running} running, ${waiting} waiting`;
      onProgress?.(`job ${id}`, done, total, state);
    });
    await finishJob(job);
  } finally {
    await lock.release();
    if (made && (await listSubmissions(path)).length === 0) {
      await rm(path, { recursive: true, force: true });
      for (const folder of [dirname(path), runs]) await rmdir(folder).catch(() => {}); // only if empty
    }
  }
}

/** Describes what would be submitted: each stage with its script. Empty for the local engine. */
export function previewJob({ id, runs, units }: JobRequest, engine: EngineChoice): string {
  if (engine.name === "local") return "";
  const job = { id, path: jobPath(runs, id), command: [], cwd: process.cwd(), started: "", environment: {} };
  const stages = planStages(findMissing(units));
  const lines = stages.map(
    (stage, i) =>
      `  ${i}  ${stage.group}: ${countUnits(stage)}${stage.after.length ? `, after ${stage.after.join(", ")}` : ""}`,
  );
  const scripts = stages.map((stage, i) => formatScript(job, 1, i, stage, { ...engine, runner }));
  return `\nJob ${id}, array by array:\n${lines.join("\n")}\n\n${scripts.join("\n")}`;
}
