// A run's folder, runs/NAME-HASH: the recipe, the log, the networks' checkpoints, the measurements, the report. One process works in it at a time.
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

/** The networks of a recipe, and their folders' names; the first two are the pair that is measured. */
export const networkNames = ({ federated }: Recipe): string[] =>
  federated ? Array.from({ length: federated.clients }, (_, i) => `client-${i}`) : ["a", "b"];

export interface RunFolder {
  readonly path: string;
  readonly hash: string;
  /** Its name and the hash's beginning, for progress. */
  readonly label: string;
  readonly recipe: Recipe;
  /**
   * What was found when the run began, such as the machine's number of threads: kept with the run and told again on resuming, so that no half of a run differs.
   */
  remember<T extends number | string>(choice: string, value: T): Promise<T>;
  /** Says that others work in the folder now: it stays, whatever happens. */
  keep(): void;
  /** Lets the next process in; when nothing was finished the folder goes with it. */
  close(options?: { failed: boolean }): Promise<void>;
}

/** The folder of a recipe's networks: one that is there for the same hash, under whatever name, or a new one. */
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

/** The folder of a recipe as it would be opened, for looking at only: nothing is made and nothing is kept. */
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

/** Opens the folder of a recipe, making it when it is new. Throws {@link UserError} when another process is working in it. */
export async function openRunFolder(recipe: Recipe, runs: string): Promise<RunFolder> {
  const path = runPath(recipe, runs);
  const made = await makeFolder(path).catch((error) => {
    throw describeFileError(error, path, "write");
  });
  const lock = await takeLock(join(path, ".lock"));
  if ("owner" in lock) {
    const { pid, host } = lock.owner;
    const where = host === hostname() ? "" : ` on ${host}`;
    throw new UserError(`Process ${pid}${where} is working in ${path}; wait until it has finished, or stop it first.`);
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
      // where an epoch was trained, where others work (on a cluster) or what was there before stays
      const goes = failed && !isKept && made && !existsSync(join(path, "log.ndjson"));
      if (goes) await rm(path, { recursive: true, force: true });
      await lock.release();
      if (goes && made !== path) await rmdir(dirname(path)).catch(() => {}); // others may be in it
    },
  };
}

async function choicesOf(path: string): Promise<Record<string, number | string>> {
  const file = join(path, "machine.json");
  const text = await readFile(file, "utf8").catch(() => "{}");
  return parseJson(text, file) as Record<string, number | string>;
}
