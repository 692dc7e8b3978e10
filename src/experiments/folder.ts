// A run's folder, runs/NAME-HASH: the recipe, the log, the networks' checkpoints, the measurements, the report. One process works in it at a time.
import { existsSync, readdirSync } from "node:fs";
import { open, readdir, readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { stringify } from "yaml";
import { describeFileError, makeFolder, UserError, writeAtomic } from "../core/index.ts";
import { type Recipe, recipeHash } from "./recipe.ts";

/** The networks of a recipe, and their folders' names; the first two are the pair that is measured. */
export const networkNames = ({ federated }: Recipe): string[] =>
  federated ? Array.from({ length: federated.clients }, (_, i) => `client-${i}`) : ["a", "b"];

export interface RunFolder {
  readonly path: string;
  readonly hash: string;
  /** Its name and the hash's beginning, for progress. */
  readonly label: string;
  readonly recipe: Recipe;
  /** Lets the next process in; when nothing was finished the folder goes with it. */
  close(options?: { failed: boolean }): Promise<void>;
}

/** The folder of a recipe's networks: one that is there for the same hash, under whatever name, or a new one. */
export function runPath(recipe: Recipe, runs: string): string {
  const hash = recipeHash(recipe);
  const own = `${recipe.name}-${hash}`;
  const there = existsSync(runs)
    ? readdirSync(runs)
        .sort()
        .filter((name) => name.endsWith(`-${hash}`))
    : [];
  return join(runs, there.includes(own) ? own : (there[0] ?? own));
}

/** Opens the folder of a recipe, making it when it is new. Throws {@link UserError} when another process is working in it. */
export async function openRunFolder(recipe: Recipe, runs: string): Promise<RunFolder> {
  const path = runPath(recipe, runs);
  await makeFolder(path).catch((error) => {
    throw describeFileError(error, path, "write");
  });
  const unlock = await lock(path);
  try {
    await removeUnfinished(path);
    await writeAtomic(join(path, "recipe.yaml"), stringify(recipe));
  } catch (error) {
    await unlock();
    throw error;
  }
  return {
    path,
    hash: recipeHash(recipe),
    label: `${recipe.name}-${recipeHash(recipe).slice(0, 3)}`,
    recipe,
    async close({ failed } = { failed: false }) {
      const isEmpty = !existsSync(join(path, "log.ndjson"));
      await (failed && isEmpty ? rm(path, { recursive: true, force: true }) : unlock());
    },
  };
}

/** A choice that the machine made: written into the run at first and used again on resuming, so that no half of a run differs. */
export async function remembered(run: RunFolder, choice: string, value: number): Promise<number> {
  const path = join(run.path, "machine.json");
  const text = await readFile(path, "utf8").catch(() => undefined);
  const known = text ? (JSON.parse(text) as Record<string, number>) : {};
  if (known[choice] !== undefined) return known[choice];
  await writeAtomic(path, `${JSON.stringify({ ...known, [choice]: value })}\n`);
  return value;
}

/** Removes what a killed process was writing (core's writeAtomic names it `.NAME.….part`). */
export async function removeUnfinished(folder: string, recursive = true): Promise<void> {
  for (const file of await readdir(folder, { recursive }).catch(() => [])) {
    if (/^\..*\.part$/.test(basename(file))) await rm(join(folder, file), { force: true });
  }
}

interface Owner {
  readonly pid: number;
  readonly host: string;
}

/** Takes the lock file; one left behind by a process that is gone is taken over. */
async function lock(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, ".lock");
  const mine: Owner = { pid: process.pid, host: hostname() };
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const handle = await open(path, "wx");
      await handle.writeFile(JSON.stringify(mine));
      await handle.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw describeFileError(error, path, "write");
      const owner = await readOwner(path);
      if (owner && isAlive(owner)) {
        const where = owner.host === hostname() ? "" : ` on ${owner.host}`;
        throw new UserError(
          `Process ${owner.pid}${where} is working in ${folder}; wait until it has finished, or stop it first.`,
        );
      }
      await rm(path, { force: true });
    }
  }
  throw new UserError(`Another process keeps taking ${folder}; wait until it has finished.`);
}

async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Owner;
  } catch {
    return undefined; // gone, or cut while it was written
  }
}

function isAlive({ pid, host }: Owner): boolean {
  if (host !== hostname()) return true; // cannot be asked from here
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
