// What distinguishes recipes: the hash that names a run's folder, and the hash of each network, equal where two recipes
// train the same one.
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { isModule, sha256, sha256FileSync, sha256Value } from "../../core/index.ts";
import { findSplit, isDocuments } from "../../data/index.ts";
import { modelFiles } from "../../hub/index.ts";
import { type Recipe, startsFromFolder } from "./schema.ts";
import { rateOf } from "./training.ts";

/**
 * What decides each network of a recipe, its seeds and its samples' dealing out aside. Where the data lie is not part
 * of it; what a module of the user's own holds is, and what a folder and its text hold in place of their paths.
 */
function setUpOf(recipe: Recipe) {
  const { model, data, training } = recipe;
  const { dir: _, ...samples } = data;
  const { period, factor, keep_previous: __, ...common } = training;
  const fall = training.schedule === "step" ? { period, factor } : {}; // without that schedule they say nothing
  const course = { training: { ...common, ...fall } };
  if (!startsFromFolder(recipe)) return { model, data: samples, ...course, ...modulesOf([model.name, data.name]) };
  const text = isDocuments(data.name) ? [findSplit(data.name, "train").path] : [];
  return { model: contentOf(modelFiles(model.name)), data: { ...samples, name: contentOf(text) }, ...course };
}

/**
 * The hash that names a run's folder, 10 hexadecimal digits: of everything that decides the networks and which of their
 * checkpoints are kept.
 * What is measured on them, and the recipe's name, are not part of it.
 */
export function recipeHash(recipe: Recipe): string {
  const { training, ...common } = setUpOf(recipe);
  const { federated, measure } = recipe;
  const pair = startsFromFolder(recipe) ? { ...recipe.pair, init: "folder" } : recipe.pair;
  const kept = recipe.training.keep_previous ? { keep_previous: true } : {};
  const deciding = { ...common, training: { ...training, ...kept }, pair, federated, every: measure.every };
  return sha256Value(deciding).slice(0, 10);
}

/** The seeds of a recipe's network, by its number: of its initialisation and of its order of samples. */
export function seedsOf({ pair: { init, init_seed, order_seeds } }: Recipe, number: number) {
  return {
    init: init_seed + (init === "different" ? number : 0),
    order: order_seeds[number] ?? order_seeds[1] + number,
  };
}

/**
 * Equal for networks of two recipes that come out the same. Clients have none: their samples depend on all the others.
 */
export function networkHash(recipe: Recipe, number: number): string | undefined {
  if (recipe.federated) return undefined;
  const { training, ...common } = setUpOf(recipe);
  return sha256Value({
    ...common,
    training: { ...training, lr: rateOf(recipe, number) },
    seeds: seedsOf(recipe, number),
  });
}

/** What the modules among the names hold, so that a change makes other networks. */
function modulesOf(names: readonly string[]): { modules?: string[] } {
  const files = names.filter((name) => isModule(name) && existsSync(name));
  return files.length ? { modules: files.map((file) => sha256(readFileSync(file))) } : {};
}

const hashes = new Map<string, string>();

/** What some files hold, each read once in a process while it stays as it is. */
function contentOf(files: readonly string[]): string {
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
