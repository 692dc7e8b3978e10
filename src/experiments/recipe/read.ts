// Reads recipes from YAML at a scale and fills in the defaults. For an unknown key, the error suggests the nearest
// known one.

import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { z } from "zod";
import { listSome, nearest, readText, UserError } from "../../core/index.ts";
import { findModel, isModelFolder } from "../../hub/index.ts";
import { applyScale, parseYaml, type Scale } from "./scales.ts";
import { knownKeys, type Recipe, recipeSchema, startsFromFolder } from "./schema.ts";

/**
 * Reads a recipe file at a scale. A `data.dir` is relative to the recipe's folder. Throws a {@link UserError} that
 * names the key that is wrong.
 * @example
 * ```ts
 * import { readRecipe } from "layerwise";
 *
 * const recipe = await readRecipe("rings.yaml");
 * console.log(recipe.name, recipe.training.batch, recipe.training.optimiser); // rings 20 sgd
 * ```
 */
export async function readRecipe(path: string, scale: Scale = "paper"): Promise<Recipe> {
  const text = await readText(path);
  const recipe = parseRecipe(await applyScale(parseYaml(text, path), scale, path), path);
  if (recipe.data.dir) recipe.data.dir = resolve(path, "..", recipe.data.dir);
  return startsFromFolder(recipe) ? resolvePaths(recipe, path) : recipe;
}

/** Resolves the paths of the folder and the text, relative to the recipe's folder. The folder may be in the cache. */
function resolvePaths(recipe: Recipe, path: string): Recipe {
  const { init } = recipe.pair;
  const beside = resolve(path, "..", init);
  const folder = existsSync(beside) ? beside : findModel(init);
  if (!isModelFolder(folder))
    throw new UserError(
      `${path}: pair.init: ${init} is not same, different, or a Hugging Face folder. Give a path relative to the recipe's folder, or a name in the cache.`,
    );
  return {
    ...recipe,
    model: { ...recipe.model, name: resolve(folder) },
    pair: { ...recipe.pair, init: resolve(folder) },
    data: { ...recipe.data, name: resolve(path, "..", recipe.data.name) },
  };
}

/**
 * Validates a recipe and fills in the defaults; `name` defaults to the file's. Throws a {@link UserError} that names
 * the key that is wrong.
 * @example
 * ```ts
 * import { parseRecipe } from "layerwise";
 *
 * console.log(parseRecipe({ training: { epochs: 2 } }, "mine.yaml").name); // mine
 * ```
 */
export function parseRecipe(value: unknown, path: string): Recipe {
  const named =
    value && typeof value === "object" && !("name" in value)
      ? { name: basename(path).replace(/\.ya?ml$/, ""), ...value }
      : value;
  const parsed = recipeSchema.safeParse(named);
  if (parsed.success) return parsed.data;
  throw new UserError(`${path}: ${describeIssue(parsed.error.issues[0])}.`);
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const at = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0];
    const known = knownKeys(issue.path);
    const near = nearest(key, known);
    return `${[...issue.path, key].join(".")} is not a known key; ${near ? `did you mean ${near}? Known keys:` : "known keys:"} ${listSome(known, 20)}`;
  }
  return `${at || "the recipe"}: ${issue.message.replace(/^Invalid input: /, "")}`;
}
