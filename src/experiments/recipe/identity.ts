// What distinguishes recipes: the hash that names a run's folder, and the hash of each network, equal where two recipes
// train the same one.
import { existsSync, readFileSync } from "node:fs";
import { isModule, sha256, sha256Value } from "../../core/index.ts";
import type { Recipe } from "./schema.ts";

/**
 * What decides each network of a recipe, its seeds and its samples' dealing out aside. Where the data lie is not part
 * of it; what a module of the user's own holds is.
 */
function setUpOf({ model, data, training }: Recipe) {
  const { dir: _, ...samples } = data;
  const { period, factor, keep_previous: __, ...common } = training;
  const fall = training.schedule === "step" ? { period, factor } : {}; // without that schedule they say nothing
  return { model, data: samples, training: { ...common, ...fall }, ...modulesOf([model.name, data.name]) };
}

/**
 * The hash that names a run's folder, 10 hexadecimal digits: of everything that decides the networks and which of their
 * checkpoints are kept.
 * What is measured on them, and the recipe's name, are not part of it.
 */
export function recipeHash(recipe: Recipe): string {
  const { training, ...common } = setUpOf(recipe);
  const { pair, federated, measure } = recipe;
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
  return recipe.federated ? undefined : sha256Value({ ...setUpOf(recipe), seeds: seedsOf(recipe, number) });
}

/** What the modules among the names hold, so that a change makes other networks. */
function modulesOf(names: readonly string[]): { modules?: string[] } {
  const files = names.filter((name) => isModule(name) && existsSync(name));
  return files.length ? { modules: files.map((file) => sha256(readFileSync(file))) } : {};
}
