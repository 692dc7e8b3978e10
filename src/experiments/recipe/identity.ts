// Hashes of recipes: one names the run's folder, and one per network is equal if two recipes train the same network.
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { isModule, sha256, sha256FileSync, sha256Value } from "../../core/index.ts";
import { findSplit, isDocuments } from "../../data/index.ts";
import { modelFiles } from "../../hub/index.ts";
import { type Recipe, startsFromFolder } from "./schema.ts";
import { rateOf } from "./training.ts";

/**
 * The settings that affect every network of a recipe, without seeds and the partition of samples. Excludes the location
 * of the data. Includes the content of custom modules, and the content of folders and texts instead of their paths.
 */
function setUpOf(recipe: Recipe) {
  const { model, data, training } = recipe;
  const { dir: _, ...samples } = data;
  const { period, factor, keep_previous: __, ...common } = training;
  const fall = training.schedule === "step" ? { period, factor } : {}; // only this schedule uses them
  const course = { training: { ...common, ...fall } };
  if (!startsFromFolder(recipe)) return { model, data: samples, ...course, ...hashModules([model.name, data.name]) };
  const text = isDocuments(data.name) ? [findSplit(data.name, "train").path] : [];
  return { model: hashFiles(modelFiles(model.name)), data: { ...samples, name: hashFiles(text) }, ...course };
}

/**
 * The hash that names a run's folder, 10 hexadecimal digits. It covers every setting that affects the networks and
 * which checkpoints are kept, but not the recipe's name nor what is measured.
 */
export function recipeHash(recipe: Recipe): string {
  const { training, ...common } = setUpOf(recipe);
  const { federated, measure } = recipe;
  const pair = startsFromFolder(recipe) ? { ...recipe.pair, init: "folder" } : recipe.pair;
  const kept = recipe.training.keep_previous ? { keep_previous: true } : {};
  const deciding = { ...common, training: { ...training, ...kept }, pair, federated, every: measure.every };
  return sha256Value(deciding).slice(0, 10);
}

/** The seeds of a network, by its number: of the initialisation and of the order of samples. */
export function seedsOf({ pair: { init, init_seed, order_seeds } }: Recipe, number: number) {
  return {
    init: init_seed + (init === "different" ? number : 0),
    order: order_seeds[number] ?? order_seeds[1] + number,
  };
}

/** Equal for equal networks of two recipes. Clients have no hash, because their samples depend on the other clients. */
export function networkHash(recipe: Recipe, number: number): string | undefined {
  if (recipe.federated) return undefined;
  const { training, ...common } = setUpOf(recipe);
  return sha256Value({
    ...common,
    training: { ...training, lr: rateOf(recipe, number) },
    seeds: seedsOf(recipe, number),
  });
}

/** Hashes the modules among the names, so that a changed module makes new networks. */
function hashModules(names: readonly string[]): { modules?: string[] } {
  const files = names.filter((name) => isModule(name) && existsSync(name));
  return files.length ? { modules: files.map((file) => sha256(readFileSync(file))) } : {};
}

const hashes = new Map<string, string>();

/** Hashes the content of files. Each is read once per process unless it changes. */
function hashFiles(files: readonly string[]): string {
  return sha256Value(
    files.map((path) => {
      const { size, mtimeMs } = statSync(path);
      const key = `${path} ${size} ${mtimeMs}`;
      const hash = hashes.get(key) ?? sha256FileSync(path);
      hashes.set(key, hash);
      return [basename(path), hash];
    }),
  );
}
