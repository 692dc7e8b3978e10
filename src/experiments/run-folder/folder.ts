// A run's folder, runs/NAME-HASH: recipe, log, checkpoints, measurements, report. One process at a time uses it.
import { existsSync, readdirSync } from "node:fs";
import { readFile, rm, rmdir } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import {
  describeFileError,
  makeFolder,
  parseJson,
  removeUnfinished,
  takeLock,
  UserError,
  writeAtomic,
} from "../../core/index.ts";
import { type Recipe, recipeHash } from "../recipe/index.ts";

/** The names of a recipe's networks and of their folders; the first two are the measured pair. */
export const networkNames = ({ federated }: Recipe): string[] =>
  federated ? Array.from({ length: federated.clients }, (_, i) => `client-${i}`) : ["a", "b"];

export interface RunFolder {
  readonly path: string;
  readonly hash: string;
  /** The name and the start of the hash, for progress. */
  readonly label: string;
  readonly recipe: Recipe;
  /**
   * Returns the value that was stored when the run started, such as the number of threads, or stores this one: a
   * resumed run must use the same.
   */
  remember<T extends number | string>(choice: string, value: T): Promise<T>;
  /** Keeps the folder in any case, because other processes use it. */
  keep(): void;
  /** Releases the folder; removes it if nothing was finished. */
  close(options?: { failed: boolean }): Promise<void>;
}

/** The folder of a run: an existing one with the same hash, under any name, or a new one. */
export function runPath(recipe: Recipe, runs: string): string {
  const hash = recipeHash(recipe);
  const own = `${recipe.name}-${hash}`;
  const there = namesIn(runs).filter((name) => name.endsWith(`-${hash}`));
  return join(runs, there.includes(own) ? own : (there[0] ?? own));
}

function namesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    throw describeFileError(error, folder, "write");
  }
}

/** Describes a run folder without creating or locking it. */
export function previewRunFolder(recipe: Recipe, runs: string): RunFolder {
  const path = runPath(recipe, runs);
  const hash = recipeHash(recipe);
  return {
    path,
    hash,
    label: `${recipe.name}-${hash.slice(0, 3)}`,
    recipe,
    remember: async <T extends number | string>(choice: string, value: T) =>
      ((await choicesOf(path))[choice] as T | undefined) || value,
    keep() {},
    async close() {},
  };
}

/** Opens or creates a recipe's run folder. Throws {@link UserError} if another process uses it. */
export async function openRunFolder(recipe: Recipe, runs: string): Promise<RunFolder> {
  const path = runPath(recipe, runs);
  const made = await makeFolder(path).catch((error) => {
    throw describeFileError(error, path, "write");
  });
  const lock = await takeLock(join(path, ".lock"));
  if ("owner" in lock) {
    const { pid, host } = lock.owner;
    const where = host === hostname() ? "" : ` on ${host}`;
    throw new UserError(`Process ${pid}${where} is using ${path}. Wait until it has finished, or stop it.`);
  }
  try {
    await removeUnfinished(path);
    await writeAtomic(join(path, "recipe.yaml"), stringify(recipe));
  } catch (error) {
    await lock.release();
    throw error;
  }
  let isKept = false;
  return {
    ...previewRunFolder(recipe, runs),
    keep() {
      isKept = true;
    },
    async remember<T extends number | string>(choice: string, value: T) {
      const known = await choicesOf(path);
      if (known[choice]) return known[choice] as T;
      await writeAtomic(join(path, "machine.json"), `${JSON.stringify({ ...known, [choice]: value })}\n`);
      return value;
    },
    async close({ failed } = { failed: false }) {
      // keep a folder with a trained epoch, with processes on a cluster, or that existed before
      const goes = failed && !isKept && made && !existsSync(join(path, "log.ndjson"));
      if (goes) await rm(path, { recursive: true, force: true });
      await lock.release();
      if (goes && made !== path) await rmdir(dirname(path)).catch(() => {}); // only if empty
    },
  };
}

async function choicesOf(path: string): Promise<Record<string, number | string>> {
  const file = join(path, "machine.json");
  const text = await readFile(file, "utf8").catch(() => "{}");
  return parseJson(text, file) as Record<string, number | string>;
}
